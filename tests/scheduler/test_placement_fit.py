"""Where a job is put when several places would do, and when none would."""

from dataclasses import replace
from typing import Any

import pytest

from control_plane.scheduler.rules.board import GPU_UNITS, Grant, Node, Policy, Quota, Running, Slot
from control_plane.scheduler.rules.planning import Plan, plan
from store_client.wire.jobs import Resources
from tests.scheduler.planning_cases import GIB, LARGE, NOW, SMALL, cpus, gpu, job, machine, running, situation

GPU = Resources(gpus=1)
HALF = Resources(gpus=1, gpu_share=0.5)


def cards(made: Plan) -> list[str]:
    """The GPUs that the first placement is on, without its CPUs."""
    return [grant.slot_id for grant in made.placements[0].grants if "cpu" not in grant.slot_id]


def held(slot: Slot, units: int = GPU_UNITS, cpu: str = "cpu:9", **given: Any) -> Running:
    return running(101, [Grant(slot.slot_id, tuple(range(units))), Grant(cpu)], **given)


def place(resources: Resources, slots: list[Slot], *there: Running, **given: Any) -> Plan:
    return plan(situation(slots, [job(1, resources)], there, **given))


def test_a_share_goes_on_the_gpu_that_is_shared_already_and_has_least_to_spare() -> None:
    slots = machine(3, 9)
    there = [held(slots[1], 3), replace(held(slots[2], 5), job_id="run_2")]
    made = place(HALF, slots, *there)
    assert made.placements[0].grants[0] == Grant("GPU-2", (5, 6, 7, 8, 9, 10))


def test_shares_fill_a_gpu_before_they_break_another() -> None:
    slots = machine(2, 9)
    made = plan(situation(slots, [job(number, HALF) for number in (1, 2, 3)]))
    assert [placement.grants[0].slot_id for placement in made.placements] == ["GPU-0", "GPU-0", "GPU-1"]


