"""What a command is told about itself, in its environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from control_plane.scheduler.engines.engine import Placed
from control_plane.scheduler.rules.board import GPU_UNITS
from store_client.wire.jobs import SubmitJob

TASKS = (".eden/task.json", ".eden/eval-task.json")
DEFAULT_SIGNAL = "SIGTERM"


@dataclass(frozen=True)
class Places:
    """Where an attempt says how it goes on, and where its job keeps checkpoints from one attempt to the next."""

    progress: Path
    checkpoints: Path

    @property
    def has_checkpoints(self) -> bool:
        return self.checkpoints.is_dir() and any(self.checkpoints.iterdir())


def variables(placed: Placed, spec: SubmitJob, places: Places, memory: Mapping[str, int | None]) -> dict[str, str]:
    """All of ours, beyond those of the workspace; `memory` is that of each GPU, as far as it is known."""
    gpus = [slot for slot in placed.slots if not slot.startswith("cpu:")]
    reserved = _reserved_bytes(placed, spec, memory)
    told = {
        "EDEN_WORKER_ID": str(placed.job["submitted_by"]),
        "EDEN_EXPERIMENT_ID": str(placed.job["experiment_id"]),
        "EDEN_TASK_JSON": next((name for name in TASKS if name in spec.files), None),
        "EDEN_OUTPUT": next((name for name in spec.collect if name.startswith(".eden/")), None),
        "OMP_NUM_THREADS": str(len(placed.slots) - len(gpus) or 1),
        "CUDA_VISIBLE_DEVICES": ",".join(gpus),
        "SWITCHYARD_JOB": str(placed.job["number"]),
        "SWITCHYARD_GPU_MEMORY_BYTES": str(reserved) if reserved else None,
        "SWITCHYARD_PROGRESS": str(places.progress),
        "SWITCHYARD_CHECKPOINT_DIR": str(places.checkpoints),
        "SWITCHYARD_RESUME": "1" if places.has_checkpoints else None,
        "SWITCHYARD_PREEMPT_SIGNAL": spec.preemption.signal if spec.preemption else DEFAULT_SIGNAL,
    }
    return {name: value for name, value in told.items() if value is not None}


def _reserved_bytes(placed: Placed, spec: SubmitJob, memory: Mapping[str, int | None]) -> int:
    """How much of each GPU is the attempt's; 0 where it has all of it and asked for no amount."""
    if spec.resources.gpu_share is None or spec.resources.gpu_memory_bytes:
        return spec.resources.gpu_memory_bytes
    parts = [(memory.get(grant.slot_id) or 0) * len(grant.units) // GPU_UNITS for grant in placed.grants]
    return max(parts, default=0)
