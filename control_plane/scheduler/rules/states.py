"""How a job moves: each act, the states it starts from, and the one it leads to."""

from collections.abc import Mapping
from dataclasses import dataclass

from store_client.errors import IllegalTransition
from store_client.wire.jobs import ExitCause, JobState, RetryPolicy

S = JobState
MOST_LOSSES = 10
"""So many attempts of a job may be lost with their machine, or not be started by it; with one more the job is lost."""
MOVES: Mapping[str, tuple[frozenset[JobState], JobState]] = {
    "place": (frozenset({S.QUEUED}), S.STARTING),
    "start": (frozenset({S.STARTING}), S.RUNNING),
    "ask_to_stop": (frozenset({S.STARTING, S.RUNNING}), S.CANCELLING),
    "withdraw": (frozenset({S.QUEUED}), S.CANCELLED),
    "succeed": (frozenset({S.STARTING, S.RUNNING}), S.SUCCEEDED),
    "fail": (frozenset({S.STARTING, S.RUNNING}), S.FAILED),
    "time_out": (frozenset({S.STARTING, S.RUNNING}), S.TIMED_OUT),
    "run_out_of_memory": (frozenset({S.STARTING, S.RUNNING}), S.OUT_OF_MEMORY),
    "stop": (frozenset({S.STARTING, S.RUNNING, S.CANCELLING}), S.CANCELLED),
    "lose": (frozenset({S.STARTING, S.RUNNING}), S.LOST),
    "queue_again": (frozenset({S.STARTING, S.RUNNING}), S.QUEUED),
    "retry": (frozenset({S.FAILED, S.CANCELLED, S.TIMED_OUT, S.OUT_OF_MEMORY, S.LOST}), S.QUEUED),
}

ENDS: Mapping[ExitCause, str] = {
    "finished": "succeed",
    "user_error": "fail",
    "start_failed": "fail",
    "timeout": "time_out",
    "out_of_memory": "run_out_of_memory",
    "cancelled": "stop",
    "node_lost": "lose",
    "preempted": "queue_again",
}


def moved(state: JobState, act: str) -> JobState:
    """The state that an act leads to; IllegalTransition when it may not happen now."""
    sources, result = MOVES[act]
    if state not in sources:
        raise IllegalTransition(f"a job that is {state.replace('_', ' ')} cannot {act.replace('_', ' ')}")
    return result


@dataclass(frozen=True)
class Count:
    """The attempts of a job so far, the one that ends now included."""

    tries: int
    """Those that were its own."""
    losses: int = 0
    """Those that a machine failed it."""


def ended(state: JobState, cause: ExitCause, count: Count, retry: RetryPolicy) -> JobState:
    """Where a job goes when an attempt ends: to its end, or back into the queue while its policy allows it.

    An attempt that we took off its slots is never its last. One that was lost uses up no try: losses have a bound of
    their own, and only a job that is to run once at most is never run again.
    """
    if state is S.CANCELLING:
        return moved(state, "stop")
    end = moved(state, ENDS[cause])
    if end is S.LOST:
        may_again = retry.max_attempts > 1 and count.losses <= MOST_LOSSES
    else:
        may_again = count.tries < retry.max_attempts
    return S.QUEUED if end.value in retry.on and may_again else end


def attempt_ended(state: JobState, cause: ExitCause) -> JobState:
    """How the attempt itself ended, whatever becomes of its job."""
    if cause == "preempted" and state is not S.CANCELLING:
        return S.PREEMPTED
    return moved(state, "stop" if state is S.CANCELLING else ENDS[cause])
