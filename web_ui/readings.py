"""What takes long to find out and never changes: found out once, however many ask, and nobody waits for it for long."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from store_client import SwitchyardError

T = TypeVar("T")
MOST_KEPT = 2048
WAIT_SECONDS = 0.3
AGAIN_SECONDS = 30.0
"""After so long what could not be found out is tried again."""


@dataclass(frozen=True)
class Asked(Generic[T]):
    """Something that is being found out, or was, and since when."""

    answer: "asyncio.Task[T | None]"
    at: float


@dataclass
class Readings(Generic[T]):
    """Bounded; the least recently asked for goes first."""

    clock: Callable[[], float] = time.monotonic
    _asked: OrderedDict[Hashable, Asked[T]] = field(default_factory=OrderedDict)

    async def of(self, key: Hashable, read: Callable[[], Awaitable[T | None]]) -> T | None:
        """What is known, or comes soon; None while it is not known, and when it cannot be."""
        answer = self._answer(key, read)
        await asyncio.wait({answer}, timeout=WAIT_SECONDS)
        return answer.result() if answer.done() else None

    def _answer(self, key: Hashable, read: Callable[[], Awaitable[T | None]]) -> "asyncio.Task[T | None]":
        asked = self._asked.get(key)
        if asked is None or self._is_over(asked):
            asked = self._asked[key] = Asked(asyncio.create_task(_settled(read)), self.clock())
        self._asked.move_to_end(key)
        while len(self._asked) > MOST_KEPT:
            self._asked.popitem(last=False)
        return asked.answer

    def _is_over(self, asked: Asked[T]) -> bool:
        is_unknown = asked.answer.done() and (asked.answer.cancelled() or asked.answer.result() is None)
        return is_unknown and self.clock() - asked.at > AGAIN_SECONDS


async def _settled(read: Callable[[], Awaitable[T | None]]) -> T | None:
    try:
        return await read()
    except SwitchyardError:
        return None
