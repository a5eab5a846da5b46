"""The job's state machine is a table: every pair of state and act, and every way an attempt can end."""

from itertools import product
from typing import get_args

import pytest

from control_plane.scheduler.rules.states import ENDS, MOST_LOSSES, MOVES, Count, attempt_ended, ended, moved
from store_client.errors import IllegalTransition
from store_client.wire.jobs import FINAL_STATES, ExitCause, JobState, RetryPolicy
from tests.scheduler.queue_house import Queue

S = JobState
CAUSES: tuple[ExitCause, ...] = tuple(
    cause for cause in get_args(ExitCause) if cause not in {"dependency_failed", "experiment_ended"}
)
"""Of attempts; a job that was withdrawn has none."""
END_OF = {
    "finished": S.SUCCEEDED,
    "user_error": S.FAILED,
    "start_failed": S.FAILED,
    "timeout": S.TIMED_OUT,
    "out_of_memory": S.OUT_OF_MEMORY,
    "cancelled": S.CANCELLED,
    "node_lost": S.LOST,
}
RETRYABLE = (S.FAILED, S.TIMED_OUT, S.OUT_OF_MEMORY, S.LOST)


@pytest.mark.parametrize(("act", "state"), list(product(MOVES, JobState)))
def test_an_act_leaves_only_the_states_of_its_row(act: str, state: JobState) -> None:
    sources, result = MOVES[act]
    if state in sources:
        assert moved(state, act) is result
    else:
        with pytest.raises(IllegalTransition, match=f"a job that is {state.replace('_', ' ')} cannot"):
            moved(state, act)


def test_an_ended_job_moves_only_when_it_is_tried_again_and_success_never_does() -> None:
    for act, (sources, _) in MOVES.items():
        assert S.SUCCEEDED not in sources
        assert act == "retry" or not sources & FINAL_STATES


def test_every_state_but_that_of_an_attempt_alone_can_be_reached() -> None:
    assert {result for _, result in MOVES.values()} == set(JobState) - {S.PREEMPTED}


def test_every_cause_has_its_end() -> None:
    assert set(ENDS) == set(CAUSES)


@pytest.mark.parametrize("state", [S.STARTING, S.RUNNING])
@pytest.mark.parametrize("cause", sorted(END_OF))
def test_an_attempt_ends_its_job_as_its_cause_says(state: JobState, cause: ExitCause) -> None:
    once = RetryPolicy(max_attempts=1, on=("lost", "failed", "timed_out", "out_of_memory"))
    assert ended(state, cause, Count(1, 1), once) is END_OF[cause]
    assert attempt_ended(state, cause) is END_OF[cause]


@pytest.mark.parametrize(("cause", "kind"), list(product(sorted(END_OF), RETRYABLE)))
def test_a_job_is_tried_again_for_the_reasons_of_its_policy_and_so_often(cause: ExitCause, kind: JobState) -> None:
    policy = RetryPolicy.model_validate({"max_attempts": 3, "on": (kind.value,)})
    for tries, is_again in ((1, True), (2, True), (3, False)):
        expected = S.QUEUED if is_again and END_OF[cause] is kind else END_OF[cause]
        count = Count(tries) if kind is not S.LOST else Count(5, tries + MOST_LOSSES - 2)
        assert ended(S.RUNNING, cause, count, policy) is expected


def test_an_attempt_that_was_taken_off_its_slots_is_never_the_last() -> None:
    assert ended(S.RUNNING, "preempted", Count(20, 20), RetryPolicy(max_attempts=1, on=())) is S.QUEUED
    assert attempt_ended(S.RUNNING, "preempted") is S.PREEMPTED


@pytest.mark.parametrize("cause", CAUSES)
def test_whatever_happens_a_job_that_is_being_cancelled_ends_cancelled(cause: ExitCause) -> None:
    assert ended(S.CANCELLING, cause, Count(1), RetryPolicy()) is S.CANCELLED
    assert attempt_ended(S.CANCELLING, cause) is S.CANCELLED


@pytest.mark.parametrize("state", sorted(FINAL_STATES | {S.QUEUED}))
def test_only_what_holds_slots_can_end(state: JobState) -> None:
    for cause in CAUSES:
        with pytest.raises(IllegalTransition):
            ended(state, cause, Count(1), RetryPolicy())


@pytest.mark.parametrize("state", [state for state in JobState if state is not S.PREEMPTED])
def test_jobs_can_be_brought_into_every_state_and_the_log_says_so(queue: Queue, state: JobState) -> None:
    job_id = queue.bring(state)
    assert queue.state(job_id) is state
    assert queue.counted() == queue.tallied() == {state.value: 1}
    assert bool(queue.held()) is state.is_on_a_slot
