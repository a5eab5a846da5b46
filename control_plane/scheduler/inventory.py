"""The slots of this machine: its GPUs as they are now, and its CPU slots."""

import threading
import time
from collections.abc import Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from control_plane.scheduler.gpus import Gpu, driver_open, inventory
from control_plane.scheduler.rules.board import GPU_UNITS, Slot, SlotState

FOREIGN_BYTES = 256 * 1024 * 1024
"""A GPU on which processes of others hold more than this is not given out."""
FRESH_SECONDS = 0.2
"""So long do the readings of one look serve the next: a queue that moves fast asks many times a second."""


@dataclass
class Inventory:
    """What can be given out; `visible` is a value of CUDA_VISIBLE_DEVICES, if there is one."""

    cpu_slots: int
    visible: str | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _read_at: float = float("-inf")
    _readings: tuple[Gpu, ...] = ()

    def open(self) -> AbstractContextManager[bool]:
        """Keep the driver open meanwhile: it makes each look cheap."""
        return driver_open()

    def look(self, held: Collection[str]) -> tuple[list[Slot], tuple[Gpu, ...]]:
        """Every slot of this machine, and the readings of its GPUs; `held` are the slots that we gave out."""
        readings = self._read()
        cards = [
            Slot(gpu.uuid, "gpu", gpu.memory_total_bytes, self._state(gpu, held), units=GPU_UNITS, index=gpu.index)
            for gpu in readings
        ]
        return [*cards, *(Slot(f"cpu:{index}", "cpu") for index in range(self.cpu_slots))], readings

    def _read(self) -> tuple[Gpu, ...]:
        with self._lock:
            if time.monotonic() - self._read_at > FRESH_SECONDS:
                self._readings = inventory(self.visible)
                self._read_at = time.monotonic()
            return self._readings

    @staticmethod
    def _state(gpu: Gpu, held: Collection[str]) -> SlotState:
        """Whether a GPU that we did not give out is lost, or used by somebody else."""
        if gpu.uuid in held:
            return "usable"
        if gpu.is_lost:
            return "lost"
        is_foreign = sum(process.memory_bytes or 0 for process in gpu.processes) > FOREIGN_BYTES
        return "foreign" if is_foreign else "usable"
