"""A machine that fails everything loses three jobs at most, and gets one at a time until it works again."""

from collections.abc import Iterator
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from control_plane.scheduler.engines.engine import Placed
from control_plane.scheduler.hands import Hands
from control_plane.scheduler.loop import Scheduler
from control_plane.scheduler.operations import gpus, health
from control_plane.scheduler.rules.board import Placement, Slot
from control_plane.scheduler.rules.breaker import (
    FIRST_REST_SECONDS,
    LONGEST_REST_SECONDS,
    MOST_FAILURES,
    Breaker,
    Health,
    allowance,
    failed,
    name_of,
)
from control_plane.scheduler.tables import attempts
from store_client.errors import NotFound
from store_client.wire.jobs import JobState
from tests.scheduler.attempts import eventually
from tests.scheduler.fake_engine import FakeEngine, Machine, slots
from tests.scheduler.mortal import Hand
from tests.scheduler.queue_house import CLAIMS, Queue
from tests.scheduler.test_gpus import look, one
from tests.store.task_house import open_house

S = JobState
BAD, GOOD = "bad", "good"


@given(before=st.integers(1, 10), acts=st.lists(st.booleans(), max_size=60))
def test_once_one_has_failed_two_more_at_most_are_tried(before: int, acts: list[bool]) -> None:
    known, old, new, tried = failed(None, 0.0, "it broke"), before - 1, 0, 0
    for is_start in acts:
        if is_start and allowance(known, new, 0.0):
            new, tried = new + 1, tried + 1
        elif not is_start and old + new:
            new, old = (new - 1, old) if new else (new, old - 1)
            known = failed(known, 0.0, "it broke")
        assert 1 + tried <= MOST_FAILURES


@given(rounds=st.integers(1, 12))
def test_each_rest_is_twice_the_last_and_then_one_job_tries(rounds: int) -> None:
    known: Health | None = None
    for _ in range(MOST_FAILURES):
        known = failed(known, 0.0, "it broke")
    now, rest = 0.0, FIRST_REST_SECONDS
    for _ in range(rounds):
        assert known is not None
        assert allowance(known, 0, now + rest - 1) == 0
        now += rest
        assert (allowance(known, 0, now), allowance(known, 1, now)) == (1, 0)
        known, rest = failed(known, now, "again"), min(2 * rest, LONGEST_REST_SECONDS)


def test_one_gpu_that_fails_rests_while_its_machine_goes_on() -> None:
    known = Health(MOST_FAILURES, 0.0, 60.0, 60.0, "it fell off the bus")
    breaker = Breaker({"GPU-1": known}, {}, 1.0)
    seen = breaker.guarded([Slot("GPU-0", "gpu"), Slot("GPU-1", "gpu"), Slot("cpu:0", "cpu")])
    assert [slot.is_usable for slot in seen] == [True, False, True]
    assert seen[1].why == "it failed 3 jobs in a row, last: it fell off the bus"


def test_of_a_plan_no_more_starts_than_may_and_nobody_overtakes_who_may_not() -> None:
    breaker = Breaker({name_of(BAD): Health(1, 0.0)}, {name_of(BAD): 1}, 1.0)
    plan = [Placement.on(f"job_{number}", f"cpu:{number}") for number in range(4)]
    nodes = dict.fromkeys(("cpu:0", "cpu:1", "cpu:2"), BAD)
    assert [one.job_id for one in breaker.within(plan, nodes)] == ["job_0"]
    assert [one.job_id for one in breaker.within([plan[3], plan[0]], nodes)] == ["job_3", "job_0"]


class Half(FakeEngine):
    """One of the two machines starts nothing."""

    is_mended = False

    def submit(self, placed: Placed) -> None:
        if not self.is_mended and any(BAD in slot for slot in placed.slots):
            raise OSError("no space left on device")
        super().submit(placed)


class Shop:
    """A queue over both machines, round by round."""

    def __init__(self, queue: Queue) -> None:
        self.queue, self.hand = queue, Hand()
        self.machine = Machine([*slots(2, 2, node=BAD), *slots(1, 1, node=GOOD)], ends_at_once=True)
        self.engine = Half(self.machine)
        self.scheduler = Scheduler(queue.store.house, self.engine, CLAIMS, cast("Hands", self.hand))

    def rounds(self, count: int) -> None:
        for _ in range(count):
            self.scheduler.tick()
            while self.hand.do(0):
                pass

    def kept_back(self) -> list[Slot]:
        """The slots that are not given out, as the scheduler says after a round."""
        self.rounds(1)
        latest = self.scheduler.latest()
        return [slot for slot in latest[0].slots if not slot.is_usable] if latest is not None else []

    def on(self, node: str) -> int:
        query = select(func.count()).select_from(attempts).where(attempts.c.node == node)
        return int(self.queue.store.house.read_now(lambda tx: tx.connection.scalar(query)) or 0)


@pytest.fixture
def shop(sqlite_url: str) -> Iterator[Shop]:
    with open_house(sqlite_url) as store:
        opened = Shop(Queue(store))
        yield opened
        opened.scheduler.stop()


def test_a_machine_that_starts_nothing_costs_no_job_and_three_attempts(shop: Shop) -> None:
    jobs = [shop.queue.submit(resources={"gpus": 1}, retry={"max_attempts": 1}) for _ in range(9)]
    shop.rounds(40)
    assert {shop.queue.state(job) for job in jobs} == {S.SUCCEEDED}
    assert (shop.on(BAD), shop.on(GOOD)) == (MOST_FAILURES, len(jobs))
    eventually(shop.kept_back, "the machine being shown as kept back")
    assert {slot.node for slot in shop.kept_back()} == {BAD}
    assert "no space left on device" in (shop.kept_back()[0].why or "")


def test_a_machine_that_somebody_has_mended_gets_jobs_again(shop: Shop) -> None:
    for _ in range(6):
        shop.queue.submit(resources={"gpus": 1})
    shop.rounds(30)
    shop.engine.is_mended = True
    for name in shop.queue.store.house.read_now(health.read):
        shop.queue.write(health.readmit, name)
    with pytest.raises(NotFound):
        shop.queue.write(health.readmit, name_of(BAD))
    before = shop.on(BAD)
    jobs = [shop.queue.submit(resources={"gpus": 1}) for _ in range(3)]
    shop.rounds(4)
    assert {shop.queue.state(job) for job in jobs} == {S.SUCCEEDED}
    assert shop.on(BAD) > before


def test_the_gpus_of_a_machine_that_rests_are_shown_so_until_somebody_gives_them_out(queue: Queue) -> None:
    look(queue)
    for _ in range(MOST_FAILURES):
        queue.write(health.note_failure, [name_of(""), "GPU-a"], "it would not start")
    shown = one(queue, "GPU-c")
    assert (shown.state, shown.kept_back_by) == ("quarantined", "scheduler")
    assert shown.why == "the machine failed 3 jobs in a row, last: it would not start"
    assert queue.write(gpus.readmit, "GPU-a").state == "usable"
    assert one(queue, "GPU-c").state == "usable"


def test_one_that_works_again_has_nothing_held_against_it(queue: Queue) -> None:
    for _ in range(2):
        queue.write(health.note_failure, [name_of(BAD)], "it was lost")
    queue.write(health.note_success, [name_of(BAD)])
    assert queue.store.house.read_now(health.read) == {}
