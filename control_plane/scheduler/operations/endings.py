"""How an attempt ends: by itself, or because it gives way. The attempt number fences every word about it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import RowMapping, bindparam, delete, func, or_, select, update

from control_plane.db.command import Command
from control_plane.db.tables import credentials
from control_plane.db.transaction import Tx
from control_plane.scheduler.operations import durations, ends, rows, usage
from control_plane.scheduler.operations.several import Several
from control_plane.scheduler.rules.retries import not_before
from control_plane.scheduler.rules.states import MOST_LOSSES, Count, attempt_ended, ended
from control_plane.scheduler.tables import ON_A_SLOT, attempts, holds, jobs
from store_client.wire.jobs import ExitCause, JobState, RetryPolicy
from store_client.wire.scalars import format_time, parse_time

FOR_ANOTHER = "it makes room for a job of higher priority"
WITH_THE_SERVER = "it was stopped with the server"
OURS: frozenset[ExitCause] = frozenset({"cancelled", "node_lost", "preempted"})
"""Ends that are our doing, when we take an attempt off its slots; the others it came to by itself."""

_END = Command(
    update(attempts).where(attempts.c.job_id == bindparam("of"), attempts.c.number == bindparam("which")),
    "state", "ended_at", "exit_code", "cause", "detail",
)  # fmt: skip
_LIVE = select(jobs.c.attempt).where(jobs.c.job_id == holds.c.job_id).scalar_subquery()
_UNITS, _SINCE = func.count().label("units"), func.min(holds.c.held_since).label("held_since")
_HELD = Several(
    lambda ids: (
        select(holds.c.job_id, holds.c.slot_id, _UNITS, _SINCE)
        .where(holds.c.job_id.in_(ids), holds.c.attempt == _LIVE)
        .group_by(holds.c.job_id, holds.c.slot_id)
    )
)
_FREE = Command(delete(holds).where(holds.c.job_id == bindparam("of"), holds.c.attempt == bindparam("which")))
_TAKE_BACK = Command(delete(credentials).where(credentials.c.session_digest == bindparam("of")))


def pass_of(job_id: str, attempt: int) -> str:
    """What the credential of an attempt's command ends with, as others end with a session."""
    return f"attempt {job_id}/{attempt}"


@dataclass(frozen=True)
class Ending:
    """How an attempt ended and what it brought back."""

    cause: ExitCause
    exit_code: int | None = None
    detail: str | None = None
    result: dict[str, object] = field(default_factory=dict)
    is_of_the_machine: bool = False
    """Whether it is held against the machine: the job could do nothing about it."""

    @property
    def is_held_against_machine(self) -> bool:
        return self.is_of_the_machine or self.cause == "node_lost"


def give_way(tx: Tx, job_id: str, attempt: int, why: str = FOR_ANOTHER) -> bool:
    """An attempt is to be taken off its slots, and its job queued again; False when there is nothing to take off.

    The job stays in its state, so that whoever cancels it meanwhile ends it for good.
    """
    row = rows.load(tx, job_id)
    if row["attempt"] != attempt or row["state"] not in {JobState.STARTING, JobState.RUNNING}:
        return False
    if row["giving_way"] is None:
        rows.save(tx, row, "giving_way", giving_way=why, told={"detail": why})
    return True


def preempt_all(tx: Tx) -> None:
    """Note of every attempt on a slot that we are about to stop it, so that its end does not count against its job."""
    tx.connection.execute(update(jobs).where(ON_A_SLOT, jobs.c.giving_way.is_(None)).values(giving_way=WITH_THE_SERVER))


def finish(tx: Tx, job_id: str, attempt: int, ending: Ending) -> bool:
    """An attempt ended: free its slots, and end the job or queue it again. A stale attempt changes nothing."""
    return finish_all(tx, [(job_id, attempt, ending)])[0]


def finish_all(tx: Tx, told: Sequence[tuple[str, int, Ending]]) -> list[bool]:
    """The same for several attempts; refused when one of their jobs moves on meanwhile."""
    found = rows.whole(tx, {job_id for job_id, _, _ in told})
    over, is_new = [], []
    for job_id, attempt, ending in told:
        row = found.get(job_id) or rows.missing(job_id)
        is_new.append(row["attempt"] == attempt and JobState(row["state"]).is_on_a_slot)
        if is_new[-1]:
            over.append(_End.of(row, ending))
        else:
            _keep_late(tx, row, attempt, ending)
    placed = _end_attempts(tx, over) if over else {}
    done = [each for each in over if each.state is not JobState.QUEUED]
    for row in rows.save_all(tx, "finished", [each.done(tx.now) for each in done]):
        ends.ended(tx, row)
    for each in over:
        if each.state is JobState.QUEUED:
            _queue_again(tx, each, placed.get(each.row["job_id"]))
    return is_new


