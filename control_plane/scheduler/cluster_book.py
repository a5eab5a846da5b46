"""What the scheduler sees of a cluster, written down for other processes; nobody waits for it."""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from typing import Any

from control_plane.db.transaction import Tx
from control_plane.edge.house import House
from control_plane.scheduler.gpus import Gpu
from control_plane.scheduler.operations import views
from control_plane.scheduler.operations.views import View
from control_plane.scheduler.rules.board import Slot
from control_plane.scheduler.rules.standing import Seen

logger = logging.getLogger(__name__)
SEAL_SECONDS = 3600.0
"""So often a node that does not change is written down again, so that it is known to be there."""


class ClusterBook:
    """Keeps a row for each node, and none for machines that are no nodes."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._written: Mapping[str, Sequence[Slot]] | None = None
        self._sealed_at = float("-inf")
        self._lock = threading.Lock()
        self._kept: Mapping[str, Mapping[str, Any]] = {}

    def heed(self) -> None:
        """Read what people keep back; called now and then, beside the scheduler's loop."""
        self._kept = dict(self._house.read_now(views.kept_back))

    def keep_back(self, slots: Sequence[Slot]) -> list[Slot]:
        """The slots, without those that people keep back."""
        return [self._kept_back(slot) for slot in slots]

    def _kept_back(self, slot: Slot) -> Slot:
        row = self._kept.get(slot.slot_id)
        return slot if row is None else replace(slot, state=row["state"], why=row["reason"])

    def note(self, slots: Sequence[Slot]) -> None:
        """The slots are these now; from any thread."""
        nodes: dict[str, list[Slot]] = defaultdict(list)
        for slot in slots:
            nodes[slot.node].append(slot)
        with self._lock:
            is_due = time.monotonic() - self._sealed_at > SEAL_SECONDS
            before, self._written = None if is_due else self._written, nodes
            self._sealed_at = time.monotonic() if is_due else self._sealed_at
        changed = {node: here for node, here in nodes.items() if before is None or before.get(node) != here}
        if changed or before is None or before.keys() - nodes.keys():
            work = partial(_write, nodes=nodes, changed=changed, kept=self._kept)
            self._house.writer.submit(work).add_done_callback(self._done)

    def _done(self, written: "Future[None]") -> None:
        error = None if written.cancelled() else written.exception()
        if error is not None:
            logger.warning("the slots of the cluster could not be written down: %s", error)
            with self._lock:
                self._written = None


def _write(
    tx: Tx, nodes: Mapping[str, Sequence[Slot]], changed: Mapping[str, Sequence[Slot]], kept: Collection[str]
) -> None:
    """A row for each node that has changed; of its GPUs nobody but Slurm can read more than that they are there."""
    views.forget_nodes(tx, [view.node for view in views.load(tx) if view.node not in nodes])
    for node, slots in changed.items():
        cards = [slot for slot in slots if slot.kind != "cpu"]
        gpus = [Gpu(slot.slot_id, number, slot.model) for number, slot in enumerate(cards)]
        parts = {slot.slot_id: Seen(slot.state, slot.why, is_kept_back=slot.slot_id in kept) for slot in cards}
        views.save(tx, View(node, slots, gpus, parts))
