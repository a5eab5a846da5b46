"""Answers that may wait: read, and if there is nothing yet, wait for a commit and read again."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

from control_plane.db.tables import DEPLOYMENT
from control_plane.db.transaction import Tx
from control_plane.edge.house import House

T = TypeVar("T")


async def read_until(
    house: House, work: Callable[[Tx], T], is_enough: Callable[[T], Any], wait_seconds: float, scope: str = DEPLOYMENT
) -> T:
    """Read until the answer is enough or the time is over; the last answer either way.

    Commits in the experiment of `scope` are waited for, or all of them. Nobody looks without being woken: commits of
    other processes come through `Notices`.
    """
    deadline = time.monotonic() + wait_seconds
    is_woken = False
    while True:
        ticket = house.hub.ticket(scope)
        try:
            answer = await (_in_turn(house, work) if is_woken else house.read(work))
            left = deadline - time.monotonic()
            if is_enough(answer) or left <= 0 or house.hub.is_closed:
                return answer
            is_woken = await house.hub.wait(ticket, left)
            if not is_woken:
                return answer
        finally:
            house.hub.drop(ticket)


async def _in_turn(house: House, work: Callable[[Tx], T]) -> T:
    """Read as one of many whom the same commit woke."""
    async with house.hub.herd:
        return await house.read(work)
