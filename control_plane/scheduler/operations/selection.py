"""Which jobs a filter means, as conditions that an index serves."""

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, literal, select

from control_plane.db.transaction import Tx
from control_plane.scheduler.tables import IS_ENDED, IS_OPEN, IS_QUEUED, ON_A_SLOT, job_tags, jobs
from store_client.wire.batches import JobFilter
from store_client.wire.jobs import FINAL_STATES, JobState

OPEN_STATES = frozenset({JobState.QUEUED, JobState.STARTING, JobState.RUNNING, JobState.CANCELLING})
ON_SLOTS = frozenset(state for state in JobState if state.is_on_a_slot)
WHOSE = literal("").concat(jobs.c.experiment_id)
"""The experiment of a job where the index of what all jobs of an experiment are in is not to serve."""
PLAIN = ("experiment_id", "run_id", "array_id", "act_id", "submitted_by", "cause")
LAST = "\U0010ffff"
FROM = {"sqlite": (">=", "<="), "postgresql": ("~>=~", "~<=~")}
"""How texts compare letter by letter, whatever the language of the database."""


def states_of(wanted: JobFilter) -> frozenset[JobState] | None:
    """The states that it leaves; None is all of them."""
    named = frozenset(wanted.states) or None
    if wanted.is_open is None:
        return named
    kind = OPEN_STATES if wanted.is_open else FINAL_STATES
    return kind if named is None else kind & named


def is_narrow(wanted: JobFilter) -> bool:
    """Whether it asks for more than experiment and states: jobs that have an index of their own."""
    own = (wanted.run_id, wanted.array_id, wanted.act_id, wanted.submitted_by, wanted.cause)
    return any((wanted.tag, wanted.name, *own))


def matching(
    tx: Tx, wanted: JobFilter, columns: tuple[Any, ...], whose: ColumnElement[str] = jobs.c.experiment_id
) -> Select[Any]:
    """The jobs that meet all its conditions save those on their state."""
    query = select(*columns)
    if tx.experiment_id:
        query = query.where(whose == tx.experiment_id)
    for name in PLAIN:
        if (value := getattr(wanted, name)) is not None:
            query = query.where((whose if name == "experiment_id" else jobs.c[name]) == value)
    if wanted.tag is not None:
        query = query.join(job_tags, job_tags.c.job_id == jobs.c.job_id).where(job_tags.c.tag == wanted.tag)
    if wanted.name is not None:
        first, last = FROM[tx.connection.dialect.name]
        query = query.where(jobs.c.name.op(first)(wanted.name), jobs.c.name.op(last)(wanted.name + LAST))
    return query


def on_slots(tx: Tx, wanted: JobFilter, columns: tuple[Any, ...]) -> Select[Any]:
    """Of these jobs those that hold slots: they are few, and found by that however many their experiment has."""
    return matching(tx, wanted, columns, WHOSE).where(ON_A_SLOT)


def is_next_of_its_array() -> ColumnElement[bool]:
    """A waiting job of no array, or the first of one that waits."""
    other = jobs.alias()
    ahead = (other.c.array_id == jobs.c.array_id) & (other.c.number < jobs.c.number)
    return jobs.c.array_id.is_(None) | ~exists().where(ahead, other.c.state == JobState.QUEUED)


def number_of(wanted: JobFilter) -> ColumnElement[int]:
    """The number of a job, from where the filter reads it in order."""
    return jobs.c.number if wanted.tag is None else job_tags.c.number


def in_state(state: JobState) -> ColumnElement[bool]:
    """A state in which a job holds no slot, with the condition of the index that has its jobs in order."""
    if state is JobState.QUEUED:
        return and_(IS_OPEN, IS_QUEUED, jobs.c.state == state)
    return and_(IS_ENDED, jobs.c.state == state)
