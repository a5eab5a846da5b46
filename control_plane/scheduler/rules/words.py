"""How the queue speaks of sizes, needs, times and slots."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from control_plane.scheduler.rules.board import Slot, SlotState
from store_client.wire.jobs import Resources

SIZES = ("B", "kB", "MB", "GB", "TB", "PB")
SPANS = ((86_400, "d"), (3600, "h"), (60, "min"))
KIND_OF: Mapping[SlotState, Literal["lost", "quarantined", "reserved", "draining", "foreign"]] = MappingProxyType(
    {
        "lost": "lost", "quarantined": "quarantined", "reserved": "reserved", "draining": "draining",
        "foreign": "foreign",
    }
)  # fmt: skip
COUNTED = MappingProxyType({"gpus": "GPUs", "cpus": "CPU slots", "jobs": "jobs at a time"})
SAID: Mapping[SlotState, str] = MappingProxyType(
    {
        "lost": "does not answer",
        "quarantined": "is quarantined",
        "reserved": "is reserved",
        "draining": "is being drained",
        "foreign": "is used by a process that is not ours",
        "usable": "is free",
    }
)


def size(count: float) -> str:
    """A number of bytes in decimal units: 141 GB."""
    unit = 0
    while count >= 999.5 and unit < len(SIZES) - 1:
        count, unit = count / 1000, unit + 1
    return f"{count:.1f} {SIZES[unit]}" if unit and count < 9.95 else f"{count:.0f} {SIZES[unit]}"


def plural(count: int, noun: str) -> str:
    return f"{count:,} {noun if count == 1 else noun + 's'}"


def needs(need: Resources) -> str:
    """What a job needs: 2 GPUs at once with 20 GB each and 4 CPU slots."""
    count = max(need.gpus, need.gpus_where_present)
    parts = [_gpus(need, count)] if count else []
    if need.cpus > 1 or not parts:
        parts.append(plural(need.cpus, "CPU slot") + (" at once" if need.cpus > 1 and not parts else ""))
    return " and ".join(parts)


def _gpus(need: Resources, count: int) -> str:
    memory = f" with {size(need.gpu_memory_bytes)}" if need.gpu_memory_bytes else ""
    if need.gpu_share is not None:
        return f"{100 * need.gpu_share:.0f} % of a GPU{memory}"
    if need.mig_profile is not None:
        return f"a {need.mig_profile} slice of a GPU{memory}"
    return plural(count, "GPU") + (" at once" if count > 1 else "") + memory + (" each" if memory and count > 1 else "")


def span(seconds: float) -> str:
    """A length of time in one unit: 3 min."""
    for length, unit in SPANS:
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def name(slot: Slot) -> str:
    """A slot as people call it: GPU 3, GPU 3 of node-2, CPU slots of node-2."""
    where = f" of {slot.node}" if slot.node else ""
    if slot.kind == "cpu":
        return f"this machine{where}" if not slot.node else slot.node
    noun = "GPU" if slot.kind == "gpu" else f"slice {slot.profile or ''} on GPU"
    return f"{noun} {slot.index if slot.index is not None else slot.slot_id}{where}"


def unusable(slot: Slot) -> str:
    """Why a slot is not given out."""
    return f"{name(slot)} {SAID[slot.state]}{f': {slot.why}' if slot.why else ''}"
