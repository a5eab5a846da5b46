"""Every way to fit a job into a machine, and how tight it is; and who would go before whom."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import ceil

from control_plane.scheduler.rules.board import LineKey, Running, Situation, Slot, Waiting
from store_client.wire.jobs import Resources

Units = dict[str, frozenset[int]]


@dataclass(frozen=True)
class Free:
    """What is free on one machine."""

    units: Units
    memory: float


@dataclass(frozen=True)
class Way:
    """One way to fit a job: units of slots of one machine."""

    node: str
    units: Units
    inside: tuple[float, ...]
    """How tight it is among the ways of its machine; less is tighter."""
    among: tuple[float, ...]
    """How tight it is among machines."""


def nodes_of(slots: Sequence[Slot]) -> dict[str, list[Slot]]:
    nodes: dict[str, list[Slot]] = {}
    for slot in slots:
        nodes.setdefault(slot.node, []).append(slot)
    return nodes


def ways(asked: Resources, wanted: int, slots: Sequence[Slot], here: Free) -> Iterator[Way]:
    """Every way to fit a job into one machine."""
    slots = [slot for slot in slots if here.units.get(slot.slot_id)]
    cpus = [slot.slot_id for slot in slots if slot.kind == "cpu"]
    if len(cpus) < asked.cpus or (asked.memory_bytes and here.memory < asked.memory_bytes):
        return
    ready = [slot for slot in slots if would_do(asked, slot) and len(here.units[slot.slot_id]) >= units_on(asked, slot)]
    whole = sum(1 for slot in slots if slot.kind == "gpu" and len(here.units[slot.slot_id]) == slot.units)
    for chosen in combinations(ready, wanted):
        units = {one.slot_id: frozenset(sorted(here.units[one.slot_id])[: units_on(asked, one)]) for one in chosen}
        inside = tightness(asked, chosen, here)
        memory = max((one.memory_bytes or 0 for one in chosen), default=0)
        taken = {**units, **{slot_id: frozenset({0}) for slot_id in cpus[: asked.cpus]}}
        yield Way(slots[0].node, taken, inside, (inside[1], inside[2], memory, whole, len(cpus)))


def part(slot: Slot) -> float:
    if slot.kind == "mig":
        return int((slot.profile or "1g").split("g")[0]) / 7
    return float(slot.kind == "gpu")


def would_do(asked: Resources, slot: Slot) -> bool:
    if slot.kind != ("mig" if asked.mig_profile else "gpu"):
        return False
    if asked.only_gpus and slot.slot_id not in asked.only_gpus and str(slot.index) not in asked.only_gpus:
        return False
    if (slot.memory_bytes or 0) < asked.gpu_memory_bytes:
        return False
    return not asked.mig_profile or slot.profile == asked.mig_profile or asked.gpu_memory_bytes > 0


def units_on(asked: Resources, slot: Slot) -> int:
    if asked.gpu_share is None:
        return slot.units
    reserved = asked.gpu_memory_bytes / (slot.memory_bytes or 1)
    return max(1, ceil(max(asked.gpu_share, reserved) * slot.units - 1e-9))


def tightness(asked: Resources, chosen: tuple[Slot, ...], here: Free) -> tuple[float, ...]:
    """Less is tighter: another kind of slice, a whole GPU broken, units left, memory, place in the list."""
    left = [len(here.units[one.slot_id]) - units_on(asked, one) for one in chosen]
    breaks = [over_ > 0 and over_ + units_on(asked, one) == one.units for over_, one in zip(left, chosen, strict=True)]
    other = sum(one.profile != asked.mig_profile for one in chosen)
    memory = sorted(one.memory_bytes or 0 for one in chosen)
    places = [list(here.units).index(one.slot_id) for one in sorted(chosen, key=lambda one: one.memory_bytes or 0)]
    return other, any(breaks), sum(left), *memory, *places


def loss(chosen: tuple[Running, ...]) -> tuple[object, ...]:
    priorities = sorted((one.priority for one in chosen), reverse=True)
    placed = sorted(-one.placed_at for one in chosen)
    return len(chosen), priorities, placed, sorted(-one.number for one in chosen)


def stays_first(job: Waiting, one: Running, situation: Situation) -> bool:
    """Whether a job goes before an attempt that waits again, as old as the oldest that waits and is alike."""
    now, unit = situation.now, situation.policy.ageing_seconds
    since = [now if one.queued_at is None else now - max(0.0, one.placed_at - one.queued_at)]
    if one.job is not None:
        everybody = [waiting for line in situation.lines.values() for waiting in line]
        since += [waiting.queued_at for waiting in everybody if LineKey.of(waiting) == LineKey.of(one.job)]
    theirs, mine = one.priority + max(0.0, now - min(since)) / unit, job.priority + max(0.0, now - job.queued_at) / unit
    if one.priority >= job.priority:
        return False
    return job.queued_at < min(since) if theirs >= 11 else mine >= theirs + 1
