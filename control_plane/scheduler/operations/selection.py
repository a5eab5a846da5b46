"""Which jobs a filter means, as conditions that an index serves."""

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, select

from control_plane.db.transaction import Tx
from control_plane.scheduler.tables import IS_ENDED, IS_OPEN, IS_QUEUED, ON_A_SLOT, job_tags, jobs
from store_client.wire.batches import JobFilter
from store_client.wire.jobs import FINAL_STATES, JobState

OPEN_STATES = frozenset({JobState.QUEUED, JobState.STARTING, JobState.RUNNING, JobState.CANCELLING})
PLAIN = ("experiment_id", "run_id", "array_id", "submitted_by", "cause")
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
    return any((wanted.tag, wanted.run_id, wanted.array_id, wanted.submitted_by, wanted.cause, wanted.name))


def matching(tx: Tx, wanted: JobFilter, columns: tuple[Any, ...]) -> Select[Any]:
    """The jobs that meet all its conditions save those on their state."""
    query = select(*columns)
    if tx.experiment_id:
        query = query.where(jobs.c.experiment_id == tx.experiment_id)
    for name in PLAIN:
        if (value := getattr(wanted, name)) is not None:
            query = query.where(jobs.c[name] == value)
    if wanted.tag is not None:
        query = query.join(job_tags, job_tags.c.job_id == jobs.c.job_id).where(job_tags.c.tag == wanted.tag)
    if wanted.name is not None:
        first, last = FROM[tx.connection.dialect.name]
        query = query.where(jobs.c.name.op(first)(wanted.name), jobs.c.name.op(last)(wanted.name + LAST))
    return query


def is_next_of_its_array() -> ColumnElement[bool]:
    """A waiting job of no array, or the first of one that waits."""
    other = jobs.alias()
    ahead = (other.c.array_id == jobs.c.array_id) & (other.c.number < jobs.c.number)
    return jobs.c.array_id.is_(None) | ~exists().where(ahead, other.c.state == JobState.QUEUED)


def number_of(wanted: JobFilter) -> ColumnElement[int]:
    """The number of a job, from where the filter reads it in order."""
    return jobs.c.number if wanted.tag is None else job_tags.c.number


def in_state(state: JobState) -> ColumnElement[bool]:
    """One state, with the condition of the index that has its jobs in order."""
    kind = IS_QUEUED if state is JobState.QUEUED else ON_A_SLOT if state in OPEN_STATES else IS_ENDED
    return and_(IS_OPEN, kind, jobs.c.state == state) if state in OPEN_STATES else and_(kind, jobs.c.state == state)
