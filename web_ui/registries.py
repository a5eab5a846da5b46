"""Who is registered where: an experiment's workers and groups, and the deployment's, behind one set of names."""

from dataclasses import dataclass
from typing import Any, Protocol

from store_client import (
    ControlPlaneClient,
    ExperimentSummary,
    Forbidden,
    GroupDetail,
    GroupQuery,
    GroupSummaryList,
    RegisteredWorker,
    StoreClient,
    WorkerDetail,
    WorkerDetailList,
    WorkerQuery,
)
from web_ui.active import Here
from web_ui.filters import with_query
from web_ui.frame import deployment_frame, experiment_frame
from web_ui.templating import Frame
from web_ui.visit import Visit


class Registry(Protocol):
    """Workers and groups of one scope, as the person who looks may read and change them."""

    @property
    def visit(self) -> Visit: ...

    @property
    def scope(self) -> str:
        """What it is of, in a word: experiment or deployment."""
        ...

    @property
    def why_not(self) -> str:
        """Why this person only looks; empty for whoever may change it."""
        ...

    async def frame(self, title: str, current: str) -> Frame: ...

    def url(self, name: str, **path: str) -> str:
        """Where a page or an act of this registry is, by the name that it has in an experiment."""
        ...

    def href_of(self, worker_id: str) -> str:
        """The page about a worker."""
        ...

    async def workers(self, query: WorkerQuery) -> WorkerDetailList: ...
    async def groups(self, query: GroupQuery) -> GroupSummaryList: ...
    async def group(self, group_id: str) -> GroupDetail: ...
    async def register(self, name: str, labels: dict[str, str] | None) -> RegisteredWorker: ...
    async def reissue(self, worker_id: str) -> RegisteredWorker: ...
    async def disable(self, worker_id: str) -> WorkerDetail: ...
    async def enable(self, worker_id: str) -> WorkerDetail: ...
    async def make_group(self, name: str) -> str: ...
    async def add(self, group_id: str, member_id: str) -> None: ...
    async def remove(self, group_id: str, member_id: str) -> None: ...
    async def delete(self, group_id: str) -> None: ...


@dataclass(frozen=True)
class OfExperiment:
    """Those of an experiment."""

    here: Here
    scope: str = "experiment"

    @property
    def visit(self) -> Visit:
        return self.here.visit

    @property
    def why_not(self) -> str:
        return "" if self.here.registry is not None else why_not(self.here)

    async def frame(self, title: str, current: str) -> Frame:
        return experiment_frame(self.here, title, current, await self.visit.fleet())

    def url(self, name: str, **path: str) -> str:
        return self.here.url(name, **path)

    def href_of(self, worker_id: str) -> str:
        return self.here.url("worker", worker=worker_id)

    async def workers(self, query: WorkerQuery) -> WorkerDetailList:
        return await self.here.store.list_worker_details(query)

    async def groups(self, query: GroupQuery) -> GroupSummaryList:
        return await self.here.store.list_group_details(query)

    async def group(self, group_id: str) -> GroupDetail:
        return await self.here.store.read_group_detail(group_id)

    async def register(self, name: str, labels: dict[str, str] | None) -> RegisteredWorker:
        return await registry_of(self.here).register_experiment_worker(name=name, labels=labels)

    async def reissue(self, worker_id: str) -> RegisteredWorker:
        return await registry_of(self.here).reissue_experiment_credential(worker_id)

    async def disable(self, worker_id: str) -> WorkerDetail:
        return await registry_of(self.here).disable_experiment_worker(worker_id)

    async def enable(self, worker_id: str) -> WorkerDetail:
        return await registry_of(self.here).enable_experiment_worker(worker_id)

    async def make_group(self, name: str) -> str:
        return (await registry_of(self.here).register_experiment_group(name=name)).group_id

    async def add(self, group_id: str, member_id: str) -> None:
        await registry_of(self.here).add_to_experiment_group(group_id, member_id)

    async def remove(self, group_id: str, member_id: str) -> None:
        await registry_of(self.here).remove_from_experiment_group(group_id, member_id)

    async def delete(self, group_id: str) -> None:
        await registry_of(self.here).delete_experiment_group(group_id)


@dataclass(frozen=True)
class OfDeployment:
    """Those of the deployment, which its administrators alone see."""

    visit: Visit
    experiments: tuple[ExperimentSummary, ...]
    scope: str = "deployment"
    why_not: str = ""

    @property
    def client(self) -> ControlPlaneClient:
        return self.visit.client

    async def frame(self, title: str, current: str) -> Frame:
        return deployment_frame(self.visit, self.experiments, title, f"deployment_{current}", await self.visit.fleet())

    def url(self, name: str, **path: str) -> str:
        return self.visit.url(f"deployment_{name}", **path)

    def href_of(self, worker_id: str) -> str:
        return with_query(self.visit.url("all_events"), by=worker_id)

    async def workers(self, query: WorkerQuery) -> WorkerDetailList:
        return await self.client.list_deployment_worker_details(query)

    async def groups(self, query: GroupQuery) -> GroupSummaryList:
        return await self.client.list_deployment_group_details(query)

    async def group(self, group_id: str) -> GroupDetail:
        return await self.client.read_deployment_group_detail(group_id)

    async def register(self, name: str, labels: dict[str, str] | None) -> RegisteredWorker:
        return await self.client.register_worker_of_deployment(name=name, labels=labels)

    async def reissue(self, worker_id: str) -> RegisteredWorker:
        return await self.client.reissue_credential_of_deployment(worker_id)

    async def disable(self, worker_id: str) -> WorkerDetail:
        return await self.client.disable_deployment_worker(worker_id)

    async def enable(self, worker_id: str) -> WorkerDetail:
        return await self.client.enable_deployment_worker(worker_id)

    async def make_group(self, name: str) -> str:
        return (await self.client.register_group_of_deployment(name=name)).group_id

    async def add(self, group_id: str, member_id: str) -> None:
        await self.client.add_to_group_of_deployment(group_id, member_id)

    async def remove(self, group_id: str, member_id: str) -> None:
        await self.client.remove_from_group_of_deployment(group_id, member_id)

    async def delete(self, group_id: str) -> None:
        await self.client.delete_group_of_deployment(group_id)


async def of_deployment(visit: Visit) -> OfDeployment:
    """The deployment's registry; Forbidden for everybody but its administrators."""
    if not visit.manages_deployment:
        raise Forbidden("only an administrator of the deployment sees who is registered in it")
    return OfDeployment(visit, await visit.beside())


def registry_of(here: Here) -> StoreClient:
    """The experiment as somebody who may change its workers and groups; Forbidden when this person may not."""
    if here.registry is None:
        raise Forbidden(why_not(here))
    return here.registry


def why_not(here: Here) -> str:
    """Why this person only looks."""
    if here.visit.offers.is_ours:
        return "only administrators change who is in an experiment"
    return "this console holds no admin token of the server, which alone may change who is in an experiment"


def part_of(registry: Registry, name: str) -> str:
    """A parameter of the address."""
    parameters: dict[str, Any] = registry.visit.request.path_params
    return str(parameters[name])[:200]
