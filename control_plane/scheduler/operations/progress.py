"""What running jobs last said, kept apart from the jobs: written often, in one batch, and told to nobody."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from control_plane.db.transaction import Tx
from control_plane.scheduler.tables import jobs
from control_plane.scheduler.tables import progress as table

IN_ONE_STATEMENT = 500


@dataclass(frozen=True)
class Word:
    """The newest word of one attempt, and when it last gave a sign of life."""

    job_id: str
    attempt: int
    at: str
    said: dict[str, Any] | None


def _upsert(insert: Any) -> Any:
    new = {name: insert.excluded[name] for name in ("attempt", "at", "said")}
    return insert.on_conflict_do_update(index_elements=["job_id"], set_=new)


_KEEP = {"sqlite": _upsert(sqlite.insert(table)), "postgresql": _upsert(postgresql.insert(table))}


def keep(tx: Tx, words: Sequence[Word]) -> None:
    """Keep the newest word of each job; what an attempt says that is no longer its job's is dropped."""
    newest = _attempts(tx, [word.job_id for word in words])
    rows = [asdict(word) for word in words if newest.get(word.job_id) == word.attempt]
    if rows:
        tx.connection.execute(_KEEP[tx.connection.dialect.name], rows)


def _attempts(tx: Tx, job_ids: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for at in range(0, len(job_ids), IN_ONE_STATEMENT):
        query = select(jobs.c.job_id, jobs.c.attempt).where(jobs.c.job_id.in_(job_ids[at : at + IN_ONE_STATEMENT]))
        found.update((row.job_id, row.attempt) for row in tx.connection.execute(query))
    return found
