"""Small situations of the queue, as hypothesis draws them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from control_plane.scheduler.rules.board import (
    GPU_UNITS,
    Grant,
    Node,
    Policy,
    Quota,
    Running,
    Situation,
    Slot,
    SlotState,
    Waiting,
)
from control_plane.scheduler.rules.lines import lines_of
from store_client.wire.jobs import Resources

GIB = 1024**3
NOW = 100_000.0
SMALL, LARGE = 24 * GIB, 80 * GIB


def job(number: int, resources: Resources | None = None, **given: Any) -> Waiting:
    """A waiting job; in one experiment and of one operator unless it says otherwise."""
    facts: dict[str, Any] = {
        "experiment_id": "exp_a",
        "operator": "ada",
        "priority": 5,
        "rank": float(number),
        "queued_at": NOW - 50 + number / 10,
        "most_seconds": 3600.0,
        **given,
    }
    return Waiting(f"job_{number}", number, resources=resources or Resources(), **facts)


def running(number: int, grants: Iterable[Grant], ends_in: float = 1000.0, **given: Any) -> Running:
    facts: dict[str, Any] = {
        "experiment_id": "exp_a",
        "operator": "ada",
        "priority": 5,
        "placed_at": NOW - 100 - number,
        **given,
    }
    return Running(f"run_{number}", 1, number, ends_by=NOW + ends_in, grants=tuple(grants), **facts)


def gpu(index: int, node: str = "", memory: int | None = LARGE, state: SlotState = "usable") -> Slot:
    return Slot(f"{node}GPU-{index}", "gpu", memory, state, node, GPU_UNITS, index)


def cpus(count: int, node: str = "") -> list[Slot]:
    return [Slot(f"{node}cpu:{index}", "cpu", node=node) for index in range(count)]


def machine(gpus: int, cores: int, node: str = "") -> list[Slot]:
    return [*(gpu(index, node) for index in range(gpus)), *cpus(cores, node)]


def whole(*slots: Slot) -> tuple[Grant, ...]:
    return tuple(Grant(slot.slot_id, tuple(range(slot.units))) for slot in slots)


def situation(slots: Sequence[Slot], jobs: Iterable[Waiting], held: Sequence[Running] = (), **given: Any) -> Situation:
    return Situation(NOW, slots, lines_of(jobs), held, **given)


plain = st.builds(Resources, cpus=st.integers(1, 2), memory_bytes=st.sampled_from([0, 0, 8 * GIB, 20 * GIB]))
gpus = st.builds(
    Resources,
    gpus=st.sampled_from([1, 1, 2, 3]),
    cpus=st.integers(1, 2),
    gpu_memory_bytes=st.sampled_from([0, 0, 0, 40 * GIB]),
    only_gpus=st.sampled_from([()] * 6 + [("0",), ("GPU-1", "0")]),
)
shares = st.builds(
    Resources,
    gpus=st.just(1),
    gpu_share=st.sampled_from([0.25, 0.5, 0.75]),
    gpu_memory_bytes=st.sampled_from([0, 0, 30 * GIB]),
)
slices = st.builds(
    Resources,
    gpus=st.just(1),
    mig_profile=st.sampled_from(["1g.10gb", "3g.40gb"]),
    gpu_memory_bytes=st.sampled_from([0, 10 * GIB]),
)
where_present = st.builds(Resources, gpus_where_present=st.integers(1, 2))
asked = st.sampled_from([plain, plain, gpus, gpus, gpus, gpus, shares, shares, shares, slices, where_present]).flatmap(
    lambda kind: kind
)
BOUNDS = (5.0, 40.0, 900.0, 5000.0)


@st.composite
def waiting_jobs(draw: st.DrawFn, most: int = 6) -> list[Waiting]:
    kinds = draw(st.lists(asked, min_size=1, max_size=3))
    return [
        job(
            number,
            draw(st.sampled_from(kinds)),
            experiment_id=draw(st.sampled_from(["exp_a", "exp_b"])),
            operator=draw(st.sampled_from(["ada", "bob"])),
            priority=draw(st.sampled_from([0, 3, 5, 10])),
            queued_at=NOW - draw(st.sampled_from([0, 50, 700, 5000, 9000])),
            most_seconds=draw(st.sampled_from(BOUNDS)),
        )
        for number in range(1, draw(st.integers(3, most)) + 1)
    ]


states: st.SearchStrategy[SlotState] = st.sampled_from(
    ["usable"] * 15 + ["foreign", "lost", "quarantined", "reserved", "draining"]
)


@st.composite
def machines(draw: st.DrawFn) -> list[Slot]:
    slots: list[Slot] = []
    for node in draw(st.sampled_from([("",), ("",), ("", "two-")])):
        for index in range(draw(st.integers(1, 4 if node == "" else 2))):
            kind = draw(st.sampled_from(["gpu"] * 7 + ["mig"]))
            state: SlotState = draw(
                st.sampled_from(["usable"] * 15 + ["foreign", "lost", "quarantined", "reserved", "draining"])
            )
            if kind == "gpu":
                slots.append(gpu(index, node, draw(st.sampled_from([SMALL, LARGE])), state))
            else:
                profile, memory = draw(st.sampled_from([("1g.10gb", 10 * GIB), ("3g.40gb", 40 * GIB)]))
                slots.append(Slot(f"{node}MIG-{index}", "mig", memory, state, node, 1, index, profile))
        slots += cpus(draw(st.integers(2, 6)), node)
    return slots


@st.composite
def attempts(draw: st.DrawFn, slots: Sequence[Slot]) -> list[Running]:
    """Attempts on free units, each on one machine, with a CPU of their own."""
    free = {slot.slot_id: list(range(slot.units)) for slot in slots}
    made: list[Running] = []
    for number in range(101, 101 + draw(st.integers(0, 3))):
        node = draw(st.sampled_from(sorted({slot.node for slot in slots})))
        cores = [slot for slot in slots if slot.kind == "cpu" and slot.node == node and free[slot.slot_id]]
        if not cores:
            continue
        grants = [Grant(cores[0].slot_id)]
        for card in [slot for slot in slots if slot.kind != "cpu" and slot.node == node][: draw(st.integers(0, 2))]:
            units = free[card.slot_id][: draw(st.sampled_from([3, 6, 12]))]
            if units:
                grants.append(Grant(card.slot_id, tuple(units)))
        for grant in grants:
            free[grant.slot_id] = [unit for unit in free[grant.slot_id] if unit not in grant.units]
        made.append(
            running(
                number,
                grants,
                draw(st.sampled_from([-5.0, 20.0, 50.0, 1000.0, 1000.0, 3000.0])),
                experiment_id=draw(st.sampled_from(["exp_a", "exp_b"])),
                operator=draw(st.sampled_from(["ada", "bob"])),
                priority=draw(st.sampled_from([0, 0, 3, 5])),
                placed_at=NOW - draw(st.sampled_from([10, 500, 2000])),
                is_preemptible=draw(st.sampled_from([True, True, False])),
                is_ending=draw(st.sampled_from([False] * 9 + [True])),
                grace_seconds=draw(st.sampled_from([10.0, 300.0])),
                memory_bytes=draw(st.sampled_from([0, 8 * GIB])),
            )
        )
    return made


quotas = st.one_of(
    st.none(),
    st.builds(
        Quota,
        gpus=st.sampled_from([None, None, None, 0.5, 2.0]),
        cpus=st.sampled_from([None, None, None, 3]),
        jobs=st.sampled_from([None, None, None, 2]),
    ),
)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    drawn = {"exp_a": draw(quotas), "exp_b": draw(quotas)}
    operator = draw(st.sampled_from([None, None, Quota(jobs=2), Quota(gpus=1.0)]))
    return Policy(
        weights=draw(st.sampled_from([{}, {"exp_a": 3.0}, {"exp_b": 0.5}])),
        experiment_quotas={key: quota for key, quota in drawn.items() if quota is not None},
        operator_quotas={"ada": operator} if operator is not None else {},
        may_preempt=draw(st.booleans()),
    )


@st.composite
def full_houses(draw: st.DrawFn) -> Situation:
    """A job in front that does not fit, on machines that are partly held, and others behind it."""
    cards = draw(st.integers(2, 4))
    slots = machine(cards, draw(st.integers(cards, 6)))
    front = job(
        1,
        Resources(gpus=draw(st.integers(2, cards)), cpus=draw(st.integers(1, 3))),
        priority=9,
        experiment_id="exp_c",
        most_seconds=draw(st.sampled_from(BOUNDS)),
    )
    rest = [one for one in draw(waiting_jobs()) if one.number != 1]
    held = [
        running(
            101 + index,
            [Grant(f"cpu:{index}"), Grant(f"GPU-{index}", tuple(range(draw(st.sampled_from([3, 6, 12])))))],
            draw(st.sampled_from([20.0, 50.0, 1000.0, 3000.0])),
            priority=draw(st.sampled_from([0, 3, 5])),
            placed_at=NOW - draw(st.sampled_from([10, 500, 2000])),
            is_preemptible=draw(st.sampled_from([True, True, False])),
            is_ending=draw(st.sampled_from([True] + [False] * 9)),
            grace_seconds=draw(st.sampled_from([10.0, 300.0])),
        )
        for index in range(draw(st.integers(1, cards)))
    ]
    held = draw(of_lines(held, rest)) if rest else held
    return Situation(NOW, slots, lines_of([front, *rest]), held, Policy(may_preempt=draw(st.booleans())))


@st.composite
def of_lines(draw: st.DrawFn, held: Sequence[Running], jobs: Sequence[Waiting]) -> list[Running]:
    """The same attempts, some of them of jobs like one that waits."""
    made = []
    for one in held:
        like = draw(st.sampled_from([None, *jobs]))
        waits_since = one.placed_at - draw(st.sampled_from([0, 700, 5000]))
        made.append(one if like is None else of_job(one, replace(like, queued_at=waits_since)))
    return made


def of_job(one: Running, like: Waiting) -> Running:
    """An attempt of a job that is like another."""
    job = replace(like, job_id=one.job_id, number=one.number)
    return replace(
        one,
        experiment_id=job.experiment_id,
        operator=job.operator,
        priority=job.priority,
        queued_at=job.queued_at,
        job=job,
    )


@st.composite
def mixed_houses(draw: st.DrawFn) -> Situation:
    slots, waiting = draw(machines()), draw(waiting_jobs())
    return Situation(
        NOW,
        slots,
        lines_of(waiting),
        draw(of_lines(draw(attempts(slots)), waiting)),
        policy=draw(policies()),
        nodes=draw(st.sampled_from([(), (Node("", 24 * GIB),)])),
        usage=draw(st.sampled_from([{}, {"exp_a": 5000.0}, {"exp_b": 300.0}])),
    )


situations = st.one_of(mixed_houses(), full_houses())
