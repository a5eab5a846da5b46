"""Variants found by how their name or commit begins: each beginning is a range of an index, read up to a bound."""

from sqlalchemy import ColumnElement, select

from control_plane.db.transaction import Tx
from control_plane.task_store.tables import IS_BASELINE, ideas, variants

MOST = 500
LAST = "\U0010ffff"
BASELINE = "baseline"
"""What the one variant without an idea is called."""


def numbers(tx: Tx, text: str) -> set[int]:
    """The numbers of variants whose idea's slug or whose commit begins so; of a beginning that many share, some."""
    begins = text.lower()
    here = variants.c.experiment_id == tx.experiment_id
    called = select(ideas.c.idea_id).where(ideas.c.experiment_id == tx.experiment_id, _within(ideas.c.slug, begins))
    of_ideas = list(tx.connection.scalars(called.order_by(ideas.c.slug).limit(MOST)))
    found = set(
        tx.connection.scalars(select(variants.c.number).where(here, variants.c.idea_id.in_(of_ideas)).limit(MOST))
    )
    for column in (variants.c.commit_sha, variants.c.variant_commit_sha):
        begun = select(variants.c.number).where(here, _within(column, begins)).order_by(column).limit(MOST)
        found |= set(tx.connection.scalars(begun))
    if BASELINE.startswith(begins):
        found |= set(tx.connection.scalars(select(variants.c.number).where(here, IS_BASELINE)))
    return found


def _within(column: ColumnElement[str], begins: str) -> ColumnElement[bool]:
    return (column >= begins) & (column < begins + LAST)
