"""The log is read by index, from any place in it, however long it is."""

from collections.abc import Callable
from functools import partial

import pytest
from sqlalchemy import Connection

from control_plane.db import log
from tests.bench.growth import Growth
from tests.store.plans import plans
from tests.store.task_house import TaskHouse

SIZE = 20_000


@pytest.fixture
def long_log(store: TaskHouse) -> TaskHouse:
    """Twenty thousand events of one experiment, and as many of another."""
    here, elsewhere = store.experiment_id, "exp_other"
    for experiment_id in (here, elsewhere):
        Growth(store.house.database, experiment_id).events(SIZE)
    return store


@pytest.mark.parametrize("after", [0, SIZE // 2, SIZE - 10])
def test_every_reading_of_the_log_goes_by_index(long_log: TaskHouse, after: int) -> None:
    here, database = long_log.experiment_id, long_log.house.database
    readings: list[Callable[[Connection], object]] = [
        partial(log.read_protocol, experiment_id=here, cursor=after),
        partial(log.read_after, position=after, limit=100, experiment_id=here),
        partial(log.read_after, position=after, limit=100, experiment_id=None),
        partial(log.read_before, position=after + 200, limit=100, experiment_id=here),
        partial(log.read_before, position=None, limit=100, experiment_id=None),
        partial(log.count, experiment_id=here),
        partial(log.touched_after, position=2 * SIZE - 10),
        log.tip,
    ]
    for read in readings:
        for plan in plans(database, read):
            assert "SCAN events\n" not in plan + "\n", plan
            assert "Seq Scan" not in plan, plan
            assert "TEMP B-TREE FOR ORDER" not in plan, plan
            assert "Sort" not in plan, plan


def test_no_reading_takes_in_more_than_it_gives(long_log: TaskHouse) -> None:
    """What a batch leaves is not looked at: its statement has a limit."""
    found = long_log.see(lambda tx: log.read_protocol(tx.connection, tx.experiment_id, 5))
    assert [row["sequence"] for row in found] == list(range(6, 6 + len(found)))
    assert len(found) < SIZE
