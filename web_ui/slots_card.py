"""The slots of a deployment as the card beside a queue shows them."""

from collections.abc import Iterable
from dataclasses import dataclass

from store_client import Fleet, SlotInfo
from web_ui.filters import size
from web_ui.queue_places import SlotNames
from web_ui.visit import Visit

MOST_WHOLE = 8
"""So many GPUs are shown each with its readings."""


@dataclass(frozen=True)
class SlotRow:
    """One GPU, with what its driver reads."""

    name: str
    model: str
    status: str
    facts: str
    load: float | None
    memory: float | None
    job_number: int | None
    job_href: str | None


@dataclass(frozen=True)
class Slots:
    """The slots card: each GPU by itself, CPU slots as one figure."""

    gpus: tuple[SlotRow, ...]
    cpus_busy: int
    cpus_total: int
    cpu_jobs: tuple[tuple[int, str], ...]
    """The number and address of each job on a CPU slot."""

    @property
    def is_compact(self) -> bool:
        """Whether there are so many GPUs that each is a tile."""
        return len(self.gpus) > MOST_WHOLE


def slots(visit: Visit, fleet: Fleet) -> Slots:
    """The slots as their card shows them."""
    cpus, names = [slot for slot in fleet.slots if slot.kind == "cpu"], SlotNames.of(fleet).names
    held = {slot.job_number: slot.job_id for slot in cpus if slot.job_number is not None}
    gpus = (slot for slot in fleet.slots if slot.kind != "cpu")
    return Slots(
        gpus=tuple(_gpu(visit, names[slot.slot_id], slot) for slot in gpus),
        cpus_busy=sum(1 for slot in cpus if slot.job_id is not None),
        cpus_total=len(cpus),
        cpu_jobs=tuple((number, visit.url("job", job=job_id)) for number, job_id in sorted(held.items())),
    )


def _gpu(visit: Visit, name: str, slot: SlotInfo) -> SlotRow:
    status = "ours" if slot.job_id and not slot.is_lost else "free" if slot.state == "usable" else slot.state
    memory = None
    if slot.memory_total_bytes and slot.memory_used_bytes is not None:
        memory = slot.memory_used_bytes / slot.memory_total_bytes
    return SlotRow(
        name=name[0].upper() + name[1:],
        model=slot.name,
        status=status,
        facts=" · ".join(_readings(slot)),
        load=slot.utilisation_percent / 100 if slot.utilisation_percent is not None else None,
        memory=memory,
        job_number=slot.job_number,
        job_href=visit.url("job", job=slot.job_id) if slot.job_id else None,
    )


def _readings(slot: SlotInfo) -> Iterable[str]:
    if slot.why:
        yield slot.why
    if slot.utilisation_percent is not None:
        yield f"{slot.utilisation_percent} %"
    if slot.memory_used_bytes is not None and slot.memory_total_bytes:
        yield f"{size(slot.memory_used_bytes)} of {size(slot.memory_total_bytes)}"
    if slot.temperature_celsius is not None:
        yield f"{slot.temperature_celsius} °C"
    if slot.power_watts is not None:
        yield f"{slot.power_watts:.0f} W"
