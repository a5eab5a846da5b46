"""The leases of one orchestrator (protocol §11.7): it decides for an experiment only while it holds the lease on it.

A process takes a name that no other living process has, and holds leases as the worker of that name. So whatever that
worker holds when a process begins was left by one that is dead, and so is the lease of any orchestrator whose name is
free: neither has to be waited for. Leases of other workers are left alone until they expire.
"""

import logging
import time
import uuid
from collections.abc import Callable, Collection, Iterable
from itertools import count
from typing import Any

from control_plane.db import presence
from control_plane.db.presence import Presence
from control_plane.db.transaction import Tx
from control_plane.edge.house import House
from control_plane.orchestrator.ports import Held, Leases
from store_client.errors import LeaseExpired, LeaseNotHeld, SwitchyardError

logger = logging.getLogger(__name__)
NAME = "orchestrator"


class LeaseLost(Exception):
    """Somebody else may decide for the experiment now; nothing was written."""


class Keeper:
    """Acquires, renews, fences and releases; not for several threads at once."""

    def __init__(
        self, house: House, leases: Leases, lease_seconds: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._house, self._leases, self._lease_seconds, self._monotonic = house, leases, lease_seconds, monotonic
        self._presence: Presence | None = None
        self._holder: Any = None
        self._held: dict[str, Held] = {}
        self._until: dict[str, float] = {}
        self._renew_at = float("-inf")

    def keep(self) -> None:
        """Begin, or renew after a third of the leases' duration; what cannot be renewed in time is no longer held."""
        if self._presence is None:
            self._begin()
        elif self._monotonic() >= self._renew_at:
            self._renew()

    def holds(self, experiment_id: str) -> bool:
        """Whether the lease was acquired or renewed within its duration, by this process's own clock."""
        return self._monotonic() < self._until.get(experiment_id, float("-inf"))

    def claim(self, experiment_ids: Collection[str]) -> Collection[str]:
        """Acquire what is not held and nobody else holds; the experiments that are newly held."""
        wanted = [each for each in experiment_ids if not self.holds(each)]
        if not wanted or not self._house.read_now(lambda tx: self._leases.available(tx, wanted, self._is_dead(tx))):
            return ()
        began = self._monotonic()
        by = self._holder, self._lease_seconds
        taken = self._house.writer.write(lambda tx: self._leases.acquire_all(tx, wanted, by, self._is_dead(tx)))
        for held in taken:
            self._held[held.experiment_id] = held
            self._until[held.experiment_id] = began + self._lease_seconds
        return {held.experiment_id for held in taken}

    def fence(self, tx: Tx) -> None:
        """Refuse a write in an experiment whose lease is not this one, active, and the newest; in its transaction."""
        held = self._held.get(tx.experiment_id)
        if held is None:
            raise LeaseLost(f"no lease on {tx.experiment_id} is held")
        try:
            self._leases.verify(tx, held)
        except (LeaseNotHeld, LeaseExpired) as error:
            raise LeaseLost(str(error)) from error

    def drop(self, experiment_ids: Iterable[str]) -> None:
        """Hold these no longer, whatever the database says."""
        for experiment_id in list(experiment_ids):
            self._held.pop(experiment_id, None)
            self._until.pop(experiment_id, None)

    def release(self, experiment_ids: Collection[str]) -> None:
        """Let others have these at once; when that fails they have to wait until the leases expire."""
        released = [each for each in experiment_ids if each in self._held]
        self.drop(released)
        if released:
            try:
                self._house.writer.write(lambda tx: self._leases.release_all(tx, self._holder, released))
            except SwitchyardError as error:
                logger.warning("%d leases could not be released: %s", len(released), error)

    def close(self) -> None:
        """Release everything, and the name."""
        self.release(list(self._held))
        if self._presence is not None:
            self._presence.let_go()
            self._presence = None

    def _begin(self) -> None:
        """Take the first free name, with a new instance."""
        self.drop(self._held)
        name, taken = self._take_name()
        instance = str(uuid.uuid4())
        try:
            self._holder = self._house.writer.write(lambda tx: self._leases.begin(tx, name, instance))
        except SwitchyardError:
            taken.let_go()
            raise
        self._presence, self._renew_at = taken, self._monotonic() + self._lease_seconds / 3

    def _take_name(self) -> tuple[str, Presence]:
        for number in count(1):
            name = NAME if number == 1 else f"{NAME}-{number}"
            taken = presence.take(self._house.database, name)
            if taken is not None:
                return name, taken
        raise AssertionError("numbers do not end")

    def _renew(self) -> None:
        """Renew all at once; a name that was lost with its connection is taken anew."""
        assert self._presence is not None  # noqa: S101 - keep() looked
        if not self._presence.is_kept():
            logger.warning("the connection that showed that this orchestrator lives broke; it begins again")
            self._presence.let_go()
            self._presence = None
            self._begin()
            return
        began = self._monotonic()
        self._renew_at = began + self._lease_seconds / 3
        if not self._held:
            return
        try:
            kept = self._house.writer.write(lambda tx: self._leases.renew_all(tx, self._holder, self._lease_seconds))
        except SwitchyardError as error:
            logger.warning("%d leases could not be renewed: %s", len(self._held), error)
            self._renew_at = began
            return
        self.drop(set(self._held) - set(kept))
        self._until = dict.fromkeys(self._held, began + self._lease_seconds)

    def _is_dead(self, tx: Tx) -> Callable[[str], bool]:
        return lambda name: presence.is_free(self._house.database, tx.connection, name)
