"""Vends the clients of a request: per operator for the deployment, per (experiment, operator) for an experiment.

Every identity is exchanged for the operator's session, on first use, and kept in a bounded cache; the transports are
shared by all of them. The experiment's git clone comes from here, too.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

from store_client import (
    Bearer,
    ControlPlaneClient,
    Exchanged,
    ExchangedBearer,
    StoreClient,
    Transport,
    Unauthorized,
)
from web_ui.repos import Clone, Clones
from web_ui.session import SignedIn

K = TypeVar("K")
T = TypeVar("T")
LIMIT = 512
Seat = tuple[str, str | None]
"""Whose identity, and where: a session, and an experiment or the deployment."""


class Shelf(OrderedDict[K, T]):
    """A bounded cache: the least recently used goes first."""

    def take(self, key: K, make: Callable[[], T]) -> T:
        """What is kept under a key, made when there is nothing."""
        if key not in self:
            self[key] = make()
        self.move_to_end(key)
        while len(self) > LIMIT:
            self.popitem(last=False)
        return self[key]


class StoreFactory:
    """Clients and clones of one console."""

    def __init__(self, transports: tuple[Transport, Transport], own: Bearer, clones: Clones) -> None:
        self._transport, self._store_transport = transports
        self.console = ControlPlaneClient(self._transport, own)
        self._clones = clones
        self._bearers: Shelf[Seat, ExchangedBearer] = Shelf()

    def deployment(self, who: SignedIn) -> ControlPlaneClient:
        """The operator's client of the deployment."""
        return ControlPlaneClient(self._transport, self._bearer(who, None))

    def store(self, who: SignedIn, experiment_id: str) -> StoreClient:
        """The operator's client of one experiment, as the operator's worker there."""
        return StoreClient(self._store_transport, self._bearer(who, experiment_id), experiment_id)

    async def worker_id(self, who: SignedIn, experiment_id: str) -> str:
        """The operator's worker identity in an experiment, made on first use."""
        return (await self._bearer(who, experiment_id).identity()).worker_id

    def clone(self, who: SignedIn, experiment_id: str) -> Clone:
        """The console's clone of an experiment's repository, fetched with the operator's credential."""
        return self._clones.of(experiment_id, self._bearer(who, experiment_id))

    def forget(self, who: SignedIn) -> None:
        """Drop a session's identities, at sign-out."""
        for seat in [seat for seat in self._bearers if seat[0] == who.session]:
            del self._bearers[seat]

    async def is_known(self) -> bool:
        """Whether the control plane knows this console; where it does not, nobody's session means anything."""
        try:
            await self.console.deployment_whoami()
        except Unauthorized:
            return False
        return True

    async def aclose(self) -> None:
        await self._transport.aclose()
        if self._store_transport is not self._transport:
            await self._store_transport.aclose()

    def _bearer(self, who: SignedIn, experiment_id: str | None) -> ExchangedBearer:
        async def exchange() -> Exchanged:
            return await self.console.exchange(experiment_id, who.session)

        return self._bearers.take((who.session, experiment_id), lambda: ExchangedBearer(exchange))
