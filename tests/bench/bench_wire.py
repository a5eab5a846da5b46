"""The wire: one API process under real HTTP clients on each database, and beside each rate that of the bare driver."""

from collections.abc import Iterator

from tests.bench.durable import KINDS
from tests.bench.figures import Figure
from tests.bench.wire_yard import Wire, wired

READS = 2000
CYCLES = {1: 200, 8: 1500, 32: 1500}
COMPARED = 8
"""The clients whose rate is compared with that of as many bare connections."""


def bench_wire() -> Iterator[Figure]:
    for kind in KINDS:
        with wired(kind) as wire:
            yield from _reads_and_creations(wire, kind)
            yield from _cycles(wire, kind)


def _reads_and_creations(wire: Wire, kind: str) -> Iterator[Figure]:
    names = [_name(clients, number) for clients, count in CYCLES.items() for number in range(count)]
    made, cpu = wire.loaded(COMPARED, [wire.creation(name) for name in names])
    note = f"{COMPARED} clients, durable; {1000 * cpu / len(names):.2f} ms server CPU each"
    yield Figure(f"wire.create_per_s.{kind}", len(names) / made.seconds, "1/s", note)
    rate = wire.raw.rate(COMPARED, [[wire.raw.create(f"raw-{name}")] for name in names])
    yield Figure(f"wire.create_raw_per_s.{kind}", rate, "1/s", f"{COMPARED} clients, the bare driver")
    read, cpu = wire.loaded(1, [[wire.to(f"tasks/{names[0]}")]] * READS)
    note = f"server CPU of an authenticated read of a task; {READS / read.seconds:.0f} 1/s with one client"
    yield Figure(f"wire.get_cpu_ms.{kind}", 1000 * cpu / READS, "ms", note)
    rate = wire.raw.rate(1, [[wire.raw.read(names[0])]] * READS)
    yield Figure(f"wire.get_raw_per_s.{kind}", rate, "1/s", "1 client, the bare driver")


def _cycles(wire: Wire, kind: str) -> Iterator[Figure]:
    for clients, count in CYCLES.items():
        names = [_name(clients, number) for number in range(count)]
        done, cpu = wire.loaded(clients, [wire.cycle(name) for name in names])
        rate = count / done.seconds
        note = f"claim + submit, durable; {1000 * cpu / count:.2f} ms server CPU each"
        yield Figure(f"wire.cycle_{clients}c_per_s.{kind}", rate, "1/s", note)
        scripts = [[wire.raw.claim(f"raw-{name}"), wire.raw.submit(f"raw-{name}")] for name in names]
        raw = wire.raw.rate(clients, scripts)
        yield Figure(f"wire.cycle_{clients}c_raw_per_s.{kind}", raw, "1/s", "the same through the bare driver")
        if clients == COMPARED:
            yield Figure(f"wire.cycle_vs_raw.{kind}", rate / raw, "ratio", f"{clients} clients, of the bare driver's")


def _name(clients: int, number: int) -> str:
    return f"t-{clients}-{number}"
