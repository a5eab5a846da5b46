"""How the whole queue stands: counts, the policy in force, the heads of the lines, and the waiting jobs in order."""

from collections.abc import Iterator, Sequence
from itertools import islice

from sqlalchemy import select

from control_plane.db.transaction import Tx
from control_plane.scheduler.operations import listing, loads, records
from control_plane.scheduler.operations.estimates import Estimate
from control_plane.scheduler.operations.explaining import Sight
from control_plane.scheduler.rules.board import Policy, Situation, Waiting
from control_plane.scheduler.rules.places import in_turn
from control_plane.scheduler.tables import jobs
from store_client.errors import BadRequest
from store_client.wire.calls.scheduler import QueueQuery
from store_client.wire.jobs import Job, QueueSummary
from store_client.wire.scheduler import LineHead, QueuedJob, Ranking, SchedulerStatus

HEADS = 50
Placed = tuple[int, Waiting]
"""A place in the queue, and who stands there."""


def status(tx: Tx, query: QueueQuery, sight: Sight, summary: QueueSummary) -> SchedulerStatus:
    """The queue as it stands, with a page of who waits."""
    situation, estimate = sight.situation, sight.estimate(tx)
    total = sum(len(line) for key, line in situation.lines.items() if _is_of(key.experiment_id, query))
    chosen = list(islice(_chosen(situation, query, total), query.limit + 1))
    page, is_more = chosen[: query.limit], len(chosen) > query.limit
    return SchedulerStatus(
        at=tx.now,
        summary=summary,
        states=listing.by_state(tx, query.experiment_id),
        policy=_ranking(situation.policy),
        heads=tuple(_heads(situation)),
        loads=loads.heaviest(tx, situation),
        no_start=estimate.why_not,
        items=tuple(_items(tx, page, sight, estimate)),
        next=str(page[-1][0]) if is_more else None,
        total=total,
    )


def _is_of(experiment_id: str, query: QueueQuery) -> bool:
    return query.experiment_id is None or experiment_id == query.experiment_id


def _chosen(situation: Situation, query: QueueQuery, total: int) -> Iterator[Placed]:
    """Who stands behind a place, of the experiment that is asked for, of which so many wait."""
    after = _after(query.after)
    its = ((place, job) for place, job in enumerate(in_turn(situation), 1) if _is_of(job.experiment_id, query))
    return (placed for placed in islice(its, total) if placed[0] > after)


def _after(text: str | None) -> int:
    if text is None:
        return 0
    if not text.isdecimal() or len(text) > 9:
        raise BadRequest("after: use the `next` of the page before")
    return int(text)


def _items(tx: Tx, page: Sequence[Placed], sight: Sight, estimate: Estimate) -> Iterator[QueuedJob]:
    found = _jobs(tx, [job.job_id for _, job in page])
    for place, waiting in page:
        job = found.get(waiting.job_id)
        if job is not None:
            start = estimate.of(waiting.job_id, place)
            why = sight.why(waiting) or job.waiting_for
            yield QueuedJob(job=job.having(position=place, waiting_for=why), position=place, start=start)


def _jobs(tx: Tx, job_ids: Sequence[str]) -> dict[str, Job]:
    """Those of the jobs that still wait."""
    query = select(*records.COLUMNS).where(jobs.c.job_id.in_(job_ids), jobs.c.state == "queued")
    rows = list(tx.connection.execute(query).mappings())
    return {job.job_id: job for job in listing.shown(tx, rows, listing.unplaced)}


def _heads(situation: Situation) -> Iterator[LineHead]:
    lines = sorted(situation.lines.items(), key=lambda one: (-one[0].priority, one[1][0].rank, one[1][0].number))
    for key, line in lines[:HEADS]:
        yield LineHead(
            job_id=line[0].job_id,
            number=line[0].number,
            experiment_id=key.experiment_id,
            operator=key.operator,
            priority=key.priority,
            resources=key.resources,
            waiting=len(line),
        )


def _ranking(policy: Policy) -> Ranking:
    return Ranking(
        ageing_seconds=policy.ageing_seconds,
        starvation_seconds=policy.starvation_seconds,
        may_preempt=policy.may_preempt,
        weights=dict(policy.weights),
    )
