"""Random days of jobs that come after one another: a counter is always the count of what is unmet."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import delete, func, select

from control_plane.db.tables import tallies
from control_plane.db.transaction import Tx
from control_plane.scheduler.operations import arrays, attempts, ends, submit, whole_arrays
from control_plane.scheduler.operations.endings import Ending
from control_plane.scheduler.rules.board import Placement
from control_plane.scheduler.tables import arrays as array_rows
from control_plane.scheduler.tables import attempts as attempt_rows
from control_plane.scheduler.tables import ends_due, holds, job_tags, job_waits, jobs
from store_client.errors import Refused
from store_client.wire.jobs import JobState
from tests.scheduler.queue_house import CLAIMS, Queue
from tests.scheduler.test_dependencies import after

S = JobState


class Family(RuleBasedStateMachine):
    """Jobs that come after one another, while everybody ends, cancels and tries again."""

    queue: Queue
    known = Bundle("known")

    def __init__(self) -> None:
        super().__init__()
        self.queue.write(clear)

    @initialize(target=known)
    def begin(self) -> str:
        return self.queue.submit()

    @rule(target=known, before=st.lists(known, min_size=1, max_size=2), when=st.sampled_from(["succeeded", "ended"]))
    def put(self, before: list[str], when: str) -> str:
        made = self.attempt(submit.submit, self.queue.spec(**after(*before, when=when)), CLAIMS)
        return str(made["job_id"]) if made is not None else str(self.queue.submit())

    @rule(target=known, before=st.lists(known, max_size=2), size=st.integers(1, 3))
    def put_array(self, before: list[str], size: int) -> str:
        made = self.attempt(submit.submit, self.queue.spec(array=size, **after(*before)), CLAIMS)
        return str(made["array_id"]) if made is not None else str(self.queue.submit())

    @rule()
    def unfold(self) -> None:
        self.queue.write(arrays.unfold)

    @rule(array=known)
    def cancel_array(self, array: str) -> None:
        self.attempt(whole_arrays.cancel, array)

    @rule(data=st.data())
    def act_on_a_member(self, data: st.DataObject) -> None:
        with self.queue.store.house.database.reading() as connection:
            members = select(jobs.c.job_id).where(jobs.c.array_id.is_not(None))
            found = list(connection.scalars(members.order_by(jobs.c.number)))  # the same again when the day is replayed
        if found:
            acts: list[Callable[..., None]] = [self.cancel, self.retry, partial(self.run, state="finished")]
            act = data.draw(st.sampled_from(acts))
            act(job=data.draw(st.sampled_from(found)))

    @rule(job=known, state=st.sampled_from(["finished", "user_error", "node_lost"]))
    def run(self, job: str, state: str) -> None:
        placed = self.attempt(place_if_ready, job)
        if placed is not None:
            self.attempt(attempts.finish, job, placed["attempt"], Ending(state))  # type: ignore[arg-type]  # drawn from a list of causes

    @rule(job=known)
    def cancel(self, job: str) -> None:
        self.attempt(submit.cancel, job)

    @rule(job=known)
    def retry(self, job: str) -> None:
        self.attempt(submit.retry, job, CLAIMS)

    def attempt(self, operation: Any, *given: Any) -> Any:
        def work(tx: Tx) -> Any:
            return operation(tx.at(self.queue.store.experiment_id), *given)

        try:
            return self.queue.store.house.writer.write(work)
        except Refused:
            return None

    @invariant()
    def counters_are_counts_of_what_is_unmet(self) -> None:
        with self.queue.store.house.database.reading() as connection:
            rows = connection.execute(select(jobs.c.job_id, jobs.c.state, jobs.c.waits_on)).all()
            counted = connection.execute(select(job_waits.c.job_id, func.count()).group_by(job_waits.c.job_id))
            counts: dict[str, int] = {row[0]: row[1] for row in counted}
            unmet = set(connection.scalars(select(job_waits.c.on_id)))
            ended = {
                array["array_id"]
                for array in connection.execute(select(array_rows)).mappings()
                if ends.has_ended(array)
            }
        states = {row.job_id: JobState(row.state) for row in rows}
        assert {row.job_id: row.waits_on for row in rows if row.waits_on} == counts
        assert all(states[job_id] is S.QUEUED for job_id in counts), "only what waits waits for something"
        assert not any(states[on_id].is_final for on_id in unmet & set(states)), (
            "what has ended is waited for by nobody"
        )
        assert not unmet & ended

    @invariant()
    def arrays_count_their_jobs(self) -> None:
        with self.queue.store.house.database.reading() as connection:
            known = connection.execute(select(array_rows)).mappings().all()
            of_arrays = connection.execute(select(jobs.c.array_id, jobs.c.state)).all()
        for array in known:
            states = [JobState(row.state) for row in of_arrays if row.array_id == array["array_id"]]
            assert len(states) == array["made"] <= array["size"]
            assert sum(state.is_final for state in states) == array["ended"]
            assert states.count(S.SUCCEEDED) == array["succeeded"]

    @invariant()
    def counts_are_counts(self) -> None:
        assert self.queue.tallied() == self.queue.counted()


def place_if_ready(tx: Tx, job_id: str) -> Any:
    row = submit.load(tx, job_id)
    return attempts.place(tx, Placement.on(job_id, job_id)) if row["waits_on"] == 0 else None


def clear(tx: Tx) -> None:
    for table in (holds, attempt_rows, job_waits, job_tags, ends_due, array_rows, jobs, tallies):
        tx.connection.execute(delete(table))


def live(queue: Queue, examples: int, steps: int) -> None:
    here = type("FamilyHere", (Family,), {"queue": queue})
    wish = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=[*HealthCheck]
    )
    run_state_machine_as_test(here, settings=wish)


def test_whatever_happens_a_counter_is_the_count_of_what_is_unmet(queue: Queue) -> None:
    live(queue, examples=6, steps=40)


@pytest.mark.long
def test_a_random_year_of_jobs_that_come_after_one_another(queue: Queue) -> None:
    live(queue, examples=1000, steps=60)
