"""The slots of this deployment and who holds them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import RowMapping, select

from control_plane.db.transaction import Tx
from control_plane.scheduler.gpus import Gpu
from control_plane.scheduler.operations import listing
from control_plane.scheduler.rules.board import Slot
from control_plane.scheduler.tables import holds, jobs
from store_client.wire.jobs import Fleet, QueueSummary, SlotInfo


def holders(tx: Tx) -> dict[str, RowMapping]:
    """The job on each held slot."""
    query = select(holds.c.slot_id, jobs.c.job_id, jobs.c.number, jobs.c.experiment_id)
    query = query.join(jobs, jobs.c.job_id == holds.c.job_id)
    return {row["slot_id"]: row for row in tx.connection.execute(query).mappings()}


def read(tx: Tx, slots: Sequence[Slot], readings: Sequence[Gpu]) -> Fleet:
    """Every slot; the summary counts GPUs where there are any, else CPU slots."""
    held, by_uuid = holders(tx), {gpu.uuid: gpu for gpu in readings}
    described = tuple(_slot(slot, held.get(slot.slot_id), by_uuid.get(slot.slot_id)) for slot in slots)
    counted = [slot for slot in described if slot.kind == "gpu"] or list(described)
    states = listing.by_state(tx)
    summary = QueueSummary(
        slots_total=len(counted),
        slots_busy=sum(1 for slot in counted if slot.job_id is not None or slot.is_foreign),
        unit="GPUs" if any(slot.kind == "gpu" for slot in described) else "CPU slots",
        waiting=states.get("queued", 0),
        running=sum(states.get(state, 0) for state in ("starting", "running", "cancelling")),
    )
    return Fleet(summary=summary, slots=described)


def _slot(slot: Slot, holder: RowMapping | None, gpu: Gpu | None) -> SlotInfo:
    mine = _holder(holder) if holder is not None else {}
    seen = _readings(gpu, is_foreign=holder is None and not slot.is_usable) if gpu is not None else {}
    return SlotInfo(
        slot_id=slot.slot_id,
        kind="cpu" if slot.kind == "cpu" else "gpu",
        name=(gpu.name or slot.slot_id) if gpu is not None else f"CPU slot {slot.slot_id.removeprefix('cpu:')}",
        **mine,
        **seen,
    )


def _readings(gpu: Gpu, *, is_foreign: bool) -> dict[str, Any]:
    return {
        "memory_total_bytes": gpu.memory_total_bytes,
        "memory_used_bytes": gpu.memory_used_bytes,
        "utilisation_percent": gpu.utilisation_percent,
        "temperature_celsius": gpu.temperature_celsius,
        "power_watts": gpu.power_watts,
        "is_foreign": is_foreign and not gpu.is_lost,
        "is_lost": gpu.is_lost,
    }


def _holder(row: RowMapping) -> dict[str, Any]:
    return {"job_id": row["job_id"], "job_number": row["number"], "experiment_id": row["experiment_id"]}
