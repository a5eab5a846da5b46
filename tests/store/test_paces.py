"""How long workers take: a middle duration from a handful of counts."""

import statistics

import pytest

from control_plane.task_store.operations import paces
from control_plane.task_store.rules.paces import bucket_of, middle
from tests.store.task_house import TaskHouse


def test_the_middle_of_counted_durations_is_no_more_than_a_tenth_off() -> None:
    for scale in (0.5, 30.0, 4000.0):
        lengths = [scale * 1.013 ** (place * 7 % 501) for place in range(501)]
        counts: dict[int, int] = {}
        for seconds in lengths:
            counts[bucket_of(seconds)] = counts.get(bucket_of(seconds), 0) + 1
        assert middle(counts) == pytest.approx(statistics.median(lengths), rel=0.1)
    assert middle({}) is None
    assert bucket_of(0.0) == bucket_of(-5.0)


def test_every_task_that_is_handed_in_is_counted_once(store: TaskHouse) -> None:
    variant_id = store.executed(3)
    store.evaluated(variant_id, accuracy=0.5)
    told = store.see(paces.read, store.id_of("bob"))
    assert {one.kind: one.tasks for one in told.paces} == {"evaluation": 1, "execution": 1}
    assert all(one.median_seconds > 0 for one in told.paces)
    assert store.see(paces.read, store.id_of("ann")).paces == ()
