"""GPUs as tiles, where there are very many of them."""

from collections.abc import Iterator
from dataclasses import dataclass

from store_client import GpuInfo
from web_ui.gpu_cards import facts_of, memory_of, meters_of, status


@dataclass(frozen=True)
class GpuTile:
    """One GPU among very many."""

    uuid: str
    name: str
    href: str
    status: str
    jobs: str
    load: float | None
    memory: float | None
    facts: str
    is_opened: bool


def tile(gpu: GpuInfo, href: str, opened: str) -> GpuTile:
    """A GPU as its tile."""
    memory, holders = memory_of(gpu), [*gpu.holders, *(holder for cut in gpu.slices for holder in cut.holders)]
    numbers = list(dict.fromkeys(holder.job_number for holder in holders))
    return GpuTile(
        uuid=gpu.uuid,
        name=f"{gpu.node} {gpu.index}" if gpu.node else f"GPU {gpu.index}",
        href=href,
        status="ours" if holders and status(gpu) == "in_slices" else status(gpu),
        jobs=", ".join(map(str, numbers[:3])) + (f" and {len(numbers) - 3} more" if len(numbers) > 3 else ""),
        load=None if gpu.utilisation_percent is None else gpu.utilisation_percent / 100,
        memory=memory.part if memory is not None else None,
        facts=" · ".join([*(f"{meter.label} {meter.words}" for meter in meters_of(gpu)), *_readings(gpu)]),
        is_opened=gpu.uuid == opened,
    )


def _readings(gpu: GpuInfo) -> Iterator[str]:
    return (words for label, words in facts_of(gpu) if label != "Driver")
