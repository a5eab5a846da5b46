"""Beside the scheduler: writes down what it sees of its GPUs, and reads what people have decided about them.

The scheduler's own round waits for none of this. A machine without GPUs costs one row at the start.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any

from control_plane.db.tables import DEPLOYMENT
from control_plane.db.transaction import Tx
from control_plane.edge.house import House
from control_plane.edge.rounds import Rounds
from control_plane.scheduler.gpus import Gpu
from control_plane.scheduler.inventory import Inventory, Sight
from control_plane.scheduler.operations import kept_back, samples, views
from control_plane.scheduler.operations.views import View
from control_plane.scheduler.rules.averages import Averages
from control_plane.scheduler.rules.board import Slot
from control_plane.scheduler.rules.standing import KeptBack, Key
from store_client.errors import SwitchyardError

HERE = ""
BEAT_SECONDS = 1.0
VIEW_SECONDS = 5.0
STOP_SECONDS = 2.0
Row = Mapping[str, Any]
_MINE: Row = MappingProxyType({"set_by": kept_back.SCHEDULER})


@dataclass
class Logbook:
    """The notebook of one inventory, kept in the database."""

    house: House
    _rounds: "_Rounds | None" = None

    def open(self, inventory: Inventory) -> None:
        """Tell the inventory what an earlier scheduler knew, then begin to write."""
        rows = self.house.read_now(views.kept_back)
        seen = self.house.read_now(views.load)
        known = next((view for view in seen if view.node == HERE), View(HERE, ()))
        others = [view.node for view in seen if view.node != HERE]
        if others:  # of a cluster that this deployment ran on before
            self.house.writer.write(partial(views.forget_nodes, nodes=others))
        sick = {uuid: row["reason"] for uuid, row in rows.items() if row["set_by"] == kept_back.SCHEDULER}
        inventory.remember(known.gpus, known.parts, sick)
        began = time.monotonic()
        inventory.settle(began, self.house.read_now(views.live))
        inventory.heed(_by_people(rows), ())
        self._rounds = _Rounds(self.house, inventory, rows)
        self.house.hub.listen(self._rounds.hear)
        self._rounds.start()

    def close(self) -> None:
        if self._rounds is not None:
            self.house.hub.forget(self._rounds.hear)
            self._rounds.stop(STOP_SECONDS)

    def take(self, gpus: Collection[Gpu], *, has_changed: bool) -> None:
        if self._rounds is not None:
            self._rounds.take(gpus, has_changed=has_changed)

    def has_ended(self, key: Key) -> bool:
        """Whether an attempt is one of this deployment that has ended; while the database does not say, it is."""
        try:
            return self.house.read_now(lambda tx: views.has_ended(tx, key))
        except SwitchyardError:
            return True


@dataclass
class _Written:
    """What the database has from us."""

    version: int = -1
    states: dict[str, Slot] = field(default_factory=dict)
    view_at: float = float("-inf")
    sample_at: float = field(default_factory=time.monotonic)


class _Rounds(Rounds):
    """Exchanges with the database what either side has that is new."""

    def __init__(self, house: House, inventory: Inventory, rows: Mapping[str, Row]) -> None:
        super().__init__("gpu-logbook", 0)
        self._house, self._inventory = house, inventory
        self._rows: dict[str, Row] = dict(rows)
        self._due = threading.Event()
        self._lock = threading.Lock()
        self._averages: defaultdict[str, Averages] = defaultdict(Averages)
        self._written = _Written()

    def hear(self, experiments: frozenset[str]) -> None:
        """Something was committed; what people decide about GPUs is told to the whole deployment."""
        if DEPLOYMENT in experiments:
            self._due.set()

    def take(self, gpus: Collection[Gpu], *, has_changed: bool) -> None:
        """Add a look to the samples; a change is written down soon."""
        with self._lock:
            for gpu in gpus:
                self._averages[gpu.uuid].add(gpu.utilisation_percent, gpu.memory_used_bytes,
                                             gpu.temperature_celsius, gpu.power_watts)  # fmt: skip
                for mig in gpu.mig_devices:
                    self._averages[mig.uuid].add(None, mig.memory_used_bytes, None, None)
        if has_changed:
            self._due.set()

    def stop(self, seconds: float | None = STOP_SECONDS) -> None:
        self.stopping.set()
        self._due.set()
        super().stop(seconds)

    def round(self) -> int:
        self._due.wait(BEAT_SECONDS if self._inventory.has_gpus else VIEW_SECONDS)
        self._due.clear()
        if self.stopping.is_set():
            return 0
        if self._inventory.has_gpus:
            self._hear_people()
        self._write(self._inventory.sight())
        return 1

    def _hear_people(self) -> None:
        began = time.monotonic()
        live, rows = self._house.read_now(lambda tx: (views.live(tx), views.kept_back(tx)))
        self._inventory.settle(began, live)
        self._inventory.heed(_by_people(rows), self._rows.keys() - rows.keys())
        self._rows = dict(rows)

    def _write(self, sight: Sight) -> None:
        now, written = time.monotonic(), self._written
        self._note_sickness(sight)
        is_new = sight.version != written.version
        states = {slot.slot_id: slot for slot in sight.slots if slot.kind != "cpu"}
        if is_new or (sight.gpus and now - written.view_at >= VIEW_SECONDS):
            changes = _changes(written.states, states) if written.version >= 0 else []
            view = View(HERE, sight.slots, sight.gpus, sight.parts)
            self._house.writer.write(partial(_save, view=view, has_new_slots=is_new, changes=changes))
            self._written = _Written(sight.version, states, now, written.sample_at)
        if sight.gpus and now - written.sample_at >= samples.SAMPLE_SECONDS:
            self._sample(now)

    def _note_sickness(self, sight: Sight) -> None:
        """Keep what the scheduler keeps back where a restart finds it, and people see it."""
        ours = {uuid for uuid, row in self._rows.items() if row["set_by"] == kept_back.SCHEDULER}
        news = {uuid: reason for uuid, reason in sight.sick.items() if uuid not in self._rows}
        well = ours - sight.sick.keys()
        if news or well:
            self._house.writer.write(partial(kept_back.note, news=news, well=well))
            mine = dict.fromkeys(news, _MINE)  # not read anew: what people did meanwhile is to be noticed next time
            self._rows = {uuid: row for uuid, row in self._rows.items() if uuid not in well} | mine

    def _sample(self, now: float) -> None:
        with self._lock:
            taken, self._averages = self._averages, defaultdict(Averages)
        self._written.sample_at = now
        self._house.writer.write(partial(samples.add, taken=taken))


def _save(tx: Tx, view: View, *, has_new_slots: bool, changes: list[Slot]) -> None:
    views.save(tx, view, has_new_slots=has_new_slots)
    for slot in changes:
        tx.tell("gpu.changed", slot_id=slot.slot_id, state=slot.state, why=slot.why)


def _changes(before: Mapping[str, Slot], after: Mapping[str, Slot]) -> list[Slot]:
    """Slots whose state is another; that one was looked at after an attempt is no news."""
    passing = {"usable", "draining"}
    return [
        slot
        for slot_id, slot in after.items()
        if slot_id not in before
        or (slot.state != before[slot_id].state and {slot.state, before[slot_id].state} != passing)
    ]


def _by_people(rows: Mapping[str, Row]) -> dict[str, KeptBack]:
    return {
        uuid: KeptBack(row["state"], row["reason"], row["set_by"])
        for uuid, row in rows.items()
        if row["set_by"] != kept_back.SCHEDULER
    }
