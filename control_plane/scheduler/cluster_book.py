"""What the scheduler sees of a cluster, written down for other processes; nobody waits for it."""

import logging
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from functools import partial

from control_plane.db.transaction import Tx
from control_plane.edge.house import House
from control_plane.scheduler.operations import views
from control_plane.scheduler.operations.views import View
from control_plane.scheduler.rules.board import Slot

logger = logging.getLogger(__name__)


class ClusterBook:
    """Keeps a row for each node, and none for machines that are no nodes."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._written: Mapping[str, Sequence[Slot]] | None = None
        self._lock = threading.Lock()

    def note(self, slots: Sequence[Slot]) -> None:
        """The slots are these now; from any thread."""
        nodes: dict[str, list[Slot]] = defaultdict(list)
        for slot in slots:
            nodes[slot.node].append(slot)
        with self._lock:
            before, self._written = self._written, nodes
        changed = {node: here for node, here in nodes.items() if before is None or before.get(node) != here}
        if changed or before is None or before.keys() - nodes.keys():
            self._house.writer.submit(partial(_write, nodes=nodes, changed=changed)).add_done_callback(self._done)

    def _done(self, written: "Future[None]") -> None:
        error = None if written.cancelled() else written.exception()
        if error is not None:
            logger.warning("the slots of the cluster could not be written down: %s", error)
            with self._lock:
                self._written = None


def _write(tx: Tx, nodes: Mapping[str, Sequence[Slot]], changed: Mapping[str, Sequence[Slot]]) -> None:
    views.forget_nodes(tx, [view.node for view in views.load(tx) if view.node not in nodes])
    for node, slots in changed.items():
        views.save(tx, View(node, slots))
