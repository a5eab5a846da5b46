"""Answers that may wait: read, and if there is nothing yet, wait for a commit and read again."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

from control_plane.db.tables import DEPLOYMENT
from control_plane.db.transaction import Tx
from control_plane.edge.house import House

T = TypeVar("T")
POLL_SECONDS = 1.0
"""How often a waiter also looks by itself, for commits of other processes."""


async def read_until(
    house: House, work: Callable[[Tx], T], is_enough: Callable[[T], Any], wait_seconds: float, scope: str = DEPLOYMENT
) -> T:
    """Read until the answer is enough or the time is over; the last answer either way.

    Commits in the experiment of `scope` are waited for, or all of them.
    """
    deadline = time.monotonic() + wait_seconds
    while True:
        ticket = house.hub.ticket(scope)
        try:
            answer = await house.read(work)
            left = deadline - time.monotonic()
            if is_enough(answer) or left <= 0 or house.hub.is_closed:
                return answer
            await house.hub.wait(ticket, left if house.database.is_sqlite else min(left, POLL_SECONDS))
        finally:
            house.hub.drop(ticket)
