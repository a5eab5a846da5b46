"""The slots of this machine: its GPUs as they are now, and its CPU slots."""

from dataclasses import dataclass

from control_plane.scheduler.gpus import Gpu, inventory
from control_plane.scheduler.rules.placement import Slot

FOREIGN_BYTES = 256 * 1024 * 1024
"""A GPU on which processes of others hold more than this is not given out."""


@dataclass
class Inventory:
    """What can be given out, read afresh at each look."""

    cpu_slots: int

    def look(self, held: set[str]) -> tuple[list[Slot], tuple[Gpu, ...]]:
        """Every slot of this machine, and the readings of its GPUs; `held` are the slots that we gave out."""
        readings = inventory()
        cards = [
            Slot(gpu.uuid, "gpu", gpu.memory_total_bytes, gpu.uuid in held or not self.is_taken(gpu))
            for gpu in readings
        ]
        return [*cards, *(Slot(f"cpu:{index}", "cpu") for index in range(self.cpu_slots))], readings

    @staticmethod
    def is_taken(gpu: Gpu) -> bool:
        """Whether a GPU that we did not give out is lost, or used by somebody else."""
        return gpu.is_lost or sum(process.memory_bytes or 0 for process in gpu.processes) > FOREIGN_BYTES
