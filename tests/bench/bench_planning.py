"""How fast a plan is made, apart from everything that is done with it."""

import time
from collections.abc import Iterator

from control_plane.scheduler.rules.board import GPU_UNITS, LineKey, Running, Situation, Slot
from control_plane.scheduler.rules.lines import Line
from control_plane.scheduler.rules.planning import plan
from store_client.wire.jobs import Resources
from tests.bench.figures import Figure
from tests.scheduler.planning_cases import NOW, cpus, gpu, job, running, whole

TIMES = 9
LINES = 50
ASKED = (
    Resources(cpus=1),
    Resources(gpus=1, cpus=1),
    Resources(gpus=1, gpu_share=0.25),
    Resources(cpus=2),
    Resources(gpus=2, cpus=2),
)


def bench_planning() -> Iterator[Figure]:
    """A plan that fills an empty fleet, and the one that fills the one slot that came free."""
    for machines, cards, cores in ((1, 8, 8), (1, 256, 768), (64, 8, 8)):
        slots = fleet(machines, cards, cores)
        made = plan(Situation(NOW, slots, lines(2000), []))
        seconds = fastest(Situation(NOW, slots, lines(2000), []))
        note = f"{len(made.placements)} jobs onto {machines} machines of {cards} GPUs and {cores} CPUs, 100,000 waiting"
        yield Figure(
            f"planning.placements_per_s.{machines}x{cards + cores}", len(made.placements) / seconds, "1/s", note
        )
    for slots in (fleet(1, 4, 4), fleet(1, 512, 512)):
        few, many = (fastest(Situation(NOW, slots, lines(each), busy(slots))) for each in (1, 2000))
        yield Figure(f"planning.one_ms.{len(slots)}", 1000 * many, "ms", "the one free slot, 100,000 waiting")
        yield Figure(
            f"planning.100k_vs_50.{len(slots)}", many / few, "x", f"the same in {LINES} lines of 2,000 and of 1"
        )


def fleet(machines: int, cards: int, cores: int) -> list[Slot]:
    """Machines with so many GPUs and CPU slots each."""
    names = [f"node-{number}-" for number in range(machines)]
    return [slot for name in names for slot in (*(gpu(index, name) for index in range(cards)), *cpus(cores, name))]


def lines(length: int) -> dict[LineKey, Line]:
    """Lines of jobs of ten experiments that ask for different things."""
    made = {}
    for number in range(LINES):
        resources, experiment = ASKED[number % len(ASKED)], f"exp_{number % 10}"
        first = number * length
        line = [
            job(first + place, resources, experiment_id=experiment, priority=number % 11) for place in range(length)
        ]
        made[LineKey(experiment, "ada", number % 11, resources)] = Line(line)
    return made


def busy(slots: list[Slot]) -> list[Running]:
    """Attempts on all GPUs but one, each with a CPU."""
    cards = [slot for slot in slots if slot.units == GPU_UNITS][1:]
    cores = [slot for slot in slots if slot.kind == "cpu"][1:]
    pairs = zip(cards, cores, strict=True)
    return [running(number, whole(card, core), 1000.0 + number) for number, (card, core) in enumerate(pairs)]


def fastest(situation: Situation) -> float:
    """Seconds of this process that a plan takes at best."""
    taken = []
    for _ in range(TIMES):
        began = time.process_time()
        plan(situation)
        taken.append(time.process_time() - began)
    return min(taken)
