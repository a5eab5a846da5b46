"""The graph of variants: a page of it by number, what changed in it lately, and what lies around one variant."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, cast, false, func, select, text

from control_plane.db import log, tally
from control_plane.db.tables import events, scores
from control_plane.db.transaction import Tx
from control_plane.task_store import rows
from control_plane.task_store.tables import IS_BASELINE, ideas, variant_parents, variants
from store_client.wire.calls.variants import AroundQuery, LineageQuery
from store_client.wire.variants import Lineage, VariantStatus

SIGNS = {
    VariantStatus.STARTING: ".",
    VariantStatus.SUCCESS: "+",
    VariantStatus.ERROR: "-",
    VariantStatus.EVALUATION_ERROR: "!",
}
INTEGRATED = "*"
TELLING = tuple(name for name in sorted(log.PROTOCOL_TYPES) if name.startswith("variant."))
CHANGES = 1000
Node = tuple[Any, ...]
NEAR = 12
"""Ancestors that are told however few are asked for: about as many generations as are read side by side."""


def page(tx: Tx, query: LineageQuery) -> Lineage:
    """The next variants by number, or with `since` those that events tell of."""
    if query.since is not None:
        return _changes(tx, query.since)
    cursor = log.tip(tx.connection)
    found = _nodes(tx, variants.c.number > query.after, limit=query.limit + 1)
    shown = found[: query.limit]
    span = (shown[0][0], shown[-1][0]) if shown else (0, 0)
    between = variant_parents.c.number.between(*span)
    following = shown[-1][0] if len(found) > query.limit else None
    return _lineage(tx, shown, between).model_copy(update={"next": following, "cursor": cursor})


def around(tx: Tx, variant_id: str, query: AroundQuery) -> Lineage:
    """A variant, its ancestors and descendants; then what else was built on its nearest ancestors."""
    own = int(rows.variant(tx, variant_id)["number"])
    most = max(query.limit // 25, min(query.limit // 2, NEAR))
    above = _reached(tx, own, most, is_upwards=True)
    kin = dict.fromkeys([own, *above])
    kin |= dict.fromkeys(_reached(tx, own, query.limit - len(kin), is_upwards=False))
    room = query.limit - len(kin)
    if room > 0:
        kin |= dict.fromkeys(_children(tx, list(above), room, beside=kin))
    return _of(tx, list(kin)[: query.limit])


def _changes(tx: Tx, since: int) -> Lineage:
    """The variants that events after a position tell of, and those that were built on them."""
    told = (
        select(events.c.position, events.c.data)
        .where(events.c.experiment_id == tx.experiment_id, events.c.position > since, events.c.type.in_(TELLING))
        .order_by(events.c.position)
        .limit(CHANGES)
    )
    tip = log.tip(tx.connection)
    found = tx.connection.execute(told).all()
    ids = {str(each.data["variant_id"]) for each in found}
    here = select(variants.c.number).where(variants.c.experiment_id == tx.experiment_id)
    changed = list(tx.connection.scalars(here.where(variants.c.variant_id.in_(ids)))) if ids else []
    numbers = dict.fromkeys([*changed, *_children(tx, changed, CHANGES, beside=())])
    cursor = found[-1].position if len(found) == CHANGES else tip
    return _of(tx, list(numbers)).model_copy(update={"cursor": cursor})


def _of(tx: Tx, numbers: Sequence[int]) -> Lineage:
    """These variants, by number."""
    if not numbers:
        return _lineage(tx, [], false())
    found = _nodes(tx, variants.c.number.in_(numbers))
    return _lineage(tx, found, variant_parents.c.number.in_(numbers))


def _nodes(tx: Tx, condition: ColumnElement[bool], limit: int | None = None) -> Sequence[Node]:
    same = (ideas.c.experiment_id == variants.c.experiment_id) & (ideas.c.idea_id == variants.c.idea_id)
    label = func.coalesce(variants.c.kind, ideas.c.slug, variants.c.variant_id)
    columns = (
        variants.c.number, variants.c.variant_id, label, variants.c.status, variants.c.objective_value,
        variants.c.variant_commit_sha.is_not(None),
    )  # fmt: skip
    wanted = select(*columns).outerjoin(ideas, same).where(variants.c.experiment_id == tx.experiment_id, condition)
    return tx.connection.execute(wanted.order_by(variants.c.number).limit(limit)).all()


def _lineage(tx: Tx, found: Sequence[Node], whose: ColumnElement[bool]) -> Lineage:
    """Rows of `_nodes` column by column, with the parents of `whose` condition."""
    parents = _parents(tx, whose) if found else {}
    return Lineage(
        numbers=tuple(row[0] for row in found),
        ids=tuple(row[1] for row in found),
        labels=tuple(row[2] for row in found),
        statuses="".join(INTEGRATED if row[5] else SIGNS[row[3]] for row in found),
        values=tuple(row[4] for row in found),
        parents=tuple(tuple(parents.get(row[0], ())) for row in found),
        baseline=_number(tx, select(variants.c.number).where(IS_BASELINE)),
        best=_number(tx, select(variants.c.number).join(scores, _is_best())),
        total=tally.read(tx.connection, tx.experiment_id).get("variants", 0),
    )


def _is_best() -> ColumnElement[bool]:
    return (scores.c.experiment_id == variants.c.experiment_id) & (scores.c.best_variant_id == variants.c.variant_id)


def _number(tx: Tx, wanted: Select[Any]) -> int | None:
    found: int | None = tx.connection.scalar(wanted.where(variants.c.experiment_id == tx.experiment_id).limit(1))
    return found


def _parents(tx: Tx, whose: ColumnElement[bool]) -> dict[int, list[int]]:
    table = variant_parents.c
    known = select(table.number, table.parent_number).where(
        table.experiment_id == tx.experiment_id, whose, table.parent_number.is_not(None)
    )
    parents: dict[int, list[int]] = {}
    for number, parent in tx.connection.execute(known.order_by(table.number, table.place)).all():
        parents.setdefault(number, []).append(parent)
    return parents


def _reached(tx: Tx, start: int, limit: int, *, is_upwards: bool) -> Iterable[int]:
    """The nearest ancestors or descendants of a variant, generation by generation, without itself."""
    table = variant_parents.c
    reached = select(cast(start, BigInteger).label("number")).cte("reached", recursive=True)
    here, there = (table.number, table.parent_number) if is_upwards else (table.parent_number, table.number)
    # What is added to hides a condition from the choice of an index: the one of `here` is wanted.
    follows = table.experiment_id == tx.experiment_id, here == reached.c.number, (there + 0).is_not(None)
    step = select(there).where(*follows)
    if tx.connection.dialect.name == "sqlite":
        # Where it expects very many it makes a Bloom filter first, and reads all there are for that.
        step = step.where(func.likelihood(reached.c.number + 0 > 0, text("0.0001")))
    every = reached.union(step)
    return [number for number in tx.connection.scalars(select(every.c.number).limit(limit + 1)) if number != start]


def _children(tx: Tx, numbers: Sequence[int], limit: int, beside: Collection[int]) -> Iterable[int]:
    """What was built on these variants, apart from what is known already."""
    table = variant_parents.c
    wanted = select(table.number).where(table.experiment_id == tx.experiment_id, table.parent_number.in_(numbers))
    found = tx.connection.scalars(wanted.limit(limit + len(beside))) if numbers else ()
    return [number for number in found if number not in beside][:limit]
