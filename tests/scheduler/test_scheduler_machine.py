"""Whatever happens to schedulers, attempts and clocks: nothing runs twice, nothing is lost, nobody starves."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import FlakyFailure
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from control_plane.db.transaction import Tx
from control_plane.edge.house import House
from control_plane.scheduler import decisions, reasons
from control_plane.scheduler.operations import attempts, submit
from control_plane.scheduler.operations.attempts import Ending
from tests.scheduler.mortal import Clock, clocked_house
from tests.scheduler.scheduler_day import SchedulerDay
from tests.store.task_house import TaskHouse

NUMBER = st.integers(0, 2**16)
OFTEN = ("submit", "tick", "work", "work_all", "end", "tick", "submit", "end")
FAULTS = (
    "cancel", "retry", "reprioritise", "die", "restart", "stop_server", "end_all", "vanish", "lose_node", "resist",
    "give_in", "change_slots", "stale_end", "stale_start", "jump", "pass_time", "submit_many", "submit_array", "move",
    "cancel_many", "take_back",
)  # fmt: skip
ACTS = st.lists(st.tuples(st.sampled_from(FAULTS + OFTEN * 3), NUMBER), min_size=16, max_size=32)


class Days(RuleBasedStateMachine):
    """Days of any length, in any order of acts."""

    store: ClassVar[TaskHouse]
    houses: ClassVar[tuple[House, House]]
    clock: ClassVar[Clock]
    total: ClassVar[Counter[str]]

    def __init__(self) -> None:
        super().__init__()
        self.clock.seconds += 86_400
        self.day = SchedulerDay(self.store, self.houses, self.clock)

    @rule(acts=ACTS)
    def go_on(self, acts: list[tuple[str, int]]) -> None:
        for name, number in acts:
            self.day.act(name, number)

    @rule(number=NUMBER)
    def round(self, number: int) -> None:
        """What an hour without faults is: a round, its work, an end."""
        for name in ("tick", "work_all", "end", "tick", "work_all"):
            self.day.act(name, number)

    @invariant()
    def the_books_are_right(self) -> None:
        self.day.accounts.check()

    def teardown(self) -> None:
        self.day.calm()
        self.total.update(self.day.done)
        self.day.close()


@contextmanager
def open_days(url: str) -> Iterator[Any]:
    """The machine over one database, with a house for each of two schedulers."""
    clock = Clock()
    houses = clocked_house(url, clock), clocked_house(url, clock)
    with ExitStack() as opened:
        patch = opened.enter_context(pytest.MonkeyPatch.context())
        for module in (decisions, reasons):
            patch.setattr(module, "time", clock)
        for house in houses:
            opened.callback(house.close)
        here = {"store": TaskHouse(houses[0]), "houses": houses, "clock": clock, "total": Counter()}
        yield type("DaysHere", (Days,), here)


def live(days: Any, examples: int, steps: int = 12, **wish: Any) -> int:
    """So many days; how many operations they were.

    A day that fails is told as it was: to make a shorter one of it takes longer than a test may.
    """
    wish = {"max_examples": examples, "stateful_step_count": steps, "phases": [Phase.generate], **wish}
    run_state_machine_as_test(days, settings=settings(deadline=None, suppress_health_check=[*HealthCheck], **wish))
    return int(days.total.total())


def live_through(days: Any, acts: int, part: int = 0) -> None:
    """As many days as so many operations take; they are the same ones in every run."""
    for number in range(100 * part, 100 * part + 100):
        if live(seed(number)(days), examples=10) >= acts:
            return
    pytest.fail(f"{days.total.total()} operations in all these days")


@pytest.mark.parametrize("part", range(4))
def test_a_queue_survives_whatever_happens(sqlite_url: str, part: int) -> None:
    """In parts, because there is a bound to what one test may take."""
    with open_days(sqlite_url) as days:
        live_through(days, 4_500, part)


@pytest.mark.postgres
def test_it_survives_on_a_server_too(postgresql_url: str) -> None:
    with open_days(postgresql_url) as days:
        live_through(days, 2_000, part=4)


@pytest.mark.long
def test_a_queue_survives_a_million_acts(database_url: str) -> None:
    with open_days(database_url) as days:
        done = live(days, examples=3_100)
        print(f"{done:,} operations: {dict(days.total)}")  # noqa: T201 - the figure of the long run
        assert done > 500_000


def unguarded(tx: Tx, told: Sequence[tuple[str, int, Ending]]) -> list[bool]:
    """`attempts.finish_all` as it would be if it did not look at the attempts."""
    return GUARDED(tx, [(job_id, submit.load(tx, job_id)["attempt"], ending) for job_id, _, ending in told])


GUARDED = attempts.finish_all


CAUGHT = (AssertionError, FlakyFailure)
"""Threads have a part in it: what is wrong is seen every time, and not always in the same step."""


def test_a_queue_whose_ends_are_not_fenced_by_the_attempt_is_caught(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "finish_all", unguarded)
    monkeypatch.setattr(attempts, "finish", lambda tx, *told: unguarded(tx, [told])[0])
    with (
        open_days(sqlite_url) as days,
        pytest.raises((AssertionError, FlakyFailure)),
    ):  # two threads see it, not always in the same step
        live(days, examples=200, derandomize=True)
