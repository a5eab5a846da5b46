"""Many actors, any order: every answer legal, every claim unique, the log complete, the counts true."""

import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import create_engine

from control_plane.schema import metadata
from tests.store.replay import COMMITS
from tests.store.task_house import TaskHouse, open_house
from tests.store.working import Working

SELDOM = {"reclaim", "release", "renew", "reassign", "terminate"}
"""What a short day may pass without."""
Opening = Callable[[ExitStack], TaskHouse]


def work_it(opening: Opening, examples: int, steps: int, *, is_the_same: bool = True) -> Counter[str]:
    """How often each act went through."""
    done: Counter[str] = Counter()

    class WorkingHere(Working):
        def teardown(self) -> None:
            done.update(self.done)
            super().teardown()

    WorkingHere.opening = staticmethod(opening)
    run_state_machine_as_test(
        WorkingHere,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            derandomize=is_the_same,
            phases=(Phase.generate,),  # to shrink a long day of work takes longer than to read it
        ),
    )
    return done


@pytest.fixture
def on_sqlite(tmp_path: Path, sqlite_template: Path) -> Opening:
    """Opens a fresh SQLite house for every example."""
    numbers = iter(range(10**6))

    def opening(stack: ExitStack) -> TaskHouse:
        file = tmp_path / f"{next(numbers)}.db"
        with closing(sqlite3.connect(sqlite_template)) as template, closing(sqlite3.connect(file)) as fresh:
            template.backup(fresh)
        return stack.enter_context(open_house(f"sqlite:///{file}"))

    return opening


@pytest.fixture
def on_postgresql(postgresql_url: str) -> Opening:
    """Empties the database for every example."""

    def opening(stack: ExitStack) -> TaskHouse:
        engine = create_engine(postgresql_url)
        with engine.begin() as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(table.delete())
        engine.dispose()
        return stack.enter_context(open_house(postgresql_url))

    return opening


def test_any_order_of_work_keeps_the_house_in_order(on_sqlite: Opening) -> None:
    done = work_it(on_sqlite, examples=4, steps=150)
    for _ in range(12):  # ids are new each time, and with them the order: a rare act may need another day
        if done.keys() >= COMMITS.keys() - SELDOM:
            break
        done += work_it(on_sqlite, examples=1, steps=150, is_the_same=False)
    assert done.keys() >= COMMITS.keys() - SELDOM, "every other act went through at least once"


@pytest.mark.postgres
def test_any_order_of_work_keeps_the_house_in_order_on_postgresql(on_postgresql: Opening) -> None:
    work_it(on_postgresql, examples=2, steps=100)


@pytest.mark.long
def test_any_long_order_of_work_keeps_the_house_in_order(on_sqlite: Opening) -> None:
    work_it(on_sqlite, examples=150, steps=200)


@pytest.mark.long
@pytest.mark.postgres
def test_any_long_order_of_work_keeps_the_house_in_order_on_postgresql(on_postgresql: Opening) -> None:
    work_it(on_postgresql, examples=50, steps=200)
