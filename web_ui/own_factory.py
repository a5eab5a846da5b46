"""Clients of a console that holds its operator's credentials itself: nothing of the server is needed but the protocol.

`StaticStoreFactory` is for one experiment: no control plane, nothing exchanged, nothing listed. `KeyringStoreFactory`
is for several: those that the server's control plane registers, or those that there are credentials for.
"""
# ruff: noqa: ARG002 - there is one operator, so it makes no difference who asks

import asyncio
import re
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from store_client import (
    AutomationMode,
    Bearer,
    ControlPlaneClient,
    Counts,
    ExperimentPage,
    ExperimentSummary,
    NotFound,
    NotOffered,
    Objective,
    Refused,
    Status,
    StoreClient,
    SwitchyardError,
    Transport,
    Unauthorized,
    Unreachable,
)
from web_ui.configs import Configs
from web_ui.keyring import AdminRefused, Keyring
from web_ui.missing import CannotShow, NoSuchExperiment, Unseeded
from web_ui.offers import Offers, Posture
from web_ui.repos import Clone, Clones
from web_ui.scores import UNTOLD
from web_ui.session import SignedIn

AT_ONCE = 4
NO_LIST = "this server does not list its experiments; start the console with --experiment-id"
NOT_LETTERS = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class Entry:
    """An experiment as a list tells of it."""

    experiment_id: str
    name: str
    status: Status
    created_at: str

    @property
    def slug(self) -> str:
        """What stands for it in addresses: names may repeat, so the end of its id tells them apart."""
        return f"{NOT_LETTERS.sub('-', self.name.lower()).strip('-')[:60] or 'experiment'}-{self.experiment_id[-4:]}"

    @property
    def summary(self) -> ExperimentSummary:
        """All that is known of an experiment that was only listed."""
        return ExperimentSummary(
            experiment_id=self.experiment_id,
            slug=self.slug,
            name=self.name,
            status=self.status,
            objective=Objective(expr=UNTOLD, direction="maximize"),
            counts=Counts(),
            automation=AutomationMode(),
            created_at=self.created_at,
            updated_at=self.created_at,
        )


@dataclass(frozen=True)
class Means:
    """What a console was told or given: credentials, the admin token, where repositories are."""

    keyring: Keyring
    admin: Bearer | None = None
    clones: Clones | None = None
    configs: Configs = field(default_factory=Configs)


class StaticStoreFactory:
    """One experiment, one operator, one credential."""

    def __init__(self, transport: Transport, means: Means) -> None:
        self._transport, self._means, self._keyring = transport, means, means.keyring
        self.offers = Offers(is_ours=False, has_repository=means.clones is not None)

    @property
    def posture(self) -> Posture:
        return "A"

    def known(self) -> Collection[str]:
        """The experiments that pages have shown."""
        return (str(self._keyring.experiment_id),)

    def deployment(self, who: SignedIn) -> ControlPlaneClient:
        raise NotOffered("this console is signed in to experiments alone, and not to a deployment")

    async def experiments(
        self, who: SignedIn, named: str | None = None, *, whole: int = 0, page: ExperimentPage | None = None
    ) -> tuple[ExperimentSummary, ...]:
        """The one experiment, whole."""
        try:
            return (await self.whole(str(self._keyring.experiment_id)),)
        except NotFound as error:
            raise NoSuchExperiment(str(self._keyring.experiment_id)) from error

    async def beside(self, who: SignedIn) -> tuple[ExperimentSummary, ...]:
        return await self.experiments(who)

    async def whole(self, experiment_id: str) -> ExperimentSummary:
        """An experiment with its counts and its best."""
        await self._means.configs.check(experiment_id)
        found = await self.as_reader(experiment_id).read_experiment_detail()
        return found.having(slug=Entry(experiment_id, found.name, found.status, found.created_at).slug)

    def store(self, who: SignedIn, experiment_id: str) -> StoreClient:
        return self.as_operator(experiment_id)

    def reader(self, who: SignedIn, experiment_id: str) -> StoreClient:
        return self.as_reader(experiment_id)

    async def worker_id(self, who: SignedIn, experiment_id: str) -> str:
        return (await self._keyring.of(experiment_id).current()).partition(":")[0]

    def registry(self, who: SignedIn, experiment_id: str) -> StoreClient | None:
        """The server's administrator, where the console was given the admin token."""
        admin = self._means.admin
        return StoreClient(self._transport, admin, experiment_id) if admin is not None else None

    def clone(self, who: SignedIn, experiment_id: str) -> Clone | None:
        """The clone of the repository that the console was told of; no credential of the server goes there."""
        return self._means.clones.of(experiment_id) if self._means.clones is not None else None

    async def refreshed(self, who: SignedIn) -> SignedIn:
        return who

    async def inside(self, who: SignedIn, experiment_id: str) -> SignedIn:
        return who

    def acted(self) -> None:
        """Nothing is kept that an act could change."""

    def forget(self, who: SignedIn) -> None:
        """The credentials are the console's, and outlast its operator's sessions."""

    async def aclose(self) -> None:
        await self._transport.aclose()

    def as_reader(self, experiment_id: str) -> StoreClient:
        """As the operator, or where the operator never was as the administrator: looking registers nobody."""
        admin = self._means.admin
        if admin is None or self._keyring.has(experiment_id):
            return self.as_operator(experiment_id)
        return StoreClient(self._transport, admin, experiment_id)

    def as_operator(self, experiment_id: str) -> StoreClient:
        return StoreClient(self._transport, self._keyring.of(experiment_id), experiment_id)


