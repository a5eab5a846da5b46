"""Many jobs in one call: submitted all or none, or changed as a filter chooses, a bounded part in a transaction."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, func, select, update

from control_plane.db.identities import is_in_named
from control_plane.db.transaction import Tx
from control_plane.scheduler.operations import closing, selection
from control_plane.scheduler.operations.making import Draft, make
from control_plane.scheduler.operations.rows import newest, save
from control_plane.scheduler.operations.submit import draft, find_same, stop
from control_plane.scheduler.ports import Claims
from control_plane.scheduler.tables import IS_OPEN, IS_QUEUED, arrays, jobs
from store_client.errors import Forbidden, InvalidPrecondition, Refused
from store_client.wire.batches import CancelJobs, ChangedJobs, JobFilter, ReprioritiseJobs
from store_client.wire.jobs import JobState, SubmitJob

AT_ONCE = 500
"""So many jobs are changed in one transaction."""
NAMED = 20
"""So many of the refused ones are named."""


def submit_all(tx: Tx, given: Sequence[tuple[str, SubmitJob]], claims: Claims) -> list[RowMapping]:
    """Queue jobs of these experiments, all or none; those whose idempotency key is known stay as they are."""
    known: dict[int, RowMapping] = {}
    drafts: dict[int, Draft] = {}
    refused, twice = [], _twice(given)
    for index, (experiment_id, body) in enumerate(given):
        scope = tx.at(experiment_id)
        try:
            if index in twice:
                raise InvalidPrecondition("its idempotency key is that of another in this list")
            same = find_same(scope, body)
            if same is not None:
                known[index] = same
            else:
                drafts[index] = draft(scope, body, claims)
        except Refused as error:
            refused.append((index, error))
    if refused:
        _refuse(refused)
    made = dict(zip(drafts, make(tx, list(drafts.values())) if drafts else (), strict=True))
    return [known[index] if index in known else made[index] for index in range(len(given))]


def _twice(given: Sequence[tuple[str, SubmitJob]]) -> set[int]:
    """Those that have an idempotency key in common."""
    keys = [(experiment_id, body.idempotency_key) for experiment_id, body in given]
    count = Counter(keys)
    return {index for index, key in enumerate(keys) if key[1] is not None and count[key] > 1}


def _refuse(refused: Sequence[tuple[int, Refused]]) -> None:
    """One refusal that names each by its index; it is of the kind of the first."""
    words = [f"jobs[{index}]: {error}" for index, error in refused[:NAMED]]
    if len(refused) > NAMED:
        words.append(f"and {len(refused) - NAMED} more")
    raise type(refused[0][1])("; ".join(words))


@dataclass(frozen=True)
class _Act:
    """What is done to each job that is chosen."""

    to: ColumnElement[bool]
    change: Callable[[Tx, RowMapping], object]


def cancel(tx: Tx, body: CancelJobs) -> ChangedJobs:
    """End the open jobs of a filter, and make no more of the arrays whose waiting jobs it chooses."""
    is_of_waiting = JobState.QUEUED in (selection.states_of(body.filter) or selection.OPEN_STATES)
    closed: set[str] = set()

    def change(tx: Tx, row: RowMapping) -> None:
        array_id = row["array_id"]
        if array_id is not None and is_of_waiting and array_id not in closed:
            closed.add(array_id)
            closing.close(tx, array_id, body.act_id)
        stop(tx, row, body.act_id)

    return _change(tx, body, _Act(IS_OPEN & (jobs.c.state != JobState.CANCELLING), change))


def reprioritise(tx: Tx, body: ReprioritiseJobs) -> ChangedJobs:
    """Give the waiting jobs of a filter another priority, and those that are yet to be made of their arrays."""

    def change(tx: Tx, row: RowMapping) -> None:
        if row["array_id"] is not None:
            to_come = update(arrays).where(arrays.c.array_id == row["array_id"]).values(priority=body.priority)
            tx.connection.execute(to_come)
        save(tx, row, "reprioritised", priority=body.priority)

    return _change(tx, body, _Act(IS_QUEUED & (jobs.c.priority != body.priority), change))


def _change(tx: Tx, body: CancelJobs | ReprioritiseJobs, act: _Act) -> ChangedJobs:
    wanted = _own(tx, body.filter)
    up_to = body.up_to or newest(tx)
    chosen = selection.matching(tx, wanted, (jobs.c.number,)).where(act.to, jobs.c.number <= up_to)
    states = selection.states_of(wanted)
    if states is not None:
        chosen = chosen.where(jobs.c.state.in_(sorted(states)))
    matched = tx.connection.scalar(select(func.count()).select_from(chosen.subquery())) or 0
    if body.expected_count is not None and matched != body.expected_count:
        raise InvalidPrecondition(f"{matched} jobs are concerned now, not {body.expected_count}; look again")
    changed = 0 if body.is_preview else _change_some(tx, chosen, act)
    return ChangedJobs(matched=matched, changed=changed, left=matched - changed, up_to=max(up_to, 1))


def _change_some(tx: Tx, chosen: Select[Any], act: _Act) -> int:
    """The oldest first; what one change brought to its end with it is not changed again."""
    numbers = list(tx.connection.scalars(chosen.order_by(jobs.c.number).limit(AT_ONCE)))
    for number in numbers:
        again = select(jobs).where(jobs.c.number == number, act.to)
        row = tx.connection.execute(again).mappings().first()
        if row is not None:
            act.change(tx, row)
    return len(numbers)


def _own(tx: Tx, wanted: JobFilter) -> JobFilter:
    """In an experiment, whoever is no admin means only jobs of their own."""
    caller = tx.caller
    if not tx.experiment_id or caller.is_admin or is_in_named(tx.connection, caller, ("admins",)):
        return wanted
    if wanted.submitted_by not in {None, caller.worker_id}:
        raise Forbidden("cancel your own jobs; those of others are for admins")
    return wanted.having(submitted_by=caller.worker_id)
