"""Which variant was built on which: kept beside the variants, by number, in the transactions that change them.

Parents are commits. Whose commit one is may be known when a variant begins, or only when another variant gets it.
"""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, String, bindparam, func, insert, select, update
from sqlalchemy.sql.selectable import ScalarSelect

from control_plane.db.transaction import Tx
from control_plane.task_store.tables import IS_OF_NOBODY, variant_parents, variants

_HERE, _ID, _COMMIT = (bindparam(name, type_=String) for name in ("here", "id", "commit"))


def _number() -> ScalarSelect[int]:
    """The number of the variant itself."""
    found = select(variants.c.number).where(variants.c.experiment_id == _HERE, variants.c.variant_id == _ID)
    return found.correlate(None).scalar_subquery()


def _owner(commit: ColumnElement[str], is_another: ColumnElement[bool]) -> ScalarSelect[int]:
    """The number of the first other variant that has the commit: two look-ups, since one for either reads them all."""
    owned, canonical = (
        select(variants.c.number)
        .where(variants.c.experiment_id == _HERE, column == commit, is_another)
        .correlate(variant_parents)
        for column in (variants.c.commit_sha, variants.c.variant_commit_sha)
    )
    found = owned.union_all(canonical).subquery()
    return select(func.min(found.c.number)).correlate(variant_parents).scalar_subquery()


_ADD = insert(variant_parents).inline().values(
    number=_number(), parent_number=_owner(_COMMIT, variants.c.variant_id != _ID)
)  # fmt: skip
_OWN = (
    update(variant_parents)
    .where(variant_parents.c.experiment_id == _HERE, variant_parents.c.commit_sha == _COMMIT, IS_OF_NOBODY)
    .where(variant_parents.c.number != _number())
    .values(parent_number=_number())
)
_SETTLE = (
    update(variant_parents)
    .where(variant_parents.c.experiment_id == _HERE)
    .values(parent_number=_owner(variant_parents.c.commit_sha, variants.c.number != variant_parents.c.number))
)


def begin(tx: Tx, variant_id: str, commits: Sequence[str]) -> None:
    """Note what a new variant was built on."""
    for place, commit in enumerate(dict.fromkeys(commits)):
        row = {"experiment_id": tx.experiment_id, "place": place, "commit_sha": commit}
        tx.run(_ADD, here=tx.experiment_id, id=variant_id, commit=commit, **row)


def own(tx: Tx, variant_id: str, commit: str) -> None:
    """A commit is this variant's from now on: whatever was built on it was built on the variant."""
    tx.run(_OWN, here=tx.experiment_id, id=variant_id, commit=commit)


def settle(tx: Tx) -> None:
    """Find the parents of all variants of the experiment, after they came together."""
    tx.run(_SETTLE, here=tx.experiment_id)