class KeyringStoreFactory(StaticStoreFactory):
    """Several experiments, one operator, a credential for each."""

    def __init__(self, transports: tuple[Transport, Transport], means: Means) -> None:
        super().__init__(transports[1], means)
        self._control = transports[0]
        self._known: dict[str, ExperimentSummary] = {}
        self._listed: list[Entry] = []
        self._refused: dict[str, Refused | CannotShow] = {}

    @property
    def posture(self) -> Posture:
        return "B" if self._means.admin is not None else "C" if self._keyring.held() else "D"

    def known(self) -> Collection[str]:
        return self._known

    async def aclose(self) -> None:
        await super().aclose()
        await self._control.aclose()

    async def experiments(
        self, who: SignedIn, named: str | None = None, *, whole: int = 0, page: ExperimentPage | None = None
    ) -> tuple[ExperimentSummary, ...]:
        """Every experiment as it is listed; the named one is read whole, and of a list the first `whole`."""
        entries = await self._entries(named)
        meant = next((one for one in entries if named in {one.experiment_id, one.slug}), None)
        if meant is not None:
            self._known[meant.experiment_id] = await self._whole(meant)
        elif named is None:
            await self._read([one.experiment_id for one in entries[:whole]])
        elif (refused := _of(self._refused, named)) is not None:
            raise self._refused[refused]
        return tuple(self._summary(one) for one in entries)

    def _summary(self, entry: Entry) -> ExperimentSummary:
        """As it was when it was last read whole; its end is told by the list, too."""
        known = self._known.get(entry.experiment_id, entry.summary)
        status = entry.status if entry.status.is_final else known.status
        return known.having(slug=entry.slug, name=entry.name, status=status)

    async def _whole(self, entry: Entry) -> ExperimentSummary:
        try:
            return await self.whole(entry.experiment_id)
        except NotFound as error:
            raise Unseeded(entry.name, entry.experiment_id) from error

    async def _read(self, experiment_ids: Collection[str]) -> None:
        """Read some experiments whole; each that cannot be read stays as it was known."""
        turns = asyncio.Semaphore(AT_ONCE)

        async def read(experiment_id: str) -> None:
            async with turns:
                with suppress(SwitchyardError, CannotShow):
                    self._known[experiment_id] = await self.whole(experiment_id)

        await asyncio.gather(*map(read, experiment_ids))

    async def _entries(self, named: str | None) -> list[Entry]:
        """What the control plane lists, as far as there are credentials; else what there are credentials for."""
        held = self._keyring.held()
        if self._means.admin is None:
            return await self._entries_of(held)
        try:
            self._listed = await self._registered(self._means.admin)
        except AdminRefused:
            if named is None or _of(held, named) is None:
                raise
            return await self._entries_of(held)
        except Unreachable:
            if self._control is self._transport or not (self._listed or held):
                raise
            return self._listed or await self._entries_of(held)
        return self._listed

    async def _registered(self, admin: Bearer) -> list[Entry]:
        """What the control plane lists, the newest first."""
        try:
            registry = await ControlPlaneClient(self._control, admin).list_registry()
        except NotFound as error:
            raise NotOffered(NO_LIST) from error
        except Unauthorized as error:
            raise AdminRefused(error.detail) from error
        entries = (
            Entry(one.experiment_id, one.name or one.experiment_id, _status(one.last_known_state), one.created_at)
            for one in registry.experiments
        )
        return sorted(entries, key=lambda one: one.created_at, reverse=True)

    async def _entries_of(self, held: Mapping[str, str]) -> list[Entry]:
        for experiment_id in held.keys() - self._known.keys():
            try:
                self._known[experiment_id] = await self.whole(experiment_id)
                self._refused.pop(experiment_id, None)
            except (Refused, CannotShow) as error:
                self._refused[experiment_id] = error  # it must not take the others' pages down, only its own
        known = (one for id_, one in self._known.items() if id_ in held)
        entries = (Entry(one.experiment_id, one.name, one.status, one.created_at) for one in known)
        return sorted(entries, key=lambda one: one.created_at, reverse=True)


def _of(experiment_ids: Iterable[str], named: str) -> str | None:
    """The experiment with this id, or whose slug this is: a slug ends like the id."""
    return next((one for one in experiment_ids if named == one or named.endswith(f"-{one[-4:]}")), None)


def _status(state: str) -> Status:
    return Status.RUNNING if state == "running" else Status.COMPLETED
