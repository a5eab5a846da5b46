"""The GPUs that were ever seen here: one that is lost, or has vanished, stays with its last readings."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from control_plane.scheduler.gpus import Gpu
from control_plane.scheduler.parts import Reading, parts_of

VANISHED = "it has vanished from the machine"
BROKEN = "it has fallen off the bus or needs a reset"


@dataclass
class Known:
    """GPUs by UUID, and why each of the lost ones is."""

    gpus: dict[str, Gpu] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.gpus)

    @property
    def in_order(self) -> tuple[Gpu, ...]:
        return tuple(sorted(self.gpus.values(), key=lambda gpu: gpu.index))

    def meet(self, seen: Sequence[Gpu]) -> None:
        """Match what was seen with what is known."""
        named = {gpu.uuid for gpu in seen}
        nameless = {gpu.index: gpu.uuid for gpu in self.gpus.values() if gpu.uuid not in named}
        self.lost = dict.fromkeys(self.gpus, VANISHED)
        for gpu in seen:
            uuid = gpu.uuid
            if gpu.is_lost and uuid not in self.gpus:  # it may not even have said its name
                uuid = nameless.get(gpu.index, uuid)
            self.lost.pop(uuid, None)
            if gpu.is_lost:
                self.lost[uuid] = BROKEN
            self.gpus[uuid] = _with_last(gpu, self.gpus.get(uuid))
        self._forget_numbers()

    def forget_vanished(self, uuid: str) -> None:
        """Remove a GPU that is gone for good, on somebody's word."""
        if self.lost.get(uuid) == VANISHED:
            del self.gpus[uuid], self.lost[uuid]

    def readings(self) -> Iterator[Reading]:
        """Every GPU and every slice, each as it was last found."""
        return chain.from_iterable(parts_of(gpu, self.lost.get(gpu.uuid)) for gpu in self.gpus.values())

    def _forget_numbers(self) -> None:
        """A GPU that did not say its name was called by its number; drop that once it is known by its name."""
        by_name: Iterable[Gpu] = [gpu for uuid, gpu in self.gpus.items() if uuid not in self.lost]
        for gpu in by_name:
            if gpu.uuid != f"gpu:{gpu.index}":
                self.gpus.pop(f"gpu:{gpu.index}", None)
                self.lost.pop(f"gpu:{gpu.index}", None)


def _with_last(gpu: Gpu, last: Gpu | None) -> Gpu:
    """A lost GPU with the last readings of it; any other as it is."""
    return replace(last, is_lost=True) if gpu.is_lost and last is not None else gpu
