"""What a job is told for which nothing smaller of its kind would do."""

from typing import Any

import pytest

from control_plane.scheduler.rules.board import Grant
from store_client.wire.jobs import Resources
from tests.scheduler.test_explain_rules import GIB, cpus, gpu, runs, situation, waits, whole, why


def test_where_no_machine_is_there_is_one_to_be_started() -> None:
    assert why(situation([], [waits(1, gpus=1)]), 1).no_change == "there is no machine here: start a scheduler on one"


@pytest.mark.parametrize("is_full", [True, False])
def test_a_job_for_a_gpu_where_there_is_none_is_told_what_it_could_do_without(is_full: bool) -> None:
    running = [runs(8, Grant("cpu:0"), Grant("cpu:1"))] if is_full else []
    change = why(situation(cpus(2), [waits(1, gpus=2, gpu_memory_bytes=GIB)], running), 1).change
    assert change is not None
    assert (change.kind, change.effect) == ("no_gpu", "fits" if is_full else "starts")
    assert change.resources == Resources()
    assert "asking for no GPU, if it can do without; it would" in change.sentence


def test_a_job_that_is_too_large_in_every_way_is_told_what_there_is() -> None:
    asked: Any = {"gpus": 4, "gpu_memory_bytes": 200 * GIB, "cpus": 64}
    change = why(situation([gpu(0), *cpus(8)], [waits(1, **asked)]), 1).change
    assert change is not None
    assert (change.kind, change.effect) == ("what_there_is", "starts")
    assert change.resources == Resources(gpus=1, gpu_memory_bytes=80 * GIB, cpus=8)


def test_a_job_that_names_a_gpu_or_a_slice_is_told_of_others() -> None:
    slots = [gpu(0), gpu(1), *cpus(3)]
    named = why(situation(slots, [waits(1, gpus=1, only_gpus=("0",))], [runs(8, whole(0))]), 1)
    assert named.change is not None
    assert named.change.kind == "any_gpu"
    sliced = why(situation(slots, [waits(1, gpus=1, mig_profile="1g.10gb")]), 1).change
    assert sliced is not None
    assert (sliced.kind, sliced.resources) == ("whole_gpu", Resources(gpus=1))


def test_a_job_that_nothing_makes_smaller_is_told_to_find_another_machine() -> None:
    found = why(situation(cpus(1), [waits(1, gpus=1, mig_profile="1g.10gb", cpus=64)]), 1)
    assert found.change is None
    assert found.no_change == (
        "no machine here has a GPU, and none could run it without: it needs a 1g.10gb slice of a GPU and 64 CPU slots; "
        "add one, or queue the job where there is one"
    )
