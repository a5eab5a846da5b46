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
    StaticBearer,
    StoreClient,
    Transport,
)
from web_ui.repos import Clone, Clones
from web_ui.session import SignedIn

T = TypeVar("T")
LIMIT = 512


class Shelf(OrderedDict[str, T]):
    """A bounded cache: the least recently used goes first."""

    def take(self, key: str, make: Callable[[], T]) -> T:
        """What is kept under a key, made when there is nothing."""
        if key not in self:
            self[key] = make()
        self.move_to_end(key)
        while len(self) > LIMIT:
            self.popitem(last=False)
        return self[key]


class StoreFactory:
    """Clients and clones of one console."""

    def __init__(self, transports: tuple[Transport, Transport], credential: str, clones: Clones) -> None:
        self._transport, self._store_transport = transports
        principal, _, secret = credential.partition(":")
        self.console = ControlPlaneClient(self._transport, StaticBearer(principal, secret))
        self._clones = clones
        self._bearers: Shelf[ExchangedBearer] = Shelf()

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
        bearer: Bearer = self._bearer(who, experiment_id)
        return self._clones.of(experiment_id, bearer)

    def forget(self, who: SignedIn) -> None:
        """Drop an operator's identities, at sign-out."""
        for key in [key for key in self._bearers if key.startswith(who.session)]:
            del self._bearers[key]

    async def aclose(self) -> None:
        await self._transport.aclose()
        if self._store_transport is not self._transport:
            await self._store_transport.aclose()

    def _bearer(self, who: SignedIn, experiment_id: str | None) -> ExchangedBearer:
        async def exchange() -> Exchanged:
            return await self.console.exchange(experiment_id, who.session)

        return self._bearers.take(f"{who.session}\n{experiment_id or ''}", lambda: ExchangedBearer(exchange))
