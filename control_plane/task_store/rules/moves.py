"""A state machine as a table: which states an act may leave, where it leads, and how it refuses otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

from store_client.errors import IllegalTransition, Refused

S = TypeVar("S", bound=StrEnum)
Row = Mapping[Any, Any]
"""A row, or anything else with its columns."""


@dataclass(frozen=True)
class Move(Generic[S]):
    """One act."""

    sources: frozenset[S]
    target: S
    refusal: type[Refused] = IllegalTransition


def make(moves: Mapping[str, Move[S]], act: str, state: S, thing: str) -> S:
    """The state after the act; the act's refusal when it may not leave this state."""
    allowed = moves[act]
    if state not in allowed.sources:
        raise allowed.refusal(f"{thing} is {state}; {act.replace('_', ' ')} needs {_either(allowed.sources)}")
    return allowed.target


def _either(states: frozenset[S]) -> str:
    return " or ".join(sorted(states))
