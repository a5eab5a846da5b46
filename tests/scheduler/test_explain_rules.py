"""Why a job waits, and what would start it: every change that is named has the job placed by placement itself."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control_plane.scheduler.rules.board import (
    GPU_UNITS,
    Grant,
    Policy,
    Quota,
    Running,
    Situation,
    Slot,
    SlotState,
    Waiting,
)  # fmt: skip
from control_plane.scheduler.rules.constraints import Case
from control_plane.scheduler.rules.explain import Why, explain
from control_plane.scheduler.rules.lines import lines_of
from control_plane.scheduler.rules.mismatches import mismatch
from control_plane.scheduler.rules.places import COUNTED, first, in_turn, position
from control_plane.scheduler.rules.planning import plan
from control_plane.scheduler.rules.situations import changed
from store_client.wire.jobs import Resources
from store_client.wire.scheduler import JobChange

GIB = 1024**3
NOW = 1_000_000.0
ALL = tuple(range(GPU_UNITS))


def gpu(index: int, state: SlotState = "usable", memory: int = 80 * GIB, why: str | None = None) -> Slot:
    return Slot(f"GPU-{index}", "gpu", memory, state, units=GPU_UNITS, index=index, why=why)


def cpus(count: int) -> list[Slot]:
    return [Slot(f"cpu:{index}", "cpu") for index in range(count)]


def waits(number: int, *, priority: int = 5, experiment: str = "exp_a", most: float = 600.0, **need: Any) -> Waiting:
    asked = Resources(**need)
    return Waiting(f"job_{number}", number, experiment, "wkr_a", priority, number, NOW - 10, asked, most)


def runs(number: int, *grants: Grant, ends_in: float = 300.0, priority: int = 5, **more: Any) -> Running:
    at: Any = {"placed_at": NOW - 60, "ends_by": NOW + ends_in, **more}
    return Running(f"job_{number}", 1, number, "exp_a", "wkr_a", priority, grants=grants, **at)


def whole(index: int) -> Grant:
    return Grant(f"GPU-{index}", ALL)


def situation(
    slots: Sequence[Slot], waiting: Sequence[Waiting], running: Sequence[Running] = (), policy: Policy | None = None
) -> Situation:
    return Situation(NOW, slots, lines_of(waiting), running, policy or Policy())


def why(at: Situation, number: int) -> Why:
    job = next(one for line in at.lines.values() for one in line if one.number == number)
    return explain(at, job)


def does(at: Situation, job: Waiting, change: JobChange) -> bool:
    """Whether a change does what it says."""
    after, there = changed(at, job, change)
    made = plan(after)
    match change.effect:
        case "starts":
            return there.job_id in {one.job_id for one in made.placements}
        case "takes_over":
            return there.job_id in {one.for_job_id for one in made.give_ways}
        case "next":
            return next(in_turn(after)).job_id == there.job_id
        case "fits":
            return Case(after, there).fits(Case(after, there).whole)


resources = st.builds(
    lambda gpus, share, cpus, memory: Resources(
        gpus=1 if share else gpus, gpu_share=share, cpus=cpus, gpu_memory_bytes=memory if gpus or share else 0
    ),
    st.integers(0, 3),
    st.sampled_from([None, None, 0.25, 0.5]),
    st.integers(1, 3),
    st.sampled_from([0, 20 * GIB, 60 * GIB, 200 * GIB]),
)
waiting_jobs = st.lists(
    st.builds(
        lambda number, priority, need, experiment, most: replace(
            waits(number, priority=priority, experiment=experiment, most=most), resources=need
        ),
        st.integers(1, 500),
        st.integers(0, 10),
        resources,
        st.sampled_from(["exp_a", "exp_b"]),
        st.sampled_from([60.0, 600.0, 6000.0]),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda one: one.number,
)
states: st.SearchStrategy[SlotState] = st.sampled_from(
    ["usable", "usable", "usable", "foreign", "lost", "quarantined", "reserved", "draining"]
)
machines = st.builds(
    lambda found, count: [*(gpu(index, state, size) for index, (state, size) in enumerate(found)), *cpus(count)],
    st.lists(st.tuples(states, st.sampled_from([24 * GIB, 80 * GIB])), max_size=4),
    st.integers(0, 5),
)
quotas = st.builds(Quota, st.sampled_from([None, 0.5, 1, 2]), st.sampled_from([None, 2]), st.sampled_from([None, 1]))


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    slots = draw(machines)
    running = [
        runs(
            900 + at, Grant(slot.slot_id, tuple(range(slot.units))), ends_in=draw(st.integers(1, 2000)),
            priority=draw(st.integers(0, 10)), is_preemptible=draw(st.booleans()), queued_at=NOW - 100,
        )
        for at, slot in enumerate(slots)
        if slot.is_usable and draw(st.booleans())
    ]  # fmt: skip
    policy = Policy(experiment_quotas={"exp_a": draw(quotas)}, operator_quotas={"wkr_a": draw(quotas)})
    return situation(slots, draw(waiting_jobs), running, policy)


@settings(max_examples=30, deadline=None)
@given(situations())
def test_every_change_that_is_named_does_what_it_says(at: Situation) -> None:
    for line in at.lines.values():
        for job in line:
            found = explain(at, job)
            for change in (found.change, *found.alternatives):
                assert change is None or does(at, job, change), change
            is_waiting = found.constraints[0].kind != "starting"
            assert (found.change is None and is_waiting) is bool(found.no_change), "who waits is told what could help"


@settings(max_examples=30, deadline=None)
@given(situations())
def test_every_waiting_job_has_a_place_of_its_own_and_a_reason(at: Situation) -> None:
    jobs = [job for line in at.lines.values() for job in line]
    found = [explain(at, job) for job in jobs]
    assert sorted(one.position for one in found) == list(range(1, len(jobs) + 1))
    assert all(one.constraints and one.sentence for one in found)
    placed = {one.job_id for one in plan(at).placements}
    for job, one in zip(jobs, found, strict=True):
        assert (one.constraints[0].kind == "starting") is (job.job_id in placed)


@settings(max_examples=20, deadline=None)
@given(situations())
def test_the_smallest_priority_that_would_do_is_named(at: Situation) -> None:
    for line in at.lines.values():
        for job in line:
            change = explain(at, job).change
            if change is not None and change.kind == "priority" and change.effect != "next":
                for lower in range(job.priority + 1, change.priority or 0):
                    smaller = change.having(priority=lower)
                    assert not does(at, job, smaller.having(effect="starts"))
                    assert not does(at, job, smaller.having(effect="takes_over"))


def test_a_job_behind_others_would_start_with_a_higher_priority() -> None:
    at = situation([gpu(0), *cpus(2)], [waits(1, gpus=1, priority=7), waits(2, gpus=1)])
    found = why(at, 2)
    assert found.position == 2
    assert found.change is not None
    assert (found.change.kind, found.change.priority, found.change.effect) == ("priority", 7 + 1, "starts")


def test_holders_are_named_with_their_latest_ends_until_enough_is_free() -> None:
    running = [runs(7, whole(0), ends_in=600), runs(8, whole(1), ends_in=60), runs(9, whole(2), ends_in=6000)]
    found = why(situation([gpu(0), gpu(1), gpu(2), *cpus(9)], [waits(1, gpus=2)], running), 1)
    held = found.constraints[0]
    assert (held.kind, [one.number for one in held.jobs], held.slots) == ("held", [8, 7], ("GPU-1", "GPU-0"))
    assert held.sentence == "needs 2 GPUs at once; jobs 8, 7 hold what is missing for 10 min at most"


@pytest.mark.parametrize("state", ["quarantined", "draining", "reserved", "foreign", "lost"])
def test_a_gpu_that_is_not_given_out_is_named_with_its_reason(state: SlotState) -> None:
    found = why(situation([gpu(3, state, why="somebody said so"), *cpus(1)], [waits(1, gpus=1)]), 1)
    assert [(one.kind, one.slots) for one in found.constraints] == [(state, ("GPU-3",))]
    assert "GPU 3" in found.sentence
    assert "somebody said so" in found.sentence
    kinds = [found.change.kind] if found.change else []
    assert kinds == (["readmit_gpu"] if state in {"quarantined", "draining"} else ["no_gpu"])


def test_a_quota_is_named_with_its_numbers_and_what_to_raise_it_to() -> None:
    policy = Policy(experiment_quotas={"exp_a": Quota(gpus=1)})
    at = situation([gpu(0), gpu(1), *cpus(3)], [waits(1, gpus=1)], [runs(8, whole(0), Grant("cpu:0"))], policy)
    found = why(at, 1)
    assert (found.constraints[0].kind, found.constraints[0].used, found.constraints[0].limit) == (
        "experiment_quota",
        1,
        1,
    )
    assert found.change is not None
    assert (found.change.kind, found.change.quota, found.change.quota_of) == ("quota", 2, "exp_a")


def test_a_job_that_no_machine_could_run_is_told_what_there_is() -> None:
    at = situation(
        [gpu(0), *cpus(2)], [waits(1, gpus=2), waits(2, cpus=9), waits(3, gpus=1, gpu_memory_bytes=99 * GIB)]
    )
    assert why(at, 1).sentence == "needs 2 GPUs at once; no machine here has more than 1 GPU that would do"
    assert why(at, 2).constraints[0].kind == "never_fits"
    assert why(at, 3).constraints[0].kind == "memory"
    change = why(at, 1).change
    assert change is not None
    assert (change.kind, change.resources) == ("fewer_gpus", Resources(gpus=1))


def test_a_job_behind_a_reservation_is_told_whose_it_is_and_until_when() -> None:
    at = situation(
        [gpu(0), gpu(1), *cpus(4)], [waits(1, gpus=2, priority=9), waits(2, gpus=1)], [runs(8, whole(1), ends_in=120)]
    )
    (behind,) = why(at, 2).constraints
    assert (behind.kind, [one.number for one in behind.jobs]) == ("behind", [1])
    assert behind.until is not None
    change = why(at, 2).change
    assert change is not None
    assert change.kind == "priority"


def test_nothing_short_of_waiting_is_said_as_such() -> None:
    at = situation([gpu(0, "lost"), *cpus(1)], [waits(1, gpus=1)])
    found = why(at, 1)
    assert found.change is not None
    assert (found.change.kind, found.alternatives) == ("no_gpu", ())
    full = situation([gpu(0, "lost"), *cpus(1)], [waits(1, gpus=1)], [runs(8, Grant("cpu:0"))])
    found = why(full, 1)
    assert (found.change, found.alternatives) == (None, ())
    assert found.no_change == (
        "nothing in the queue would start it; see to the machine of GPU 0, which does not answer, or add another"
    )


def test_the_case_of_a_job_knows_what_it_fits_into() -> None:
    job = waits(1, gpus=1)
    assert Case(situation([gpu(0), *cpus(1)], [job]), job).fits([gpu(0), *cpus(1)])
    assert not Case(situation([], [job]), job).fits(cpus(1))


def many(count: int, experiments: Sequence[str] = ("exp_a", "exp_b", "exp_c")) -> Situation:
    jobs = [
        waits(number, priority=number % 3 + 4, experiment=experiments[number % len(experiments)], gpus=1)
        for number in range(1, count + 1)
    ]
    return situation([gpu(0), *cpus(2)], jobs)


@pytest.mark.parametrize("number", [2999, 2500, 17, 1])
def test_a_place_far_behind_is_reckoned_as_it_would_be_counted(number: int) -> None:
    at = many(3000)
    counted = [job.number for job in in_turn(at)]
    job = next(one for line in at.lines.values() for one in line if one.number == number)
    assert position(at, job, []) == pytest.approx(counted.index(number) + 1, abs=4)
    if counted.index(number) < COUNTED:
        assert position(at, job) == counted.index(number) + 1
    assert len(first(at)) == COUNTED


@pytest.mark.parametrize(("of_old", "levels"), [(range(2001, 3001), 4), (range(1, 3001), 40)])
def test_a_place_behind_jobs_of_one_age_or_with_that_of_an_older_one_is_reckoned(of_old: range, levels: int) -> None:
    jobs = [waits(number, priority=4, gpus=1) for number in range(1, 3001)]
    aged = [replace(job, queued_at=NOW - levels * 600) if job.number in of_old else job for job in jobs]
    last = waits(3001, priority=6, experiment="exp_b", gpus=1)
    at = situation([gpu(0), *cpus(2)], [*aged, last])
    assert [position(at, job, []) for job in (aged[2499], last)] == [2500, 3001]


def test_a_machine_without_gpus_is_said_to_have_none() -> None:
    found = why(situation([*cpus(2)], [waits(1, gpus=2)]), 1)
    assert found.sentence == "needs 2 GPUs at once; no machine here has a GPU that would do"


def test_where_there_is_no_gpu_none_is_said_to_be_called_otherwise() -> None:
    assert mismatch(cpus(2), Resources(gpus=1, only_gpus=("GPU-9",))) is None
    assert "GPU-0" in str(mismatch([gpu(0)], Resources(gpus=1, only_gpus=("GPU-9",))))
