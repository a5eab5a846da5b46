"""Automatic checkpoints (protocol §15): one after every interval, and one when the experiment has ended."""

import fcntl
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from control_plane.db.tables import experiments
from control_plane.db.transaction import Tx
from control_plane.edge.house import House
from control_plane.edge.rounds import Rounds
from control_plane.task_store.checkpoints.dump import Dump
from control_plane.task_store.checkpoints.ring import Ring
from store_client.errors import SwitchyardError
from store_client.wire.experiments import Status

logger = logging.getLogger(__name__)
LOOK_SECONDS = 5.0
STOP_SECONDS = 2.0
DEFAULTS: Mapping[str, Any] = {
    "enabled": False, "interval_seconds": 3600, "retention_count": 6, "on_terminate": True,
}  # fmt: skip


@dataclass(frozen=True)
class Wish:
    """What an experiment's config says about automatic checkpoints."""

    experiment_id: str
    slug: str
    is_final: bool
    interval_seconds: float
    retention_count: int
    on_terminate: bool


class Automatic(Rounds):
    """Writes what is due; of several processes on one data directory, only one does."""

    def __init__(self, house: House, dump: Dump, ring: Ring, clock: Callable[[], float] = time.time) -> None:
        super().__init__("checkpoints", LOOK_SECONDS)
        self._house, self._dump, self._ring, self._clock = house, dump, ring, clock

    def stop(self, seconds: float | None = STOP_SECONDS) -> None:
        """Begin nothing more; a checkpoint that is being written then ends with the process, and has no name yet."""
        super().stop(seconds)

    def round(self) -> int:
        """Write every checkpoint that is due; how many that were."""
        wishes = self._house.read_now(_wishes)
        with self._alone() as is_alone:
            return sum(self._see_to(wish) for wish in wishes) if wishes and is_alone else 0

    def _see_to(self, wish: Wish) -> bool:
        """Whether a checkpoint was written; a fault in one experiment does not stop the others."""
        now = self._clock()
        if self.stopping.is_set() or not self._is_due(wish, now):
            return False
        try:
            self._ring.keep(
                wish.experiment_id, partial(self._dump.write, wish.experiment_id), now, is_final=wish.is_final
            )
        except (SwitchyardError, SQLAlchemyError, OSError) as error:
            logger.warning("%s: its automatic checkpoint could not be written now: %s", wish.slug, error)
            return False
        self._ring.trim(wish.experiment_id, wish.retention_count)
        return True

    def _is_due(self, wish: Wish, now: float) -> bool:
        begun_at = self._ring.begun_at(wish.experiment_id, now)
        if wish.is_final:
            return wish.on_terminate and not self._ring.has_ended(wish.experiment_id)
        return now - begun_at >= wish.interval_seconds

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        """Whether no other process is at it."""
        self._ring.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._ring.root / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True


def _wishes(tx: Tx) -> list[Wish]:
    """The experiments that want automatic checkpoints."""
    query = select(experiments.c.experiment_id, experiments.c.slug, experiments.c.status, experiments.c.config)
    found = tx.connection.execute(query.where(experiments.c.status != Status.DRAFT.value))
    wanted = ((row, {**DEFAULTS, **(row.config.get("auto_checkpoint") or {})}) for row in found)
    return [_wish(row, config) for row, config in wanted if config["enabled"]]


def _wish(row: Any, config: Mapping[str, Any]) -> Wish:
    return Wish(
        row.experiment_id,
        row.slug,
        Status(row.status).is_final,
        float(config["interval_seconds"]),
        int(config["retention_count"]),
        bool(config["on_terminate"]),
    )
