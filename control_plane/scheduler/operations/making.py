"""Jobs come into being: many at once in as many statements as one needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping, insert, select, update

from control_plane.db.transaction import Tx
from control_plane.scheduler.operations.rows import newest, tell
from control_plane.scheduler.tables import arrays, job_tags, job_waits, jobs
from store_client.wire.jobs import JobState, SubmitJob

IN_ONE_STATEMENT = 500


@dataclass(frozen=True)
class Wait:
    """What a job has to wait for: a job or an array."""

    on_id: str
    when_it: str


@dataclass(frozen=True)
class Draft:
    """A job that is yet to get its id and its number."""

    spec: SubmitJob
    facts: Mapping[str, Any]
    """What the spec does not say: whose it is, where, on which commit, under which claim."""
    waits: Sequence[Wait] = ()
    rank: float | None = None
    """Its place; at the end when there is none."""
    array: Mapping[str, Any] | None = None
    """The row of the array that begins with it."""


def make(tx: Tx, drafts: Sequence[Draft]) -> list[RowMapping]:
    """Queue these jobs, in this order."""
    first = newest(tx) + 1
    made = [(draft, _row(tx, draft, number)) for number, draft in enumerate(drafts, first)]
    tx.connection.execute(insert(jobs), [row for _, row in made])
    _insert(tx, arrays, [{**draft.array, "number": row["number"]} for draft, row in made if draft.array is not None])
    _insert(tx, job_tags, [
        {"job_id": row["job_id"], "tag": tag, "number": row["number"]}
        for draft, row in made for tag in dict.fromkeys(draft.spec.tags)
    ])  # fmt: skip
    _insert(tx, job_waits, [
        {"job_id": row["job_id"], "on_id": wait.on_id, "when_it": wait.when_it}
        for draft, row in made for wait in draft.waits
    ])  # fmt: skip
    _mark_awaited(tx, sorted({wait.on_id for draft in drafts for wait in draft.waits}))
    numbers = jobs.c.number.between(first, first + len(drafts) - 1)
    rows = list(tx.connection.execute(select(jobs).where(numbers).order_by(jobs.c.number)).mappings())
    for row in rows:
        tell(tx, "queued", row, None)
    return rows


def _row(tx: Tx, draft: Draft, number: int) -> dict[str, Any]:
    spec = draft.spec
    return {
        "job_id": tx.mint("job"),
        "number": number,
        "rank": number if draft.rank is None else draft.rank,
        "name": spec.name,
        "state": JobState.QUEUED,
        "priority": spec.priority,
        "resources": spec.resources.to_wire(),
        "spec": spec.to_wire(),
        "role": spec.role,
        "task_id": spec.task_id,
        "run_id": spec.run_id,
        "array_id": None,
        "array_index": None,
        "idempotency_key": spec.idempotency_key,
        "attempt": 0,
        "tries": 0,
        "losses": 0,
        "waits_on": len(draft.waits),
        "created_at": tx.now,
        "queued_at": tx.now,
        **draft.facts,
    }


def _insert(tx: Tx, table: Any, rows: list[dict[str, Any]]) -> None:
    if rows:
        tx.connection.execute(insert(table), rows)


def wait_for(tx: Tx, row: RowMapping, waits: Sequence[Wait]) -> None:
    """An existing job waits for these."""
    of_it = [{"job_id": row["job_id"], "on_id": wait.on_id, "when_it": wait.when_it} for wait in waits]
    _insert(tx, job_waits, of_it)
    _mark_awaited(tx, sorted(wait.on_id for wait in waits))


def _mark_awaited(tx: Tx, on_ids: Sequence[str]) -> None:
    for at in range(0, len(on_ids), IN_ONE_STATEMENT):
        these = jobs.c.job_id.in_(on_ids[at : at + IN_ONE_STATEMENT])
        tx.connection.execute(update(jobs).where(these, jobs.c.is_awaited == 0).values(is_awaited=1))
