"""What running jobs last said, kept apart from the jobs: written often, in one batch, and told to nobody."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from control_plane.db.transaction import Tx
from control_plane.scheduler.tables import jobs
from control_plane.scheduler.tables import progress as table

IN_ONE_STATEMENT = 500
_CHANGE = (
    update(table)
    .where(table.c.job_id == bindparam("of"))
    .values({name: bindparam(name) for name in ("attempt", "at", "said")})
)


@dataclass(frozen=True)
class Word:
    """The newest word of one attempt, and when it last gave a sign of life."""

    job_id: str
    attempt: int
    at: str
    said: dict[str, Any] | None


def keep(tx: Tx, words: Sequence[Word]) -> None:
    """Keep the newest word of each job; what an attempt says that is no longer its job's is dropped."""
    for at in range(0, len(words), IN_ONE_STATEMENT):
        _keep(tx, {word.job_id: word for word in words[at : at + IN_ONE_STATEMENT]})


def _keep(tx: Tx, words: Mapping[str, Word]) -> None:
    is_new = table.c.job_id.is_(None)
    query = select(jobs.c.job_id, jobs.c.attempt, is_new.label("is_new")).outerjoin(
        table, table.c.job_id == jobs.c.job_id
    )
    found = list(tx.connection.execute(query.where(jobs.c.job_id.in_(list(words)))))
    current = [row for row in found if row.attempt == words[row.job_id].attempt]
    made = [asdict(words[row.job_id]) for row in current if row.is_new]
    changed = [asdict(words[row.job_id]) | {"of": row.job_id} for row in current if not row.is_new]
    if made:
        tx.connection.execute(insert(table), made)
    if changed:
        tx.connection.execute(_CHANGE, changed)
