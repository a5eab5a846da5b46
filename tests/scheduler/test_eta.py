"""When jobs start, by what ended ones took: bands that hold what they promise, and none where nothing can be said."""

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from control_plane.scheduler.rules.board import Quota
from control_plane.scheduler.rules.durations import Durations
from control_plane.scheduler.rules.eta import EXACTLY, Busy, Line, Next, Outlook, outlook
from control_plane.scheduler.rules.model import Model, Part
from store_client.wire.jobs import Resources
from tests.scheduler.queue_play import Played, machine

TAKES = Durations.of([50.0, 55.0, 60.0, 65.0, 70.0])
GPU = Resources(gpus=1)


def chance(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - a simulation, not a secret


def foretold(asked: Line, seed: int = 0) -> Outlook:
    return outlook(asked, chance(seed))


def job(number: int, need: Resources = GPU, most: float = 600.0) -> Next:
    return Next(f"job_{number}", "exp", "wkr", need, most, TAKES)


def line(*waiting: Next, gpus: int = 1, busy: bool = True) -> Line:
    """Jobs that wait for GPUs, all of them busy for half a minute already, or free."""
    free = Model.of(machine(gpus, 4 * gpus))
    running = [Busy(Part(0, 1, ((at, 12),)), "exp", "wkr", 1.0, 30.0, 570.0, TAKES) for at in range(gpus)]
    for one in running if busy else ():
        free.take(one.part)
    return Line(free, running if busy else (), waiting)


def test_the_bands_hold_eight_of_ten_true_starts() -> None:
    inside = [part for seed in range(24) for part in Played(chance(seed)).inside()]
    assert len(inside) > 400
    assert 0.72 < sum(inside) / len(inside) < 0.88


def test_the_same_queue_and_seed_give_the_same_bands() -> None:
    asked = line(*(job(number) for number in range(9)))
    assert foretold(asked) == foretold(asked)
    assert foretold(asked, seed=1) != foretold(asked)


def test_jobs_start_one_after_the_other() -> None:
    bands = foretold(line(job(1), job(2), job(3))).bands
    assert 15 < bands["job_1"].likely < 45
    assert 60 < bands["job_2"].likely - bands["job_1"].likely + 15 < 90
    assert all(one.earliest <= one.likely <= one.latest for one in bands.values())


def test_a_job_that_fits_now_starts_now() -> None:
    assert foretold(line(job(1), busy=False)).bands["job_1"].latest == 0


def test_nothing_is_said_of_a_job_that_never_fits_nor_does_it_hold_up_others() -> None:
    bands = foretold(line(job(1, Resources(gpus=9)), job(2))).bands
    assert set(bands) == {"job_2"}


def test_a_small_job_passes_a_large_one_only_on_what_is_not_kept_for_it() -> None:
    large, small, idle = job(1, Resources(gpus=2)), job(2), job(3, Resources(cpus=1))
    asked = line(large, small, idle, gpus=2)
    first = asked.running[0]
    asked.free.give_back(first.part)
    bands = foretold(replace(asked, running=asked.running[1:])).bands
    assert bands["job_3"].latest == 0
    assert bands["job_2"].earliest >= bands["job_1"].earliest > 0


def test_a_job_that_has_ended_by_then_uses_what_is_kept() -> None:
    asked = line(job(1, Resources(gpus=2)), job(2, most=10.0), gpus=2)
    asked.free.give_back(asked.running[0].part)
    bands = foretold(replace(asked, running=asked.running[1:])).bands
    assert bands["job_2"].latest == 0


@pytest.mark.parametrize("quotas", ["experiment_quotas", "operator_quotas"])
def test_a_quota_makes_jobs_wait_for_one_another(quotas: str) -> None:
    name = "exp" if quotas == "experiment_quotas" else "wkr"
    asked = line(job(1), job(2), gpus=2, busy=False)
    limited: dict[str, Any] = {quotas: {name: Quota(gpus=1)}}
    bands = foretold(replace(asked, **limited)).bands
    assert bands["job_1"].latest == 0
    assert bands["job_2"].earliest > 0


def test_those_behind_the_first_two_hundred_follow_at_their_pace() -> None:
    asked = foretold(line(*(job(number) for number in range(EXACTLY + 50))))
    assert f"job_{EXACTLY}" not in asked.bands
    last, further = asked.bands[f"job_{EXACTLY - 1}"], asked.at(2 * EXACTLY)
    assert further is not None
    assert further.likely == pytest.approx(2 * last.likely, rel=0.05)
    assert asked.at(3) is None
    assert foretold(line(job(1))).at(500) is None


def test_what_took_longer_than_any_before_still_has_an_end() -> None:
    assert 0 < TAKES.rest(1000.0, chance(1)) < 1000
    assert TAKES.rest(0.0, chance(1)) in TAKES.seconds
