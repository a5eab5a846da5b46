"""What the scheduler remembers of one GPU, or one slice, from look to look."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from control_plane.scheduler.gpus import Gpu, GpuProcess
from control_plane.scheduler.rules.board import SlotState
from control_plane.scheduler.rules.standing import (
    Held,
    KeptBack,
    Key,
    Seen,
    Standing,
    Usage,
    foreign,
    not_free,
    state_of,
    unaccounted,
    usage,
)
from control_plane.scheduler.sampler import Look

MIB = 1024 * 1024
SCHEDULER = "scheduler"
"""Who keeps back what it found sick itself, and gives it out again itself."""


@dataclass(frozen=True)
class Terms:
    """When a GPU is kept back, and for how long."""

    foreign_bytes: int = 256 * MIB
    """A GPU on which processes of others hold more than this is not given out."""
    reserved: tuple[str, ...] = ()
    """UUIDs, or numbers, of GPUs and slices that are never given out."""
    look_seconds: float = 2.0
    soon_seconds: float = 0.2
    """So long after one look does the next come while somebody waits for its outcome."""
    silent_seconds: float = 10.0
    """A driver that has not answered for so long has lost its GPUs."""
    drain_seconds: float = 30.0
    """So long may memory take to become free after an attempt ended."""
    healthy_seconds: float = 60.0
    """So long must a GPU have been well before it is given out again by itself."""

    def reserves(self, uuid: str, index: int | None) -> bool:
        return uuid in self.reserved or (index is not None and str(index) in self.reserved)


@dataclass(frozen=True)
class Reading:
    """One part as one look found it."""

    uuid: str
    index: int | None
    memory_used_bytes: int | None
    processes: tuple[GpuProcess, ...]
    lost: str | None


@dataclass
class Part:
    """The memory of one part; every time is monotonic."""

    occupants: dict[Key, float] = field(default_factory=dict)
    """The live attempts on it, and when each was noted."""
    left_at: float | None = None
    """When the last attempt left it; none once its memory was seen free again."""
    unfree_since: float | None = None
    quiet_bytes: int | None = None
    """Memory in use beyond that of processes while nothing of ours was on it."""
    sick: str | None = None
    """Why the scheduler itself keeps it back."""
    well_since: float | None = None
    is_clean: bool = False
    """Whether it was seen free since the last attempt was on it."""
    used: Usage = field(default_factory=Usage)
    state: SlotState = "usable"
    why: str | None = None
    is_kept_back: bool = False

    @property
    def is_awaited(self) -> bool:
        """Whether the next look decides something that jobs may wait for."""
        return self.left_at is not None and self.sick is None

    @property
    def processes(self) -> tuple[Held, ...]:
        return (*self.used.ours, *self.used.left, *self.used.foreign)

    @property
    def seen(self) -> Seen:
        """How it stands now."""
        return Seen(self.state, self.why, self.is_kept_back, self.processes, self.quiet_bytes)

    def occupy(self, key: Key, now: float) -> None:
        self.occupants.setdefault(key, now)
        self.is_clean = False

    def leave(self, key: Key, now: float) -> bool:
        """Whether an attempt was on it; what it held is to be seen free before anybody else gets it."""
        if self.occupants.pop(key, None) is None:
            return False
        self.vacate(now)
        return True

    def vacate(self, now: float) -> None:
        """Have the next look find it free before it is given out."""
        self.left_at, self.is_clean = now, False
        if self.state == "usable":
            self.state, self.why = "draining", "an attempt has just ended on it; its memory is about to be looked at"

    def readmit(self) -> None:
        """Forget what was wrong, on somebody's word."""
        self.sick = self.well_since = self.left_at = self.unfree_since = self.quiet_bytes = None

    def take(self, found: Reading, look: Look, terms: Terms, has_ended: Callable[[Key], bool]) -> None:
        """Learn from a look."""
        held = [_held(process, look) for process in found.processes]
        self.used = usage(held, self.occupants, has_ended)
        free_bytes = unaccounted(found.memory_used_bytes, held)
        unfree = self._unfree(look, free_bytes)
        self._note(look, terms, found.lost, unfree)
        if not self.occupants and self.left_at is None and unfree is None and found.lost is None:
            self.quiet_bytes = free_bytes

    def _unfree(self, look: Look, free_bytes: int | None) -> str | None:
        """What an attempt that ended still holds, as far as this look can say."""
        before = self.quiet_bytes if self.left_at is not None and not self.occupants else None
        unfree = not_free(self.used.left, free_bytes, before)
        if unfree is not None:
            self.unfree_since = self.unfree_since or self.left_at or look.began
        elif self.left_at is None or look.began > self.left_at:
            self.left_at = self.unfree_since = None
            self.is_clean = not self.occupants
        return unfree

    def _note(self, look: Look, terms: Terms, lost: str | None, unfree: str | None) -> None:
        """Keep a part back that fell ill, and give it out again once it was well for long enough."""
        if lost is not None:
            self.sick, self.well_since = f"it was lost ({lost})", None
        elif unfree is not None:
            self.well_since = None
            waited = look.ended - (self.unfree_since or look.ended)
            if self.sick is not None or waited > terms.drain_seconds:
                self.sick = f"not free {terms.drain_seconds:.0f} s after an attempt ended: {unfree}"
        elif self.sick is not None:
            self.well_since = self.well_since or look.ended
            if look.ended - self.well_since >= terms.healthy_seconds:
                self.sick = self.well_since = None

    def judge(self, found: Reading, kept: KeptBack | None, terms: Terms, silent: str | None) -> None:
        """Decide whether it is given out."""
        held, kept = self.processes, kept or self._sickness(terms)
        others = foreign(
            self.used.foreign,
            unaccounted(found.memory_used_bytes, ()) if not held else None,
            terms.foreign_bytes,
            is_ours_too=bool(self.occupants) or self.left_at is not None,
        )
        lost = silent or found.lost
        self.is_kept_back = kept is not None and lost is None
        self.state, self.why = state_of(
            Standing(
                lost=lost,
                kept_back=kept,
                leaving=self._leaving(),
                is_reserved=terms.reserves(found.uuid, found.index),
                foreign=others,
            )
        )

    def _sickness(self, terms: Terms) -> KeptBack | None:
        if self.sick is None:
            return None
        again = f"; it is given out again once it was well for {terms.healthy_seconds:.0f} s"
        return KeptBack("quarantined", self.sick + again, SCHEDULER)

    def _leaving(self) -> str | None:
        if self.left_at is None and self.unfree_since is None:
            return None
        unfree = not_free(self.used.left, None, None)
        return unfree or "an attempt has just ended on it; its memory is not free yet"


def parts_of(gpu: Gpu, lost: str | None) -> Iterator[Reading]:
    """A GPU and its slices, each as it was found."""
    yield Reading(gpu.uuid, gpu.index, gpu.memory_used_bytes, gpu.processes, lost)
    for mig in gpu.mig_devices:
        yield Reading(mig.uuid, None, mig.memory_used_bytes, mig.processes, lost)


def _held(process: GpuProcess, look: Look) -> Held:
    owner = look.owners.get(process.pid)
    if owner is None:
        return Held(process.pid, process.memory_bytes)
    return Held(process.pid, process.memory_bytes, owner.attempts, owner.user, owner.command)