@dataclass(frozen=True)
class _End:
    """What the end of an attempt means for its job."""

    row: RowMapping
    ending: Ending
    count: Count
    policy: RetryPolicy
    state: JobState
    """Of the job from now on."""

    @classmethod
    def of(cls, row: RowMapping, ending: Ending) -> "_End":
        """By the row as it was read."""
        ending = _in_truth(row, ending)
        count = _counted(row, ending)
        if ending.is_of_the_machine and count.losses > MOST_LOSSES:
            ending = replace(ending, cause="node_lost")
        policy = RetryPolicy.model_validate(row["spec"].get("retry", {}))
        return cls(row, ending, count, policy, ended(JobState(row["state"]), ending.cause, count, policy))

    @property
    def own(self) -> dict[str, Any]:
        """What names the attempt."""
        return {"of": self.row["job_id"], "which": self.row["attempt"]}

    @property
    def how(self) -> dict[str, Any]:
        """How it ended, in the columns of a job and of an attempt."""
        return {"exit_code": self.ending.exit_code, "cause": self.ending.cause, "detail": self.ending.detail}

    def done(self, now: str) -> rows.Change:
        """The job has ended, too."""
        count = {"tries": self.count.tries, "losses": self.count.losses}
        more = {"ended_at": now, "result": self.ending.result, "giving_way": None}
        return rows.Change(self.row, {"state": self.state, **count, **self.how, **more})


def _end_attempts(tx: Tx, over: Sequence[_End]) -> dict[str, str]:
    """The attempts themselves: how they ended, what they held, and what that counts for; when each was placed."""
    states = [attempt_ended(JobState(each.row["state"]), each.ending.cause) for each in over]
    at = {"ended_at": tx.now}
    found = zip(over, states, strict=True)
    _END.run_all(tx.batch.bare, [{"state": state, **at, **each.how, **each.own} for each, state in found])
    passes = [pass_of(*each.own.values()) for each in over if each.row["task_id"] is not None]
    if passes:
        _TAKE_BACK.run_all(tx.batch.bare, [{"of": one} for one in passes])
    of = {each.row["job_id"]: each.row["experiment_id"] for each in over}
    held = list(_HELD.all(tx, of))
    usage.charge(tx, of, held)
    _FREE.run_all(tx.batch.bare, [each.own for each in over])
    durations.add_all(tx, [(each.row, each.ending.cause) for each in over])
    return {row["job_id"]: row["held_since"] for row in held}


def _counted(row: RowMapping, ending: Ending) -> Count:
    """The attempts of a job with this one; what a machine did to it is none of its tries."""
    is_loss = ending.is_held_against_machine
    return Count(row["tries"] + (not is_loss and ending.cause != "preempted"), row["losses"] + is_loss)


def _queue_again(tx: Tx, end: _End, placed_at: str | None) -> None:
    """Back into the queue: in the place and at the age it had where it is not at fault, else behind all that wait.

    A job that fails again and again would else keep those behind it at an age that starts anew each time.
    """
    row, ending, count, policy = end.row, end.ending, end.count, end.policy
    is_ours, keeps_place = ending.cause == "preempted", ending.cause in {"preempted", "node_lost"}
    changes: dict[str, Any] = {
        "state": JobState.QUEUED,
        "tries": count.tries,
        "losses": count.losses,
        "queued_at": _since(tx, row, placed_at) if keeps_place else tx.now,
        "rank": row["rank"] if keeps_place else rows.last_rank(tx, row["priority"]),
        "not_before": None if is_ours else not_before(tx.now, policy, count.tries + count.losses, row["job_id"]),
        "started_at": None,
        "giving_way": None,
        "waiting_for": f"{ending.detail or ending.cause}; it is queued again",
    }
    rows.save(tx, row, "requeued", **changes, told={"cause": ending.cause, "detail": ending.detail})


def _since(tx: Tx, row: RowMapping, placed_at: str | None) -> str:
    """Since when it waits that gives way: its age is the time until it was placed, not that on its slots."""
    now, queued_at, until = (parse_time(each) for each in (tx.now, row["queued_at"], placed_at or tx.now))
    return format_time(now - max(until - queued_at, timedelta()))


def _in_truth(row: RowMapping, ending: Ending) -> Ending:
    """The ending as it is told: who stopped an attempt decides what its end means."""
    if row["state"] == JobState.CANCELLING:
        return replace(ending, cause="cancelled")
    if row["giving_way"] is not None and ending.cause in OURS:
        return replace(ending, cause="preempted", detail=row["giving_way"])
    if ending.cause == "cancelled":
        return replace(ending, cause="node_lost", detail="something stopped it that nobody here asked to")
    return ending


def _keep_late(tx: Tx, row: RowMapping, attempt: int, ending: Ending) -> None:
    """An ending that came when the attempt had ended otherwise is evidence, and nothing more."""
    code = "" if ending.exit_code is None else f" with exit code {ending.exit_code}"
    words = f"at {tx.now}: {ending.cause}{code}{f', {ending.detail}' if ending.detail else ''}"
    is_other = or_(attempts.c.cause != ending.cause, attempts.c.exit_code != ending.exit_code)
    of_it = (attempts.c.job_id == row["job_id"]) & (attempts.c.number == attempt)
    is_new = attempts.c.ended_at.is_not(None) & attempts.c.late.is_(None) & is_other
    tx.connection.execute(update(attempts).where(of_it, is_new).values(late=words))