def test_a_share_takes_as_many_units_as_the_memory_that_it_reserves() -> None:
    asked = Resources(gpus=1, gpu_share=0.1, gpu_memory_bytes=LARGE // 2)
    made = place(asked, machine(1, 1))
    assert len(made.placements[0].grants[0].units) == 6


@pytest.mark.parametrize(("share", "units"), [(1 / 3, 4), (0.25, 3), (5 / 6, 10), (0.01, 1)])
def test_parts_that_people_ask_for_come_out_even(share: float, units: int) -> None:
    made = place(Resources(gpus=1, gpu_share=share), machine(1, 1))
    assert len(made.placements[0].grants[0].units) == units


def test_a_gpu_of_unknown_memory_is_reserved_whole_when_memory_is_asked_of_it() -> None:
    asked = Resources(gpus=1, gpu_share=0.5, gpu_memory_bytes=GIB)
    made = place(asked, [gpu(0, memory=None), *cpus(1)])
    assert len(made.placements[0].grants[0].units) == GPU_UNITS


def test_a_whole_gpu_is_the_smallest_whose_memory_suffices() -> None:
    slots = [gpu(0, memory=LARGE), gpu(1, memory=SMALL), *cpus(2)]
    assert cards(place(GPU, slots)) == ["GPU-1"]
    assert cards(place(Resources(gpus=1, gpu_memory_bytes=40 * GIB), slots)) == ["GPU-0"]


def test_several_gpus_are_on_one_machine_or_nowhere() -> None:
    slots = [*machine(1, 2, "a-"), *machine(2, 2, "b-")]
    assert cards(place(Resources(gpus=2), slots)) == ["b-GPU-0", "b-GPU-1"]
    assert place(Resources(gpus=3), slots).placements == ()


def test_a_gpu_is_named_by_its_uuid_or_its_number() -> None:
    slots = machine(3, 3)
    assert cards(place(Resources(gpus=1, only_gpus=("2",)), slots)) == ["GPU-2"]
    assert cards(place(Resources(gpus=1, only_gpus=("GPU-1",)), slots)) == ["GPU-1"]
    assert place(Resources(gpus=1, only_gpus=("7",)), slots).placements == ()


SLICES = [
    Slot("MIG-0", "mig", 40 * GIB, units=1, index=0, profile="3g.40gb"),
    Slot("MIG-1", "mig", 10 * GIB, units=1, index=1, profile="1g.10gb"),
    Slot("MIG-2", "mig", 20 * GIB, units=1, index=2, profile="2g.20gb"),
]


@pytest.mark.parametrize(
    ("profile", "memory", "slice_"),
    [("3g.40gb", 0, "MIG-0"), ("1g.5gb", 15 * GIB, "MIG-2"), ("1g.5gb", 0, None), ("1g.10gb", 30 * GIB, "MIG-0")],
)
def test_a_slice_is_the_one_it_names_or_the_smallest_whose_memory_suffices(
    profile: str, memory: int, slice_: str | None
) -> None:
    asked = Resources(gpus=1, mig_profile=profile, gpu_memory_bytes=memory)
    made = place(asked, [*SLICES, *cpus(1)])
    assert [grant.slot_id for placement in made.placements for grant in placement.grants][:1] == (
        [slice_] if slice_ else []
    )


def test_no_slice_is_given_out_as_a_gpu() -> None:
    assert place(GPU, [*SLICES, *cpus(1)]).placements == ()


def test_gpus_that_a_job_takes_where_there_are_some_are_waited_for_there_and_not_elsewhere() -> None:
    wanting = Resources(gpus_where_present=1)
    slots = machine(1, 2)
    assert cards(place(wanting, slots)) == ["GPU-0"]
    assert place(wanting, slots, held(slots[0])).placements == ()
    assert cards(place(wanting, cpus(1))) == []
    assert cards(place(wanting, [*slots, *cpus(1, "b-")], held(slots[0]))) == []
    assert cards(place(wanting, [gpu(0, state="lost"), *cpus(1)])) == []


def test_memory_of_a_machine_is_a_budget_for_all_its_jobs() -> None:
    slots, nodes = cpus(4), (Node("", 10 * GIB),)
    jobs = [job(number, Resources(memory_bytes=6 * GIB)) for number in (1, 2)]
    assert len(plan(situation(slots, jobs)).placements) == 2
    assert len(plan(situation(slots, jobs, nodes=nodes)).placements) == 1
    there = running(101, [Grant("cpu:0")], memory_bytes=6 * GIB)
    assert plan(situation(slots, jobs, [there], nodes=nodes)).placements == ()


def test_a_job_without_gpus_leaves_the_machine_that_has_some_free() -> None:
    made = place(Resources(), [*machine(1, 2, "a-"), *cpus(4, "b-")])
    assert made.placements[0].slots == ("b-cpu:0",)


def test_a_job_over_its_quota_keeps_nothing_back() -> None:
    policy = Policy(experiment_quotas={"exp_a": Quota(gpus=0.0)})
    jobs = [job(1, GPU, priority=9), job(2, GPU, experiment_id="exp_b")]
    made = plan(situation(machine(1, 1), jobs, policy=policy))
    assert [one.job_id for one in made.placements] == ["job_2"]
    assert made.reservation is None


def test_one_plan_is_fair_between_experiments() -> None:
    jobs = [job(number, experiment_id="exp_a" if number < 10 else "exp_b") for number in range(1, 20)]
    made = plan(situation(cpus(4), jobs))
    assert [one.job_id for one in made.placements] == ["job_1", "job_10", "job_2", "job_11"]
    heavy = plan(situation(cpus(4), jobs, policy=Policy(weights={"exp_b": 3.0})))
    assert [one.job_id for one in heavy.placements] == ["job_1", "job_10", "job_11", "job_12"]


def test_a_short_job_uses_what_is_kept_and_a_long_one_does_not() -> None:
    slots = machine(2, 4)
    there = held(slots[0], cpu="cpu:0", ends_in=100.0)
    front = job(1, Resources(gpus=2), priority=9)
    long, short = job(2, GPU, priority=7), job(3, GPU, priority=6, experiment_id="exp_b", most_seconds=90.0)
    made = plan(situation(slots, [front, long, short], [there]))
    assert [one.job_id for one in made.placements] == ["job_3"]
    assert made.reservation is not None
    assert (made.reservation.job_id, made.reservation.at) == ("job_1", NOW + 100)


def test_the_head_keeps_first_what_nobody_could_use_before() -> None:
    slots = machine(2, 4)
    there = held(slots[0], cpu="cpu:0", ends_in=100.0)
    front = job(1, Resources(gpus=1, cpus=4), priority=9)
    made = plan(situation(slots, [front, job(2, GPU)], [there]))
    assert made.reservation is not None
    assert made.reservation.slots == ("GPU-0",)


def test_a_short_job_is_not_held_up_by_a_long_one_like_it() -> None:
    slots = machine(2, 4)
    there = held(slots[0], cpu="cpu:0", ends_in=100.0)
    front = job(1, Resources(gpus=2), priority=9)
    long, short = job(2, GPU), job(3, GPU, most_seconds=90.0)
    made = plan(situation(slots, [front, long, short], [there]))
    assert [one.job_id for one in made.placements] == ["job_3"]
