"""Vends the clients of a request: per operator for the deployment, per (experiment, operator) for an experiment.

Behind our own control plane every identity is exchanged for the operator's session, on first use, and kept in a bounded
cache. Before any other server the console has credentials of its own (`keyring.py`). The transports are shared either
way, and the experiment's git clone comes from here, too.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol, TypeVar

from store_client import (
    Bearer,
    ControlPlaneClient,
    Exchanged,
    ExchangedBearer,
    ExperimentPage,
    ExperimentSummary,
    LogEvent,
    NotFound,
    StoreClient,
    Transport,
    Unreachable,
    higher_role,
)
from web_ui.kept_lists import KeptLists, Person, Summaries, found_by, listed_by
from web_ui.offers import Offers, Posture
from web_ui.repos import Clone, Clones
from web_ui.session import CHANGES_WHO, SignedIn

K = TypeVar("K")
T = TypeVar("T")
LIMIT = 512
Seat = tuple[str, str, str | None]
"""Whose identity, and where: an operator, their session, and an experiment or the deployment."""


class Factory(Protocol):
    """What pages ask for, whatever server there is."""

    @property
    def offers(self) -> Offers: ...

    @property
    def posture(self) -> Posture:
        """Where the credentials of this console come from."""
        ...

    def deployment(self, who: SignedIn) -> ControlPlaneClient:
        """The operator's client of the deployment."""
        ...

    async def experiments(
        self, who: SignedIn, named: str | None = None, *, whole: int = 0, page: ExperimentPage | None = None
    ) -> tuple[ExperimentSummary, ...]:
        """The experiments there are, the first of very many; the one of that id or slug is among them.

        Where they are only listed, that one or the first so many are whole. Where they are paged, the first page is
        not asked for again by whoever has it.
        """
        ...

    async def beside(self, who: SignedIn) -> tuple[ExperimentSummary, ...]:
        """The same for the switcher alone, as they were a moment ago: nothing that is known to have changed since."""
        ...

    def store(self, who: SignedIn, experiment_id: str) -> StoreClient:
        """The operator's client of one experiment, as the operator's worker there."""
        ...

    def reader(self, who: SignedIn, experiment_id: str) -> StoreClient:
        """A client for lists of many experiments: looking there makes the operator nobody on another server."""
        ...

    async def worker_id(self, who: SignedIn, experiment_id: str) -> str:
        """The operator's worker identity in an experiment, made on first use."""
        ...

    def registry(self, who: SignedIn, experiment_id: str) -> StoreClient | None:
        """A client that may change an experiment's workers and groups; None where the operator may only look."""
        ...

    def clone(self, who: SignedIn, experiment_id: str) -> Clone | None:
        """The console's clone of an experiment's repository; None where none is known."""
        ...

    async def refreshed(self, who: SignedIn) -> SignedIn:
        """The same person as the server knows them now; Unauthorized when their session has ended."""
        ...

    async def inside(self, who: SignedIn, experiment_id: str) -> SignedIn:
        """The same person with their role in an experiment; NotFound where they are nobody."""
        ...

    def acted(self) -> None:
        """Something was done through this console: what was listed before may read otherwise."""
        ...

    def forget(self, who: SignedIn) -> None:
        """Drop a session's identities, at sign-out."""
        ...

    async def aclose(self) -> None: ...


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
    """Clients and clones of a console of our own control plane."""

    offers = Offers()
    posture: Posture = "B"

    def __init__(self, transports: tuple[Transport, Transport], own: Bearer, clones: Clones) -> None:
        self._transport, self._store_transport = transports
        self.console = ControlPlaneClient(self._transport, own)
        self._clones = clones
        self._bearers: Shelf[Seat, ExchangedBearer] = Shelf()
        self._lists = KeptLists()

    def deployment(self, who: SignedIn) -> ControlPlaneClient:
        return ControlPlaneClient(self._transport, self._bearer(who, None))

    async def experiments(
        self,
        who: SignedIn,
        named: str | None = None,
        *,
        whole: int = 0,  # noqa: ARG002 - all of them are
        page: ExperimentPage | None = None,
    ) -> tuple[ExperimentSummary, ...]:
        """A bounded choice of them; the one that is named is read now, wherever it stands, the others may be kept."""
        if named is None:
            return await self._with_chosen(who, await self._listed(who, page, is_new=True))
        client, person = self.deployment(who), (who.operator_id, who.session)
        return _first(*await asyncio.gather(self._named(client, person, named), self._listed(who)))

    async def beside(self, who: SignedIn) -> tuple[ExperimentSummary, ...]:
        return await self._with_chosen(who, await self._listed(who))

    async def _listed(self, who: SignedIn, page: ExperimentPage | None = None, *, is_new: bool = False) -> Summaries:
        client, person = self.deployment(who), (who.operator_id, who.session)
        return await self._lists.of(person, lambda: listed_by(client, who.recent, page), is_new=is_new)

    async def _with_chosen(self, who: SignedIn, items: Summaries) -> Summaries:
        """The same with the one that the session selected, which may stand anywhere."""
        if who.experiment_id is None or any(one.experiment_id == who.experiment_id for one in items):
            return items
        client, person = self.deployment(who), (who.operator_id, who.session)
        return _first(await self._named(client, person, who.experiment_id), items)

    async def _named(self, client: ControlPlaneClient, person: Person, named: str) -> tuple[ExperimentSummary, ...]:
        """The experiment of that id or slug as it is now, or while nobody answers as it was."""
        try:
            found = await found_by(client, named)
        except Unreachable:
            kept = self._lists.find(person, named)
            if kept is None:
                raise
            return (kept,)
        for one in found:
            self._lists.add(person, one)
        return found

    def store(self, who: SignedIn, experiment_id: str) -> StoreClient:
        return StoreClient(self._store_transport, self._bearer(who, experiment_id), experiment_id)

    def reader(self, who: SignedIn, experiment_id: str) -> StoreClient:
        return self.store(who, experiment_id)

    async def worker_id(self, who: SignedIn, experiment_id: str) -> str:
        return (await self._bearer(who, experiment_id).identity()).worker_id

    def registry(self, who: SignedIn, experiment_id: str) -> StoreClient | None:
        """The operator's own client, whose worker is among the experiment's admins."""
        return self.store(who, experiment_id) if who.role == "administrator" else None

    def clone(self, who: SignedIn, experiment_id: str) -> Clone | None:
        """The clone, fetched with the operator's credential."""
        return self._clones.of(experiment_id, self._bearer(who, experiment_id))

    async def refreshed(self, who: SignedIn) -> SignedIn:
        identity = await self._bearer(who, None).identity()
        roles = tuple((one, str(role)) for one, role in identity.experiments.items())
        return replace(who, name=identity.name, role=identity.role, in_deployment="", roles=roles)

    async def inside(self, who: SignedIn, experiment_id: str) -> SignedIn:
        identity = await self._bearer(who, None).identity()
        if identity.role == "worker":
            return who
        role = higher_role(identity.role, identity.experiments.get(experiment_id))
        if role == "member":
            raise NotFound(f"there is no experiment {experiment_id}")
        return who.inside(role)

    def acted(self) -> None:
        self._lists.outdate()

    def forget(self, who: SignedIn) -> None:
        for seat in [seat for seat in self._bearers if seat[1] == who.session]:
            del self._bearers[seat]
        self._lists.forget(who.operator_id, who.session)

    def forget_operator(self, operator_id: str) -> None:
        """Drop a person's identities in every session: what they are, or where they are signed in, has changed."""
        for seat in [seat for seat in self._bearers if seat[0] == operator_id]:
            del self._bearers[seat]
        self._lists.forget(operator_id)

    def heard(self, event: LogEvent) -> None:
        """Ask anew who somebody is whose account an event tells of, and for the lists that it may have changed."""
        self._lists.heard(event)
        if event.experiment_id is None and event.type in CHANGES_WHO:
            self.forget_operator(str(event.data.get("operator_id") or event.data.get("worker_id")))

    async def aclose(self) -> None:
        await self._transport.aclose()
        if self._store_transport is not self._transport:
            await self._store_transport.aclose()

    def _bearer(self, who: SignedIn, experiment_id: str | None) -> ExchangedBearer:
        async def exchange() -> Exchanged:
            return await self.console.exchange(experiment_id, who.session)

        return self._bearers.take((who.operator_id, who.session, experiment_id), lambda: ExchangedBearer(exchange))


def _first(found: Summaries, items: Summaries) -> Summaries:
    """What was found before the others."""
    ids = {one.experiment_id for one in found}
    return (*found, *(one for one in items if one.experiment_id not in ids))
