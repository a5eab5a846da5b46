"""The life of an experiment: which act is legal in which status, and what it leads to."""

from collections.abc import Mapping
from typing import Literal

from store_client.errors import IllegalTransition
from store_client.wire.experiments import Status

Act = Literal["start", "pause", "resume", "complete", "fail", "cancel"]
Outcome = Literal["completed", "failed", "cancelled"]

_OPEN = frozenset({Status.RUNNING, Status.PAUSED})
MOVES: Mapping[Act, tuple[frozenset[Status], Status]] = {
    "start": (frozenset({Status.DRAFT}), Status.RUNNING),
    "pause": (frozenset({Status.RUNNING}), Status.PAUSED),
    "resume": (frozenset({Status.PAUSED}), Status.RUNNING),
    "complete": (_OPEN, Status.COMPLETED),
    "fail": (_OPEN, Status.FAILED),
    "cancel": (_OPEN, Status.CANCELLED),
}
ENDS: Mapping[Outcome, Act] = {"completed": "complete", "failed": "fail", "cancelled": "cancel"}
TOLD: Mapping[Act, str] = {
    "start": "experiment.started",
    "pause": "experiment.paused",
    "resume": "experiment.resumed",
    "complete": "experiment.ended",
    "fail": "experiment.ended",
    "cancel": "experiment.ended",
}


def move(status: Status, act: Act) -> Status:
    """The status after an act; IllegalTransition where the act is not legal."""
    sources, target = MOVES[act]
    if status not in sources:
        raise IllegalTransition(f"one cannot {act} an experiment that is {status}")
    return target
