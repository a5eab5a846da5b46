"""What a job needs of a machine, in the terms of slots and their units."""

import math
from dataclasses import dataclass
from typing import NamedTuple

from control_plane.scheduler.rules.board import Slot, SlotKind
from store_client.wire.jobs import Resources

ROUNDING = 1e-9
"""A third of a GPU is four units, whatever its digits."""
SLICES = 7
"""A GPU is in so many slices at most; the number in a profile, 1g.10gb, counts them."""


class Kind(NamedTuple):
    """What slots have in common that the same needs treat alike."""

    kind: SlotKind
    memory_bytes: int | None
    profile: str | None
    units: int

    @classmethod
    def of(cls, slot: Slot) -> "Kind":
        return cls(slot.kind, slot.memory_bytes, slot.profile, slot.units)

    @property
    def part(self) -> float:
        """How much of a GPU one of these is."""
        if self.kind == "mig":
            return _slices(self.profile) / SLICES
        return 1.0 if self.kind == "gpu" else 0.0


def _slices(profile: str | None) -> int:
    number = (profile or "").partition("g")[0]
    return int(number) if number.isdecimal() else 1


@dataclass(frozen=True)
class Need:
    """The resources of a job, once for all jobs that ask for the same."""

    gpus: int
    gpus_where_present: int
    gpu_memory_bytes: int
    share: float | None
    profile: str | None
    only: frozenset[str]
    cpus: int
    memory_bytes: int

    @classmethod
    def of(cls, asked: Resources) -> "Need":
        return cls(
            asked.gpus, asked.gpus_where_present, asked.gpu_memory_bytes, asked.gpu_share, asked.mig_profile,
            frozenset(asked.only_gpus), asked.cpus, asked.memory_bytes,
        )  # fmt: skip

    @property
    def most_gpus(self) -> int:
        return max(self.gpus, self.gpus_where_present)

    def allows(self, slot: Slot) -> bool:
        """Whether this very slot may be the one, by its UUID, its number or what its cluster calls it."""
        if not self.only:
            return True
        number = None if slot.index is None else str(slot.index)
        return slot.slot_id in self.only or slot.model in self.only or number in self.only

    def units_on(self, kind: Kind) -> int | None:
        """So many units of a slot of this kind are one of what is asked for; None: it will not do."""
        if kind.kind != ("gpu" if self.profile is None else "mig"):
            return None
        memory = kind.memory_bytes
        if memory is not None and memory < self.gpu_memory_bytes:
            return None
        if self.profile is not None:
            return kind.units if self._takes_slice(kind) else None
        return kind.units if self.share is None else self._units_of_share(kind)

    def is_exact(self, kind: Kind) -> bool:
        return self.profile == kind.profile

    def _takes_slice(self, kind: Kind) -> bool:
        """The slice that it names, or another whose memory is known to suffice."""
        return self.is_exact(kind) or (self.gpu_memory_bytes > 0 and kind.memory_bytes is not None)

    def _units_of_share(self, kind: Kind) -> int | None:
        """Units that are both so great a part of the GPU and of its memory; all, where that is not known.

        A GPU of one unit is given out whole, and does not do.
        """
        assert self.share is not None  # noqa: S101 - only shares are counted here
        if kind.units == 1:
            return None
        reserved = 0.0
        if self.gpu_memory_bytes:
            reserved = self.gpu_memory_bytes / kind.memory_bytes if kind.memory_bytes else 1.0
        return max(1, math.ceil(max(self.share, reserved) * kind.units - ROUNDING))
