"""The wire: one API process under real HTTP clients, on each database."""

from collections.abc import Iterator

from tests.bench.durable import KINDS
from tests.bench.figures import Figure
from tests.bench.wire_yard import Wire, wired

READS = 2000
CYCLES = {1: 300, 8: 1500, 32: 1500}


def bench_wire() -> Iterator[Figure]:
    for kind in KINDS:
        with wired(kind) as wire:
            yield from figures(wire, kind)


def figures(wire: Wire, kind: str) -> Iterator[Figure]:
    names = {clients: [f"t-{clients}-{number}" for number in range(count)] for clients, count in CYCLES.items()}
    every = [name for group in names.values() for name in group]
    created, cpu = wire.loaded(8, [wire.creation(name) for name in every])
    note = f"8 clients, durable; {1000 * cpu / len(every):.2f} ms server CPU each"
    yield Figure(f"wire.create_per_s.{kind}", len(every) / created.seconds, "1/s", note)
    _, cpu = wire.loaded(1, [[wire.to(f"tasks/{every[0]}")]] * READS)
    yield Figure(f"wire.get_cpu_ms.{kind}", 1000 * cpu / READS, "ms", "server CPU of an authenticated read of a task")
    for clients, group in names.items():
        outcome, cpu = wire.loaded(clients, [wire.cycle(name) for name in group])
        note = f"claim + submit, durable; {1000 * cpu / len(group):.2f} ms server CPU each"
        yield Figure(f"wire.cycle_{clients}c_per_s.{kind}", len(group) / outcome.seconds, "1/s", note)
