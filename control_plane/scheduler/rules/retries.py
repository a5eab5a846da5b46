"""How long a job rests before it is tried again, and what its state has to be for that."""

from datetime import timedelta
from hashlib import sha256

from store_client.errors import IllegalTransition
from store_client.wire.jobs import FINAL_STATES, JobState, RetryPolicy
from store_client.wire.scalars import format_time, parse_time

JITTER = 0.25
"""So much of a rest, at most, is left out, so that jobs which ended together do not come back together."""
MOST_DOUBLINGS = 64


def rest_seconds(policy: RetryPolicy, tries: int, job_id: str) -> float:
    """The rest after so many tries: doubled with each, bounded, and shortened by what job and try decide."""
    longest = policy.delay_seconds * 2.0 ** min(tries - 1, MOST_DOUBLINGS)
    drawn = int.from_bytes(sha256(f"{job_id}/{tries}".encode()).digest()[:8]) / 2**64
    return min(longest, policy.max_delay_seconds) * (1 - JITTER * drawn)


def not_before(now: str, policy: RetryPolicy, tries: int, job_id: str) -> str | None:
    """When the next attempt may begin; None when it may at once."""
    rest = rest_seconds(policy, tries, job_id)
    return format_time(parse_time(now) + timedelta(seconds=rest)) if rest > 0 else None


def must_be_retryable(number: int, state: JobState) -> None:
    """IllegalTransition, with what to do instead, unless the job has ended without success."""
    if state is JobState.SUCCEEDED:
        raise IllegalTransition(f"job {number} succeeded; submit it as a new job to run it once more")
    if state not in FINAL_STATES:
        word = "waiting" if state is JobState.QUEUED else str(state)
        raise IllegalTransition(f"job {number} is {word}; cancel it or wait for its end before you try it again")
