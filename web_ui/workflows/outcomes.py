"""How an act of a desk ends."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from store_client import (
    Assignment,
    Conflicting,
    EvaluationResult,
    ExecutionResult,
    IdeationResult,
    Landed,
    Lost,
    Refused,
    Settled,
    StoreClient,
    TaskDetail,
    Unauthorized,
    Unknown,
    Unreachable,
    settle_submission,
)

Result = IdeationResult | ExecutionResult | EvaluationResult


@dataclass(frozen=True)
class Hand:
    """A claim in hand: the store, the task as it is now, and the claim that the form was drawn under."""

    store: StoreClient
    assignment: Assignment
    task: TaskDetail

    @property
    def is_held(self) -> bool:
        """Whether the task still is in this very claim."""
        held, ours = self.task.claim, self.assignment.claim
        return (
            self.task.state == "claimed"
            and held is not None
            and (held.worker_id, held.claimed_at) == (ours.worker_id, ours.claimed_at)
        )

    @property
    def is_handed_in(self) -> bool:
        """Whether this person has submitted the task before."""
        return self.task.submitted_by == self.assignment.claim.worker_id and self.task.state in HANDED_IN


HANDED_IN = frozenset({"submitted", "completed", "failed"})


@dataclass(frozen=True)
class Submitted:
    """The result is stored."""


@dataclass(frozen=True)
class Declined:
    """The server said no, and why; nothing was submitted."""

    reason: str


@dataclass(frozen=True)
class Stranded:
    """Not submitted, and not for what was entered: the claim is gone, another result stands, or nobody knows."""

    kind: Literal["lost", "conflicting", "unknown"]
    reason: str


Outcome = Submitted | Declined | Stranded


async def hand_in(hand: Hand, prepare: Callable[[], Awaitable[Result]]) -> Outcome:
    """Prepare what the result refers to, submit it, and say what came of it; the same again changes nothing."""
    if not hand.is_held and not hand.is_handed_in:
        return Stranded("lost", "the claim ended before the result arrived")
    try:
        return _outcome(await settle_submission(hand.store, hand.assignment.task_id, await prepare()))
    except Unauthorized:
        raise
    except Refused as refusal:
        return Declined(refusal.detail)
    except Unreachable as silence:
        return Stranded("unknown", str(silence))


def _outcome(settled: Settled) -> Outcome:
    match settled:
        case Landed():
            return Submitted()
        case Lost(reason):
            return Stranded("lost", reason)
        case Conflicting(reason):
            return Stranded("conflicting", reason)
        case Unknown(reason):
            return Stranded("unknown", reason)
