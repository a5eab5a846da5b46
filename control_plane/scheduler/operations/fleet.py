"""The slots of this deployment and who holds them."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import RowMapping, select

from control_plane.db.question import Question
from control_plane.db.transaction import Tx
from control_plane.scheduler.gpus import Gpu, MigDevice
from control_plane.scheduler.operations import listing
from control_plane.scheduler.operations.views import View
from control_plane.scheduler.rules.board import Slot
from control_plane.scheduler.tables import holds, jobs
from store_client.wire.jobs import Fleet, QueueSummary, SlotInfo

Part = Gpu | MigDevice
_HOLDERS = Question(
    select(holds.c.slot_id, jobs.c.job_id, jobs.c.number, jobs.c.experiment_id).join(
        jobs, jobs.c.job_id == holds.c.job_id
    )
)


def holders(tx: Tx) -> dict[str, RowMapping]:
    """A job on each held slot."""
    return {row["slot_id"]: row for row in _HOLDERS.all(tx.connection, {})}


def read(tx: Tx, seen: Sequence[View]) -> Fleet:
    """Every slot; the summary counts GPUs where there are any, else CPU slots."""
    held = holders(tx)
    described = tuple(_slot(part, slot, held.get(slot.slot_id)) for view in seen for part, slot in _parts(view))
    counted = [slot for slot in described if slot.kind != "cpu"] or list(described)
    states = listing.by_state(tx)
    summary = QueueSummary(
        slots_total=len(counted),
        slots_busy=sum(1 for slot in counted if slot.job_id is not None or slot.is_foreign),
        slots_free=sum(1 for slot in counted if slot.job_id is None and slot.state == "usable"),
        unit="GPUs" if any(slot.kind != "cpu" for slot in described) else "CPU slots",
        waiting=states.get("queued", 0),
        running=sum(states.get(state, 0) for state in ("starting", "running", "cancelling")),
    )
    return Fleet(summary=summary, slots=described)


def _parts(view: View) -> Iterator[tuple[Part | None, Slot]]:
    """Each slot of a machine with the GPU or slice that it is."""
    parts: dict[str, Part] = {gpu.uuid: gpu for gpu in view.gpus}
    parts |= {mig.uuid: mig for gpu in view.gpus for mig in gpu.mig_devices}
    return ((parts.get(slot.slot_id), slot) for slot in view.slots)


def _slot(part: Part | None, slot: Slot, holder: RowMapping | None) -> SlotInfo:
    return SlotInfo(
        slot_id=slot.slot_id,
        kind=slot.kind,
        name=(part.name or slot.slot_id) if part is not None else f"CPU slot {slot.slot_id.rpartition(':')[2]}",
        node=slot.node or None,
        state=slot.state,
        why=slot.why,
        is_foreign=slot.state == "foreign" and holder is None,
        is_lost=slot.state == "lost",
        **(_holder(holder) if holder is not None else {}),
        **(_readings(part) if part is not None else {}),
    )


def _readings(part: Part) -> dict[str, Any]:
    whole = part if isinstance(part, Gpu) else None
    return {
        "memory_total_bytes": part.memory_total_bytes,
        "memory_used_bytes": part.memory_used_bytes,
        "utilisation_percent": whole and whole.utilisation_percent,
        "temperature_celsius": whole and whole.temperature_celsius,
        "power_watts": whole and whole.power_watts,
    }


def _holder(row: RowMapping) -> dict[str, Any]:
    return {"job_id": row["job_id"], "job_number": row["number"], "experiment_id": row["experiment_id"]}
