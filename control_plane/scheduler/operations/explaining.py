"""Why one job is where it is: what waits with it, what blocks it, and when it may start."""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Protocol

from sqlalchemy import RowMapping, select

from control_plane.db.transaction import Tx
from control_plane.scheduler.operations import standing
from control_plane.scheduler.operations.estimates import NOTHING_ENDS, Estimate
from control_plane.scheduler.operations.rows import load
from control_plane.scheduler.operations.situation import seconds_of
from control_plane.scheduler.ports import Claims
from control_plane.scheduler.rules import words
from control_plane.scheduler.rules.board import LineKey, Situation, Waiting
from control_plane.scheduler.rules.eta import EXACTLY
from control_plane.scheduler.rules.explain import Why, explain
from control_plane.scheduler.rules.lines import place_of
from control_plane.scheduler.tables import attempts, job_waits, jobs
from store_client.wire.jobs import JobState, Resources
from store_client.wire.scheduler import Explanation, JobBlocker, JobConstraint

NAMED = 20
SAID: Mapping[JobState, str] = MappingProxyType(
    {
        JobState.STARTING: "Its slots are held{on}; its command is about to start.",
        JobState.RUNNING: "It runs{on}.",
        JobState.CANCELLING: "Its processes are being ended.",
        JobState.SUCCEEDED: "It succeeded.",
        JobState.CANCELLED: "It was cancelled.",
    }
)


class Sight(Protocol):
    """The queue as it stands, or stood a moment ago."""

    @property
    def situation(self) -> Situation: ...

    @property
    def head(self) -> Sequence[Waiting]:
        """The first of the waiting jobs, in order."""
        ...

    def why(self, job: Waiting) -> str | None:
        """Why one of the waiting jobs waits, in a sentence, by the same look; None where that is not known."""
        ...

    def estimate(self, tx: Tx, job_id: str | None = None) -> Estimate:
        """When jobs start, this one among them where one is named."""
        ...


def answer(tx: Tx, job_id: str, look: Callable[[Tx], Sight], claims: Claims) -> Explanation:
    """Why a job waits; for one that does not, what became of it."""
    row = load(tx, job_id)
    if row["state"] != JobState.QUEUED:
        return _explanation(tx, row, _became(tx, row))
    outside = obstacles(tx, row, claims)
    if outside:
        return _explanation(tx, row, f"Waits: {outside[0].sentence}.", constraints=outside, no_start=NOTHING_YET)
    sight = look(tx)
    job = in_line(sight.situation, row)
    if job is None:
        return _explanation(tx, row, "It has only just come; ask again in a moment.", no_start=NOTHING_YET)
    return _standing(tx, row, sight, explain(sight.situation, job, sight.head))


NOTHING_YET = "it does not stand in line yet"


def _standing(tx: Tx, row: RowMapping, sight: Sight, why: Why) -> Explanation:
    """The answer on a job that waits for slots alone."""
    is_hopeless = why.constraints[0].kind in {"never_fits", "memory"}
    estimate = sight.estimate(tx, None if is_hopeless or why.position > EXACTLY else row["job_id"])
    start = None if is_hopeless else estimate.of(row["job_id"], why.position)
    return _explanation(
        tx,
        row,
        f"Waits, number {why.position:,} in the queue: {why.sentence}.",
        position=why.position,
        waiting=sum(map(len, sight.situation.lines.values())),
        constraints=why.constraints,
        change=why.change,
        alternatives=why.alternatives,
        no_change=why.no_change,
        start=start,
        no_start=None if start is not None else estimate.why_not or NOTHING_ENDS,
    )


def _explanation(tx: Tx, row: RowMapping, sentence: str, **more: Any) -> Explanation:
    facts = {"job_id": row["job_id"], "number": row["number"], "state": JobState(row["state"])}
    return Explanation(**facts, at=tx.now, sentence=sentence, **more)


def _became(tx: Tx, row: RowMapping) -> str:
    """What happened to a job that does not wait."""
    query = select(attempts.c.slots).where(attempts.c.job_id == row["job_id"], attempts.c.number == row["attempt"])
    slots = tx.connection.scalar(query) or ()
    on = f" on {', '.join(slots[:4])}{f' and {len(slots) - 4} more' if len(slots) > 4 else ''}" if slots else ""
    why = row["detail"] or (row["cause"] or row["state"]).replace("_", " ")
    return SAID.get(JobState(row["state"]), "It ended: {why}.").format(on=on, why=why)


def obstacles(tx: Tx, row: RowMapping, claims: Claims) -> tuple[JobConstraint, ...]:
    """What keeps a job from standing in line at all."""
    return (*_lost_claim(tx, row, claims), *_dependencies(tx, row), *_standing_still(tx, row), *_rest(tx, row))


def _standing_still(tx: Tx, row: RowMapping) -> Iterator[JobConstraint]:
    if standing.paused(tx, [row]):
        yield JobConstraint(kind="paused", sentence=standing.PAUSED)


def _lost_claim(tx: Tx, row: RowMapping, claims: Claims) -> Iterator[JobConstraint]:
    if row["task_id"] is None or row["claimed_at"] is None:
        return
    task = (row["experiment_id"], row["task_id"])
    if claims.live_claims(tx, [task]).get(task) != row["claimed_at"]:
        yield JobConstraint(kind="claim_ended", sentence="the claim of its task has ended: it is about to be withdrawn")


def _dependencies(tx: Tx, row: RowMapping) -> Iterator[JobConstraint]:
    if row["waits_on"] == 0:
        return
    query = select(job_waits.c.on_id, job_waits.c.when_it).where(job_waits.c.job_id == row["job_id"])
    found = tx.connection.execute(query.order_by(job_waits.c.on_id).limit(NAMED)).all()
    named = select(jobs.c.job_id, jobs.c.number, jobs.c.state).where(jobs.c.job_id.in_([one.on_id for one in found]))
    known = {one.job_id: one for one in tx.connection.execute(named)}
    blockers = [
        JobBlocker(job_id=one.on_id, number=known[one.on_id].number if one.on_id in known else None) for one in found
    ]
    first = ", ".join(f"job {one.number}" if one.number else f"array {one.job_id}" for one in blockers[:3])
    more = f" and {row['waits_on'] - 3} more" if row["waits_on"] > 3 else ""
    must = "must succeed" if any(one.when_it == "succeeded" for one in found) else "must end"
    yield JobConstraint(
        kind="dependency", sentence=f"comes after {first}{more}, which {must} first", jobs=tuple(blockers)
    )


def _rest(tx: Tx, row: RowMapping) -> Iterator[JobConstraint]:
    if row["not_before"] is not None and row["not_before"] > tx.now:
        seconds = seconds_of(row["not_before"]) - seconds_of(tx.now)
        sentence = f"rests for {words.span(seconds)} before attempt {row['attempt'] + 1}"
        yield JobConstraint(kind="rest", sentence=sentence, until=row["not_before"])


def in_line(situation: Situation, row: RowMapping) -> Waiting | None:
    """The job where it stands in line, if it does."""
    need = Resources.model_validate(row["resources"])
    is_claimed = row["task_id"] is not None and row["claimed_at"] is not None
    alike = LineKey(row["experiment_id"], row["submitted_by"], row["priority"], need, is_claimed=is_claimed)
    for key, line in situation.lines.items():
        if replace(key, spell=alike.spell) == alike:
            at = bisect_left(line, (row["rank"], row["number"]), key=place_of)
            if at < len(line) and line[at].job_id == row["job_id"]:
                return line[at]
    return None
