"""A job is tried again after a rest, for its own attempts only, and by hand when it has ended."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import RowMapping, select, update

from control_plane.scheduler.operations import endings, reorder, submit
from control_plane.scheduler.operations.endings import Ending
from control_plane.scheduler.rules.retries import JITTER, not_before, rest_seconds
from control_plane.scheduler.rules.states import MOST_LOSSES
from control_plane.scheduler.tables import IS_QUEUED, ORDER, holds, jobs
from store_client.errors import AlreadyExists, IllegalTransition
from store_client.wire.batches import MoveJob
from store_client.wire.jobs import ExitCause, JobState, RetryPolicy
from store_client.wire.scalars import parse_time
from tests.scheduler.queue_house import CLAIMS, Queue

S = JobState
NOW = "2026-01-01T00:00:00.000000Z"
policies = st.builds(
    RetryPolicy,
    delay_seconds=st.floats(0, 86_400, allow_nan=False),
    max_delay_seconds=st.floats(0, 86_400, allow_nan=False),
)


def row(queue: Queue, job_id: str) -> RowMapping:
    with queue.store.house.database.reading() as connection:
        return connection.execute(select(jobs).where(jobs.c.job_id == job_id)).mappings().one()


def placed_at(queue: Queue, job_id: str) -> str:
    """Since when a job holds its slots."""
    with queue.store.house.database.reading() as connection:
        return str(connection.scalar(select(holds.c.held_since).where(holds.c.job_id == job_id)))


def in_order(queue: Queue) -> list[str]:
    """Those who wait, the next one first."""
    with queue.store.house.database.reading() as connection:
        return list(connection.scalars(select(jobs.c.job_id).where(IS_QUEUED).order_by(*ORDER)))


def seconds(first: str, second: str) -> float:
    """The seconds between two times."""
    return (parse_time(second) - parse_time(first)).total_seconds()


@given(policies, st.integers(1, 5000), st.text(max_size=8))
def test_a_rest_doubles_up_to_its_bound_and_at_most_a_quarter_is_left_out(
    policy: RetryPolicy, tries: int, job_id: str
) -> None:
    longest = min(policy.delay_seconds * 2.0 ** min(tries - 1, 64), policy.max_delay_seconds)
    rest = rest_seconds(policy, tries, job_id)
    assert longest * (1 - JITTER) <= rest <= longest
    assert rest == rest_seconds(policy, tries, job_id), "what is drawn is drawn from the job and the try alone"


def test_jobs_that_ended_together_do_not_come_back_together() -> None:
    policy = RetryPolicy(delay_seconds=100)
    rests = {rest_seconds(policy, 1, f"job_{number}") for number in range(100)}
    assert len(rests) == 100
    assert max(rests) - min(rests) > 15


def test_without_a_delay_there_is_no_rest() -> None:
    assert not_before(NOW, RetryPolicy(), 3, "job_1") is None


def test_a_lost_job_rests_longer_each_time_and_its_next_attempt_ends_the_rest(queue: Queue) -> None:
    job_id = queue.submit(retry={"max_attempts": 5, "delay_seconds": 60})
    for losses, (least, most) in enumerate(((45, 60), (90, 120), (180, 240)), 1):
        queue.finish(job_id, queue.place(job_id), Ending("node_lost"))
        found = row(queue, job_id)
        assert (found["tries"], found["losses"]) == (0, losses)
        rest = (parse_time(found["not_before"]) - parse_time(found["queued_at"])).total_seconds()
        assert least <= rest <= most
        assert queue.read(job_id).not_before == found["not_before"]
    queue.place(job_id)
    assert queue.read(job_id).not_before is None


@pytest.mark.parametrize("ending", [Ending("node_lost"), Ending("preempted", is_of_the_machine=True)])
def test_machines_that_fail_a_job_use_up_none_of_its_tries_and_after_so_many_it_is_lost(
    queue: Queue, ending: Ending
) -> None:
    job_id = queue.submit(retry={"max_attempts": 2, "on": ["failed", "lost"]})
    for _ in range(MOST_LOSSES):
        queue.finish(job_id, queue.place(job_id), ending)
        assert queue.state(job_id) is S.QUEUED
    queue.finish(job_id, queue.place(job_id), Ending("user_error", 1))
    assert queue.state(job_id) is S.QUEUED, "its second try is still its own"
    queue.finish(job_id, queue.place(job_id), ending)
    assert (queue.state(job_id), queue.read(job_id).cause) == (S.LOST, "node_lost")


def test_a_job_that_is_to_run_once_at_most_is_not_run_again_when_it_was_lost(queue: Queue) -> None:
    never_began, lost = (queue.submit(retry={"max_attempts": 1}) for _ in range(2))
    queue.finish(never_began, queue.place(never_began), Ending("preempted", is_of_the_machine=True))
    queue.finish(lost, queue.place(lost), Ending("node_lost"))
    assert (queue.state(never_began), queue.state(lost)) == (S.QUEUED, S.LOST)


def test_an_attempt_that_takes_long_to_begin_is_no_older_when_it_gives_way(queue: Queue) -> None:
    job_id = queue.submit()
    before, attempt = row(queue, job_id)["queued_at"], queue.place(job_id)
    placed = placed_at(queue, job_id)
    queue.write(endings.give_way, job_id, attempt)
    queue.finish(job_id, attempt, Ending("cancelled"))
    ended = queue.read(job_id).attempts[0].ended_at
    assert ended is not None
    assert seconds(before, row(queue, job_id)["queued_at"]) == pytest.approx(seconds(placed, ended), abs=1e-3)


def test_who_failed_stands_behind_all_that_wait_also_behind_who_failed_before_it(queue: Queue) -> None:
    first, second, third = (queue.submit(retry={"max_attempts": 9, "on": ["failed"]}) for _ in range(3))
    for job_id in (first, second, first, second):
        queue.finish(job_id, queue.place(job_id), Ending("user_error", 1))
    queue.write(reorder.move, third, MoveJob(to="back"))
    assert in_order(queue) == [first, second, third]
    queue.finish(first, queue.place(first), Ending("user_error", 1))
    assert in_order(queue) == [second, third, first]
    later = queue.submit()
    assert in_order(queue) == [second, third, first, later]


def test_what_gave_way_counts_no_try_needs_no_rest_and_keeps_its_age(queue: Queue) -> None:
    job_id = queue.submit(retry={"max_attempts": 1, "delay_seconds": 60})
    before = row(queue, job_id)["queued_at"]
    attempt = queue.place(job_id)
    placed = placed_at(queue, job_id)
    queue.start(job_id, attempt)
    assert queue.write(endings.give_way, job_id, attempt, "it makes room for job 7")
    assert queue.read(job_id).giving_way == "it makes room for job 7"
    assert queue.state(job_id) is S.RUNNING, "whoever cancels it now ends it for good"
    assert queue.write(endings.give_way, job_id, attempt, "again")
    queue.finish(job_id, attempt, Ending("cancelled"))
    again = queue.read(job_id)
    assert (again.state, again.giving_way, again.not_before) == (S.QUEUED, None, None)
    assert again.waiting_for == "it makes room for job 7; it is queued again"
    assert [(one.state, one.cause) for one in again.attempts] == [(S.PREEMPTED, "preempted")]
    assert row(queue, job_id)["tries"] == 0
    ended = again.attempts[0].ended_at
    assert ended is not None
    assert seconds(before, row(queue, job_id)["queued_at"]) == pytest.approx(seconds(placed, ended), abs=1e-3)
    assert queue.told(job_id) == ["queued", "starting", "started", "giving_way", "requeued"]


@pytest.mark.parametrize("cause", ["finished", "user_error", "out_of_memory", "timeout"])
def test_an_end_that_an_attempt_comes_to_by_itself_while_it_gives_way_is_its_own(queue: Queue, cause: str) -> None:
    job_id = queue.submit(retry={"max_attempts": 1})
    attempt = queue.place(job_id)
    queue.write(endings.give_way, job_id, attempt)
    queue.finish(job_id, attempt, Ending(cause, 0))  # type: ignore[arg-type]  # drawn from a list of causes
    assert queue.read(job_id).cause == cause
    assert queue.state(job_id).is_final


def test_a_cancel_wins_over_giving_way(queue: Queue) -> None:
    job_id = queue.submit()
    attempt = queue.place(job_id)
    queue.write(endings.give_way, job_id, attempt)
    queue.cancel(job_id)
    assert not queue.write(endings.give_way, job_id, attempt), "it is being ended already"
    queue.finish(job_id, attempt, Ending("preempted"))
    assert queue.state(job_id) is S.CANCELLED


@pytest.mark.parametrize("back", [1, -1])
def test_a_stale_attempt_gives_no_way(queue: Queue, back: int) -> None:
    job_id = queue.bring(S.RUNNING)
    assert not queue.write(endings.give_way, job_id, 1 - back)
    assert queue.read(job_id).giving_way is None


def test_an_ending_that_comes_too_late_is_kept_with_its_attempt_and_changes_nothing(queue: Queue) -> None:
    job_id = queue.submit()
    first = queue.place(job_id)
    queue.finish(job_id, first, Ending("node_lost"))
    second = queue.place(job_id, "cpu:1")
    assert not queue.finish(job_id, first, Ending("finished", 0, "it came back"))
    assert not queue.finish(job_id, first, Ending("user_error", 1)), "the first evidence stays"
    assert not queue.finish(job_id, second + 1, Ending("finished", 0))
    known = queue.read(job_id)
    assert (known.state, known.attempt) == (S.STARTING, second)
    assert known.attempts[0].cause == "node_lost"
    assert known.attempts[0].late is not None
    assert known.attempts[0].late.endswith(": finished with exit code 0, it came back")
    assert known.attempts[1].late is None
    assert queue.held() == {"cpu:1": job_id}


def test_an_ending_that_is_told_twice_is_no_evidence(queue: Queue) -> None:
    job_id = queue.bring(S.FAILED)
    assert not queue.finish(job_id, 1, Ending("user_error", 3))
    assert queue.read(job_id).attempts[0].late is None


@pytest.mark.parametrize("state", [S.QUEUED, S.STARTING, S.RUNNING, S.CANCELLING])
def test_a_live_job_is_not_tried_again_and_the_refusal_says_what_to_do(queue: Queue, state: JobState) -> None:
    job_id = queue.bring(state)
    with pytest.raises(IllegalTransition, match="cancel it or wait for its end"):
        queue.write(submit.retry, job_id, CLAIMS)
    assert queue.state(job_id) is state


def test_a_job_that_succeeded_is_submitted_anew(queue: Queue) -> None:
    job_id = queue.bring(S.SUCCEEDED)
    with pytest.raises(IllegalTransition, match="submit it as a new job"):
        queue.write(submit.retry, job_id, CLAIMS)


def test_by_hand_a_job_gets_all_its_tries_again(queue: Queue) -> None:
    job_id = queue.submit(retry={"max_attempts": 2, "on": ["failed", "lost"]})
    for cause in ("node_lost", "user_error", "user_error"):
        queue.finish(job_id, queue.place(job_id), Ending(cause))
    assert queue.state(job_id) is S.FAILED
    assert (row(queue, job_id)["tries"], row(queue, job_id)["losses"]) == (2, 1)
    queue.write(submit.retry, job_id, CLAIMS)
    assert (row(queue, job_id)["tries"], row(queue, job_id)["losses"]) == (0, 0)
    assert queue.read(job_id).detail is None


def test_what_was_submitted_before_a_field_existed_is_the_same_with_its_default(queue: Queue) -> None:
    job_id = queue.submit(idempotency_key="once")
    old = {"name": "a job", "command": ["/bin/true"], "idempotency_key": "once"}
    queue.write(lambda tx: tx.connection.execute(update(jobs).where(jobs.c.job_id == job_id).values(spec=old)).close())
    assert queue.submit(idempotency_key="once") == job_id
    with pytest.raises(AlreadyExists, match="another spec"):
        queue.submit(idempotency_key="once", tags=("new",))


def test_run_and_tags_are_on_the_job_in_lists_too(queue: Queue) -> None:
    job_id = queue.submit(tags=("b", "a", "b"), run_id="run-1")
    assert queue.read(job_id).tags == ("b", "a", "b")
    assert queue.read(job_id).run_id == row(queue, job_id)["run_id"] == "run-1"


@pytest.mark.parametrize(("cause", "keeps_place"), [("node_lost", True), ("user_error", False), ("timeout", False)])
def test_who_failed_stands_behind_those_who_waited_meanwhile_and_who_lost_a_machine_does_not(
    queue: Queue, cause: ExitCause, keeps_place: bool
) -> None:
    job_id = queue.submit(retry={"max_attempts": 3, "on": ["failed", "timed_out", "lost"]})
    attempt, waiting = queue.place(job_id), queue.submit()
    queue.finish(job_id, attempt, Ending(cause))
    later = queue.submit()
    assert in_order(queue) == [job_id, waiting, later] if keeps_place else [waiting, job_id, later]


def test_what_is_tried_again_by_hand_stands_behind_those_who_wait(queue: Queue) -> None:
    job_id, waiting = queue.bring(S.FAILED), queue.submit()
    queue.write(submit.retry, job_id, CLAIMS)
    assert in_order(queue) == [waiting, job_id]
