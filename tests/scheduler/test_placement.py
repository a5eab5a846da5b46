"""Placement is a pure function: what it never does, shown against a brute-force oracle on small cases."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from control_plane.scheduler.rules.board import Slot
from control_plane.scheduler.rules.placement import Plan, Waiting, in_order, plan
from store_client.wire.jobs import Resources

GIB = 1024**3


def job(number: int, *, priority: int = 5, cpus: int = 1, gpus: int = 0, gpu_memory_bytes: int = 0) -> Waiting:
    resources = Resources(cpus=cpus, gpus=gpus, gpu_memory_bytes=gpu_memory_bytes)
    return Waiting(f"job_{number}", number, priority, resources)


def cpus(count: int) -> list[Slot]:
    return [Slot(f"cpu:{index}", "cpu") for index in range(count)]


def gpus(*memory: int) -> list[Slot]:
    return [Slot(f"GPU-{index}", "gpu", size) for index, size in enumerate(memory)]


def started(made: Plan) -> list[str]:
    return [placement.job_id for placement in made.placements]


waiting_jobs = st.lists(
    st.builds(
        job,
        st.integers(1, 10_000),
        priority=st.integers(0, 10),
        cpus=st.integers(1, 4),
        gpus=st.integers(0, 3),
        gpu_memory_bytes=st.sampled_from([0, 20 * GIB, 80 * GIB]),
    ),
    max_size=6,
    unique_by=lambda one: one.number,
)
machines = st.builds(
    lambda count, memory, lost: [
        *cpus(count),
        *(
            Slot(f"GPU-{index}", "gpu", size, "lost" if index in lost else "usable")
            for index, size in enumerate(memory)
        ),
    ],
    st.integers(0, 4),
    st.lists(st.sampled_from([24 * GIB, 141 * GIB]), max_size=3),
    st.sets(st.integers(0, 2)),
)
held_slots = st.sets(st.sampled_from(["cpu:0", "cpu:1", "GPU-0", "GPU-1"]))


@given(waiting_jobs, machines, held_slots)
def test_no_slot_is_ever_given_out_twice(waiting: list[Waiting], slots: list[Slot], held: set[str]) -> None:
    given_out = [slot for placement in plan(waiting, slots, held).placements for slot in placement.slots]
    assert len(given_out) == len(set(given_out))
    assert not set(given_out) & held


@given(waiting_jobs, machines, held_slots)
def test_a_placed_job_gets_all_it_asked_for_on_usable_slots_that_fit(
    waiting: list[Waiting], slots: list[Slot], held: set[str]
) -> None:
    known, wanted = {slot.slot_id: slot for slot in slots}, {one.job_id: one.resources for one in waiting}
    for placement in plan(waiting, slots, held).placements:
        chosen, need = [known[slot_id] for slot_id in placement.slots], wanted[placement.job_id]
        cards = [slot for slot in chosen if slot.kind == "gpu"]
        assert len(cards) == need.gpus
        assert len(chosen) - len(cards) == need.cpus
        assert all(slot.is_usable and (slot.memory_bytes or 0) >= need.gpu_memory_bytes for slot in cards)


@given(waiting_jobs, machines, held_slots)
def test_every_job_either_starts_or_is_told_why_not(waiting: list[Waiting], slots: list[Slot], held: set[str]) -> None:
    made = plan(waiting, slots, held)
    assert {*started(made), *made.reasons} == {one.job_id for one in waiting}
    assert not set(started(made)) & set(made.reasons)


@given(waiting_jobs, machines, held_slots)
def test_the_next_job_starts_exactly_when_some_choice_of_free_slots_would_do(
    waiting: list[Waiting], slots: list[Slot], held: set[str]
) -> None:
    if not waiting:
        return
    first = in_order(waiting)[0]
    assert (first.job_id in started(plan(waiting, slots, held))) is fits_somehow(first.resources, slots, held)


def fits_somehow(need: Resources, slots: list[Slot], held: set[str]) -> bool:
    """The oracle: try every choice."""
    free = [slot for slot in slots if slot.is_usable and slot.slot_id not in held]
    return any(
        sum(1 for slot in choice if slot.kind == "cpu") == need.cpus
        and all((slot.memory_bytes or 0) >= need.gpu_memory_bytes for slot in choice if slot.kind == "gpu")
        for choice in combinations(free, need.cpus + need.gpus)
    )


@given(waiting_jobs, machines, held_slots)
def test_a_job_that_comes_later_never_delays_an_earlier_one(
    waiting: list[Waiting], slots: list[Slot], held: set[str]
) -> None:
    ordered = in_order(waiting)
    everybody = plan(ordered, slots, held)
    for place, one in enumerate(ordered):
        alone = plan(ordered[: place + 1], slots, held)
        assert (one.job_id in started(alone)) is (one.job_id in started(everybody))


def test_higher_priority_goes_first_and_age_decides_among_equals() -> None:
    waiting = [job(1, priority=1), job(2, priority=9), job(3, priority=5), job(4, priority=9)]
    assert started(plan(waiting, cpus(3), ())) == ["job_2", "job_4", "job_3"]


def test_a_wide_job_at_the_head_keeps_small_ones_from_starving_it() -> None:
    made = plan([job(1, cpus=2), job(2)], cpus(2), ["cpu:0"])
    assert started(made) == []
    assert made.reasons == {"job_1": "needs 2 CPU slots at once; 1 is free", "job_2": "behind job 1"}


def test_a_job_that_never_fits_holds_nobody_up() -> None:
    made = plan([job(1, cpus=8), job(2)], cpus(2), ())
    assert started(made) == ["job_2"]
    assert made.reasons == {"job_1": "needs 8 CPU slots at once; this machine has 2 that would do"}


def test_a_job_without_gpus_passes_one_that_waits_for_a_gpu_only_when_cpus_are_not_kept_for_it() -> None:
    made = plan([job(1, gpus=1), job(2)], [*cpus(1), *gpus(24 * GIB)], ["GPU-0"])
    assert started(made) == []
    assert made.reasons["job_1"] == "needs 1 GPU; none is free"


def test_a_gpu_that_somebody_else_uses_is_not_given_out() -> None:
    slots = [*cpus(1), Slot("GPU-0", "gpu", 24 * GIB, state="foreign")]
    assert started(plan([job(1, gpus=1)], slots, ())) == []


def test_a_gpu_wanted_where_there_is_one_is_taken_there_and_not_missed_elsewhere() -> None:
    wish = Waiting("job_1", 1, 5, Resources(gpus_where_present=1))
    assert plan([wish], [*cpus(1), *gpus(24 * GIB)], ()).placements[0].slots == ("GPU-0", "cpu:0")
    assert plan([wish], cpus(1), ()).placements[0].slots == ("cpu:0",)
    assert plan([wish], [*cpus(1), *gpus(24 * GIB)], ["GPU-0"]).reasons == {"job_1": "needs 1 GPU; none is free"}
