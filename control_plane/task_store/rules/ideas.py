"""The states of an idea (protocol §3.3)."""

from collections.abc import Mapping

from control_plane.task_store.rules.moves import Move, Row, make
from store_client.errors import BadRequest, InvalidPrecondition
from store_client.wire.ideas import IdeaState

MOVES: Mapping[str, Move[IdeaState]] = {
    "mark_ready": Move(frozenset({IdeaState.DRAFTING}), IdeaState.READY),
    "dispatch": Move(frozenset({IdeaState.READY}), IdeaState.DISPATCHED, InvalidPrecondition),
    "complete": Move(frozenset({IdeaState.DISPATCHED}), IdeaState.COMPLETED),
}


def move(act: str, idea: Row) -> IdeaState:
    """The state of the idea after the act, or the act's refusal."""
    return make(MOVES, act, IdeaState(idea["state"]), f"idea {idea['idea_id']}")


def must_be_in(experiment_id: str, named: str) -> None:
    """A body names the experiment of its path."""
    if named != experiment_id:
        raise BadRequest(f"experiment_id is {named}, but the path says {experiment_id}")
