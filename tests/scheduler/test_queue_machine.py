"""A long random day of the queue, on both databases: slots, counts and histories stay right whatever happens."""

from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError

from control_plane.db.tables import tallies
from control_plane.db.transaction import Tx
from control_plane.scheduler.operations import attempts, submit
from control_plane.scheduler.operations.attempts import Ending
from control_plane.scheduler.rules.board import Placement
from control_plane.scheduler.tables import attempts as attempt_rows
from control_plane.scheduler.tables import holds, jobs
from store_client.errors import Refused
from store_client.wire.jobs import JobState, Reprioritise
from tests.scheduler.queue_house import CLAIMS, Queue

S = JobState
ALL = list(HealthCheck)
CAUSES = ("finished", "user_error", "timeout", "out_of_memory", "cancelled", "node_lost", "start_failed", "preempted")


class Day(RuleBasedStateMachine):
    """Everybody acts at once, some of them on what is long gone."""

    queue: ClassVar[Queue]
    known = Bundle("known")

    def __init__(self) -> None:
        super().__init__()
        self.queue.write(clear)
        self.placed: dict[str, int] = {}
        """How often each job was placed."""
        self.ended: dict[tuple[str, int], int] = {}
        """How often the end of each attempt was believed."""

    def attempt(self, operation: Any, *arguments: Any) -> Any:
        """What an act answers; None when it is refused."""
        try:
            return self.queue.write(operation, *arguments)
        except (Refused, IntegrityError):
            return None

    @rule(target=known, priority=st.integers(0, 10), tries=st.integers(1, 3))
    def put(self, priority: int, tries: int) -> str:
        return self.queue.submit(priority=priority, retry={"max_attempts": tries, "on": ("lost", "failed")})

    @rule(job=known, slots=st.sets(st.sampled_from(["cpu:0", "cpu:1", "GPU-0"]), min_size=1))
    def place(self, job: str, slots: set[str]) -> None:
        taken, state = set(self.queue.held()) & slots, self.queue.state(job)
        row = self.attempt(attempts.place, Placement.on(job, *slots))
        assert (row is not None) == (not taken and state is S.QUEUED)
        if row is not None:
            self.placed[job] = self.placed.get(job, 0) + 1
            assert row["attempt"] == self.placed[job]

    @rule(job=known, back=st.integers(0, 2))
    def start(self, job: str, back: int) -> None:
        self.attempt(attempts.start, job, self.placed.get(job, 0) - back)

    @rule(job=known, back=st.integers(0, 2), cause=st.sampled_from(CAUSES))
    def finish(self, job: str, back: int, cause: Any) -> None:
        number = self.placed.get(job, 0) - back
        if self.attempt(attempts.finish, job, number, Ending(cause)):
            self.ended[job, number] = self.ended.get((job, number), 0) + 1

    @rule(job=known)
    def cancel(self, job: str) -> None:
        self.attempt(submit.cancel, job)
        assert self.queue.state(job).is_final or self.queue.state(job) is S.CANCELLING

    @rule(job=known)
    def retry(self, job: str) -> None:
        self.attempt(submit.retry, job, CLAIMS)

    @rule(job=known, priority=st.integers(0, 10))
    def reprioritise(self, job: str, priority: int) -> None:
        self.attempt(submit.reprioritise, job, Reprioritise(priority=priority))

    @rule()
    def stop_the_server(self) -> None:
        self.queue.write(attempts.preempt_all)

    @invariant()
    def counts_are_counts(self) -> None:
        assert self.queue.tallied() == self.queue.counted()

    @invariant()
    def slots_belong_to_live_attempts(self) -> None:
        held = set(self.queue.held().values())
        states = {job: self.queue.state(job) for job in self.placed}
        assert held == {job for job, state in states.items() if state.is_on_a_slot}

    @invariant()
    def no_attempt_ends_twice(self) -> None:
        assert set(self.ended.values()) <= {1}


def clear(tx: Tx) -> None:
    for table in (holds, attempt_rows, jobs, tallies):
        tx.connection.execute(delete(table))


def live(queue: Queue, examples: int, steps: int) -> None:
    """Days on one database."""
    day = type("DayHere", (Day,), {"queue": queue})
    wish = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=[*HealthCheck]
    )
    run_state_machine_as_test(day, settings=wish)


def test_a_random_day_of_the_queue(queue: Queue) -> None:
    live(queue, examples=12, steps=40)


@pytest.mark.long
def test_a_random_year_of_the_queue(queue: Queue) -> None:
    live(queue, examples=2000, steps=100)
