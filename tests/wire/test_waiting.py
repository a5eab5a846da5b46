"""Waiting for the log: no commit is missed, nobody waits longer than asked, and closing answers everybody."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from control_plane.db import log
from control_plane.db.engine import Database
from control_plane.db.identities import Keys
from control_plane.db.transaction import Tx
from control_plane.edge.house import House
from control_plane.edge.hub import Hub
from control_plane.edge.waiting import read_until
from store_client.errors import NotFound

PATIENCE_SECONDS = 60


@pytest.fixture
def house(database_url: str) -> Iterator[House]:
    opened = House(Database.open(database_url), Keys("admin-token", b"pepper"))
    yield opened
    opened.close()


def tip(tx: Tx) -> int:
    return log.tip(tx.connection)


def tell(tx: Tx) -> None:
    tx.at("exp_a").tell("job.queued")


async def test_no_commit_is_missed_between_reading_and_waiting(house: House) -> None:
    house.hub.start()
    total, seen = 200, 0
    writers = [threading.Thread(target=lambda: [house.writer.write(tell) for _ in range(total // 8)]) for _ in range(8)]
    for writer in writers:
        writer.start()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while seen < total:
            known = seen
            seen = await read_until(house, tip, known.__lt__, PATIENCE_SECONDS)
            assert seen > known
    for writer in writers:
        writer.join()


async def test_many_waiters_are_woken_by_one_commit(house: House) -> None:
    house.hub.start()
    waiting = [asyncio.create_task(read_until(house, tip, bool, PATIENCE_SECONDS)) for _ in range(50)]
    await asyncio.sleep(0)
    await house.write(tell)
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert set(await asyncio.gather(*waiting)) == {1}


async def test_a_commit_wakes_only_those_who_wait_for_its_experiment_or_for_any() -> None:
    hub = Hub()
    hub.start()

    async def woken_by(*experiments: str) -> list[bool]:
        tickets = [hub.ticket(scope) for scope in ("exp_a", "exp_b", "")]
        hub.committed(frozenset(experiments))
        await asyncio.sleep(0)
        found = [ticket.is_set() for ticket in tickets]
        for ticket in tickets:
            hub.drop(ticket)
        return found

    assert await woken_by("exp_a") == [True, False, True]
    assert await woken_by("exp_a", "exp_b") == [True, True, True]
    assert await woken_by("") == [True, True, True], "what concerns the deployment may concern everybody"
    assert await woken_by() == [True, True, True]


async def test_waiting_ends_when_the_time_is_over(house: House) -> None:
    house.hub.start()
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert await read_until(house, tip, bool, 0.05) == 0
        assert await read_until(house, tip, bool, 0) == 0


async def test_closing_answers_those_who_wait_and_those_who_come(house: House) -> None:
    house.hub.start()
    waiting = asyncio.create_task(read_until(house, tip, bool, 10 * PATIENCE_SECONDS))
    await asyncio.sleep(0)
    house.hub.close()
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert await waiting == 0
        assert await read_until(house, tip, bool, 10 * PATIENCE_SECONDS) == 0
    assert house.hub.is_closed


async def test_nobody_is_left_waiting_after_a_refusal_or_a_departure(house: House) -> None:
    def refuse(_tx: Tx) -> int:
        raise NotFound("nothing here")

    house.hub.start()
    with pytest.raises(NotFound):
        await read_until(house, refuse, bool, PATIENCE_SECONDS)
    gone = asyncio.create_task(read_until(house, tip, bool, PATIENCE_SECONDS))
    await asyncio.sleep(0)  # it takes its ticket before it first gives way
    assert house.hub._waiters
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert not house.hub._waiters


async def test_listeners_hear_which_experiments_changed_until_they_are_forgotten() -> None:
    hub = Hub()
    heard: list[frozenset[str]] = []
    hub.listen(heard.append)
    hub.committed(frozenset({"exp_a"}))
    hub.forget(heard.append)
    hub.committed(frozenset({"exp_b"}))
    assert heard == [frozenset({"exp_a"})]


def test_a_commit_after_the_event_loop_has_ended_hurts_nobody() -> None:
    hub = Hub()

    async def start() -> None:
        hub.start()

    asyncio.run(start())
    hub.committed(frozenset({"exp_a"}))


@pytest.mark.parametrize("turns", range(5))
async def test_a_wait_that_is_given_up_as_it_is_woken_ends_there(turns: int) -> None:
    hub = Hub()
    hub.start()
    ticket = hub.ticket()
    waiting = asyncio.create_task(hub.wait(ticket, PATIENCE_SECONDS))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    ticket.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    if waiting.cancel():
        with pytest.raises(asyncio.CancelledError):
            await waiting
