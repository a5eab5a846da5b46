"""A host that fails everything loses three tasks, then tries one at a time."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store_client.client import StoreClient
from store_client.runner.breaker import MOST_LOST, Breaker
from store_client.runner.host import Pace
from store_client.wire.tasks import TaskState
from tests.runner.houses import House, running


@given(st.lists(st.booleans(), max_size=40), st.integers(1, 16))
def test_between_two_successes_no_more_than_three_are_lost_without_a_rest(acts: list[bool], width: int) -> None:
    """Each act takes up all that is let in; then the oldest task in hand ends. Time stands still."""
    breaker, in_hand, lost = Breaker(clock=lambda: 0.0), 0, 0
    for is_success in acts:
        while in_hand < width and breaker.lets_in(in_hand):
            in_hand += 1
        assert breaker.fails == 0 or in_hand + min(breaker.fails, MOST_LOST) <= max(MOST_LOST, width)
        if in_hand == 0:
            break
        in_hand -= 1
        if is_success:
            breaker.succeeded()
            lost = 0
        else:
            breaker.failed()
            lost += 1
    assert lost <= max(MOST_LOST, width)


def test_the_rest_doubles_and_one_success_ends_it() -> None:
    now = 0.0
    breaker = Breaker(10.0, 35.0, clock=lambda: now)
    assert [breaker.failed() for _ in range(MOST_LOST - 1)] == [None, None]
    assert breaker.lets_in(0)
    assert not breaker.lets_in(1)
    rests = []
    for _ in range(4):
        rest = breaker.failed()
        assert rest is not None
        assert not breaker.lets_in(0)
        now += rest
        assert breaker.lets_in(0)
        assert not breaker.lets_in(1)
        rests.append(rest)
    assert rests == [10.0, 20.0, 35.0, 35.0]
    breaker.succeeded()
    assert breaker.lets_in(100)


async def test_a_host_whose_command_crashes_leaves_the_other_tasks_alone(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    policy = {"kind": "fixed_total", "total": 6}
    experiment = await house.experiment("broken", ideation_command="no-such-program", ideation_policy=policy)
    store = house.store(experiment)

    async def rests() -> bool:
        return any("tries a single one in" in record.getMessage() for record in caplog.records)

    with caplog.at_level(logging.ERROR, "store_client.runner.host"):
        async with running(house.host(experiment, "ideator", Pace(look_seconds=0.2, rest_seconds=600))):
            await house.until(rests)
            await house.until(lambda: _is_pending(store))
    tasks = await store.list_tasks("ideation")
    assert sum(task.state is not TaskState.PENDING for task in tasks) == MOST_LOST


async def _is_pending(store: StoreClient) -> bool:
    return any(task.state is TaskState.PENDING for task in await store.list_tasks("ideation"))
