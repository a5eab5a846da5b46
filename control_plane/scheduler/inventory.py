"""The slots of this machine: its GPUs and their slices as they were last seen, and its CPU slots.

Nothing here asks the driver but the sampler's own thread. What the scheduler asks with each round is answered from
memory, and with the newest look.
"""

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol

from control_plane.scheduler.gpus import Gpu, let_through
from control_plane.scheduler.known import Known
from control_plane.scheduler.parts import Part, Terms
from control_plane.scheduler.rules.board import GPU_UNITS, Slot
from control_plane.scheduler.rules.standing import KeptBack, Key, Seen
from control_plane.scheduler.sampler import Look, Sampler

IDLE_SECONDS = 10.0
"""How often a machine without GPUs is asked whether it has one now."""


@dataclass(frozen=True)
class Sight:
    """Everything there is to see at one moment; `version` changes whenever a slot does."""

    version: int
    slots: tuple[Slot, ...]
    gpus: tuple[Gpu, ...]
    parts: Mapping[str, Seen]
    """Every GPU and every slice."""
    sick: Mapping[str, str]
    """What the scheduler itself keeps back, and why."""


class Notebook(Protocol):
    """Where what is seen here is kept, for other processes and for the next scheduler."""

    def open(self, inventory: "Inventory") -> None: ...

    def close(self) -> None: ...

    def take(self, gpus: Collection[Gpu], *, has_changed: bool) -> None:
        """The GPUs were looked at; never waits."""
        ...

    def has_ended(self, key: Key) -> bool:
        """Whether an attempt is one of this deployment that has ended."""
        ...


@dataclass
class Inventory:
    """What can be given out; `visible` is a value of CUDA_VISIBLE_DEVICES, if there is one."""

    cpu_slots: int
    visible: str | None = None
    terms: Terms = field(default_factory=Terms)
    notebook: Notebook | None = None
    tell: Callable[[], None] = lambda: None
    """Called, from any thread, when a slot has changed."""
    memory_bytes: int | None = None
    """Of the machine; None: nobody counts it."""
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    _sampler: Sampler | None = None
    _known: Known = field(default_factory=Known)
    _parts: dict[str, Part] = field(default_factory=dict)
    _kept: Mapping[str, KeptBack] = field(default_factory=dict)
    _held: frozenset[str] = frozenset()
    _slots: tuple[Slot, ...] | None = None
    _version: int = 0
    _silence: str | None = "nobody has looked at it yet"
    """Why nothing is known of any GPU now."""
    _has_looked: bool = False
    _ended: dict[Key, bool] = field(default_factory=dict)
    """Attempts that were met, and whether each is one of this deployment that has ended."""

    @contextmanager
    def open(self) -> Iterator[None]:
        """Watch the GPUs meanwhile; the first look is waited for, unless the driver does not answer."""
        sampler = self._sampler = Sampler(self.visible, self._take)
        if self.notebook is not None:
            self.notebook.open(self)
        sampler.start()
        sampler.wait_for_first(self.terms.silent_seconds)
        try:
            yield
        finally:
            sampler.stop()
            self._sampler = None
            if self.notebook is not None:
                self.notebook.close()

    @property
    def has_gpus(self) -> bool:
        """Whether a GPU was ever seen here."""
        return bool(self._known)

    def capacity(self, held: Collection[str]) -> Sequence[Slot]:
        """Every slot; `held` are those that we gave out: one that is held no more is to be seen free first."""
        now = time.monotonic()
        with self._lock:
            if self._parts:
                self._notice(held, now)
            self._heed_silence()
            if self._slots is None:
                memory = None if self.memory_bytes is None else self.memory_bytes // self.cpu_slots
                cpus = (Slot(f"cpu:{index}", "cpu", memory) for index in range(self.cpu_slots))
                self._slots = (*self._cards(), *cpus)
            return self._slots

    def occupied(self, key: Key, slots: Collection[str]) -> None:
        """An attempt is about to be launched on these slots."""
        now = time.monotonic()
        with self._lock:
            self._ended[key] = False
            for slot_id in slots:
                if not slot_id.startswith("cpu:"):  # also of a GPU that is yet to be seen
                    self._parts.setdefault(slot_id, Part()).occupy(key, now)

    def left(self, key: Key) -> None:
        """Nothing of an attempt runs any more: what it held is looked at now, before it is given out again."""
        now = time.monotonic()
        with self._lock:
            self._ended[key] = True
            did_leave = [part.leave(key, now) for part in self._parts.values()]
            if not any(did_leave):
                return
            self._changed()
        self.look_soon()

    def look_soon(self) -> None:
        """Look at the GPUs now."""
        if self._sampler is not None:
            self._sampler.look_soon()

    def sight(self) -> Sight:
        """Everything as it stands, for whoever keeps it."""
        with self._lock:
            slots = tuple(self.capacity(self._held))
            sick = {uuid: part.sick for uuid, part in self._parts.items() if part.sick is not None}
            seen = {uuid: part.seen for uuid, part in self._parts.items()}
            return Sight(self._version, slots, self._known.in_order, seen, sick)

    def remember(self, gpus: Sequence[Gpu], parts: Mapping[str, Seen], sick: Mapping[str, str]) -> None:
        """What an earlier scheduler knew: a GPU that has vanished since is shown as lost."""
        with self._lock:
            kept = gpus if self.visible is None else let_through(self.visible, tuple(gpus))
            for gpu in kept:
                self._known.gpus[gpu.uuid] = gpu
                for uuid in (gpu.uuid, *(mig.uuid for mig in gpu.mig_devices)):
                    quiet = parts[uuid].quiet_bytes if uuid in parts else None
                    self._parts[uuid] = Part(sick=sick.get(uuid), quiet_bytes=quiet)

    def heed(self, kept: Mapping[str, KeptBack], readmitted: Collection[str]) -> None:
        """What people have decided about GPUs, and which of our own decisions they have undone."""
        with self._lock:
            for uuid in readmitted:
                if uuid in self._parts:
                    self._parts[uuid].readmit()
                self._known.forget_vanished(uuid)
            if kept == self._kept and not readmitted:
                return
            self._kept = kept
            self._judge()
        self.look_soon()

    def settle(self, began: float, live: Mapping[Key, Collection[str]]) -> None:
        """Who holds what by the database, as it was read from `began` on: whoever is gone from it has left."""
        with self._lock:
            noted = {key: since for part in self._parts.values() for key, since in part.occupants.items()}
            gone = [key for key, since in noted.items() if key not in live and since < began]
            for key, slots in live.items():
                if not self._ended.get(key, False):  # one that has left is about to be gone from the accounts, too
                    self.occupied(key, slots)
            self._ended = {key: has_ended for key, has_ended in self._ended.items() if key in live or key in noted}
        for key in gone:
            self.left(key)

    def _notice(self, held: Collection[str], now: float) -> None:
        """Mark what was given out and is free again by the accounts."""
        mine = frozenset(uuid for uuid in self._parts if uuid in held)
        given, freed, self._held = mine - self._held, self._held - mine, mine
        for uuid in given:
            self._parts[uuid].is_clean = False
        for uuid in freed & self._parts.keys():
            part = self._parts[uuid]
            if not part.is_clean and part.left_at is None:
                part.occupants.clear()
                part.vacate(now)
                self._changed()
                self.look_soon()

    def _heed_silence(self) -> None:
        seconds = 0.0 if self._sampler is None else self._sampler.silent_seconds()
        silence = None if self._has_looked else self._silence
        if seconds > self.terms.silent_seconds:
            silence = "the driver does not answer"
        if silence != self._silence:
            self._silence = silence
            self._judge()

    def _take(self, look: Look) -> float:
        """Learn from a look; answers how many seconds later the next is due."""
        self._get_to_know(look)
        with self._lock:
            self._has_looked, self._silence = True, None
            before = self._states()
            self._known.meet(look.gpus)
            self._keep_parts()
            was_silent = look.ended - look.began > self.terms.silent_seconds
            for found in self._known.readings():
                lost = "the driver did not answer" if was_silent else found.lost
                part = self._parts.setdefault(found.uuid, Part())
                part.take(replace(found, lost=lost), look, self.terms, self._has_ended)
            self._judge()
            has_changed = before != self._states()
            is_awaited = any(part.is_awaited for part in self._parts.values())
            gpus = self._known.in_order
        if has_changed:
            self.tell()
        if self.notebook is not None:
            self.notebook.take(gpus, has_changed=has_changed)
        return self.terms.soon_seconds if is_awaited else self.terms.look_seconds if self._known else IDLE_SECONDS

    def _keep_parts(self) -> None:
        """Forget slices that are no more, unless an attempt is on them."""
        there = {found.uuid for found in self._known.readings()}
        self._parts = {uuid: part for uuid, part in self._parts.items() if uuid in there or part.occupants}

    def _judge(self) -> None:
        for found in self._known.readings():
            part = self._parts.setdefault(found.uuid, Part())
            part.judge(found, self._kept.get(found.uuid), self.terms, self._silence)
        self._changed()

    def _changed(self) -> None:
        self._slots, self._version = None, self._version + 1

    def _states(self) -> dict[str, tuple[str, str | None]]:
        return {uuid: (part.state, part.why) for uuid, part in self._parts.items()}

    def _cards(self) -> Iterator[Slot]:
        """The slots on GPUs; a GPU that is cut into slices is given out by them alone."""
        for gpu in self._known.in_order:
            part = self._parts[gpu.uuid]
            if not gpu.is_mig:
                yield Slot(
                    gpu.uuid, "gpu", gpu.memory_total_bytes, part.state,
                    units=GPU_UNITS, index=gpu.index, why=part.why,
                )  # fmt: skip
            for mig in gpu.mig_devices if gpu.is_mig else ():
                cut = self._parts[mig.uuid]
                whole = part if part.state in {"lost", "quarantined", "draining", "reserved"} else cut
                yield Slot(
                    mig.uuid, "mig", mig.memory_total_bytes, whole.state,
                    index=gpu.index, profile=mig.profile, why=whole.why,
                )  # fmt: skip

    def _get_to_know(self, look: Look) -> None:
        """Ask about attempts that were never met, without the lock: the answer may take a while."""
        for key in {key for owner in look.owners.values() for key in owner.attempts}:
            if key not in self._ended:
                self._ended[key] = self.notebook is not None and self.notebook.has_ended(key)

    def _has_ended(self, key: Key) -> bool:
        return self._ended.get(key, False)
