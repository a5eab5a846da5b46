"""Workers and groups of the deployment."""

from store_client.resources.resource import Resource
from store_client.wire.calls import workers as calls
from store_client.wire.workers import (
    AddMember,
    Group,
    GroupList,
    RegisteredWorker,
    RegisterGroup,
    RegisterWorker,
    Whoami,
    Worker,
    WorkerDetail,
    WorkerDetailList,
    WorkerList,
)

(
    REGISTER_WORKER, LIST_WORKERS, READ_WORKER, REISSUE_CREDENTIAL, REGISTER_GROUP, LIST_GROUPS, READ_GROUP,
    ADD_TO_GROUP, REMOVE_FROM_GROUP, DELETE_GROUP,
) = calls.DEPLOYMENT_REGISTRY  # fmt: skip


class DeploymentWorkers(Resource):
    """The deployment's own registry; the administrator's."""

    async def register_deployment_worker(
        self, name: str | None = None, labels: dict[str, str] | None = None
    ) -> RegisteredWorker:
        """A new worker with its secret, which is shown this once."""
        body = RegisterWorker(name=name, labels=labels)
        answer: RegisteredWorker = await self._send(REGISTER_WORKER, body)
        return answer

    async def list_deployment_workers(self, name: str | None = None) -> WorkerList:
        answer: WorkerList = await self._send(LIST_WORKERS, query=calls.NameFilter(name=name))
        return answer

    async def read_deployment_worker(self, worker_id: str) -> Worker:
        answer: Worker = await self._send(READ_WORKER, worker_id=worker_id)
        return answer

    async def reissue_deployment_credential(self, worker_id: str) -> RegisteredWorker:
        """Replace a worker's secret; the old one stops working at once."""
        answer: RegisteredWorker = await self._send(REISSUE_CREDENTIAL, worker_id=worker_id)
        return answer

    async def list_deployment_worker_details(self, query: calls.WorkerQuery | None = None) -> WorkerDetailList:
        """The deployment's workers with when they were last seen and their groups; without a query, all of them."""
        asked = query or calls.WorkerQuery()
        answer: WorkerDetailList = await self._send(calls.LIST_DEPLOYMENT_WORKER_DETAILS, query=asked)
        return answer

    async def disable_deployment_worker(self, worker_id: str) -> WorkerDetail:
        """Take none of its credentials any more, nor those of its identities in experiments."""
        answer: WorkerDetail = await self._send(calls.DISABLE_DEPLOYMENT_WORKER, worker_id=worker_id)
        return answer

    async def enable_deployment_worker(self, worker_id: str) -> WorkerDetail:
        """Take its token again."""
        answer: WorkerDetail = await self._send(calls.ENABLE_DEPLOYMENT_WORKER, worker_id=worker_id)
        return answer

    async def register_deployment_group(self, name: str | None = None, members: tuple[str, ...] = ()) -> Group:
        answer: Group = await self._send(REGISTER_GROUP, RegisterGroup(name=name, members=members))
        return answer

    async def list_deployment_groups(self, name: str | None = None) -> GroupList:
        answer: GroupList = await self._send(LIST_GROUPS, query=calls.NameFilter(name=name))
        return answer

    async def read_deployment_group(self, group_id: str) -> Group:
        answer: Group = await self._send(READ_GROUP, group_id=group_id)
        return answer

    async def add_to_deployment_group(self, group_id: str, member_id: str) -> Group:
        body = AddMember(member_id=member_id)
        answer: Group | None = await self._send(ADD_TO_GROUP, body, group_id=group_id)
        return answer or await self.read_deployment_group(group_id)

    async def remove_from_deployment_group(self, group_id: str, member_id: str) -> Group:
        answer: Group | None = await self._send(REMOVE_FROM_GROUP, group_id=group_id, member_id=member_id)
        return answer or await self.read_deployment_group(group_id)

    async def delete_deployment_group(self, group_id: str) -> None:
        await self._send(DELETE_GROUP, group_id=group_id)

    async def deployment_whoami(self) -> Whoami:
        answer: Whoami = await self._send(calls.DEPLOYMENT_WHOAMI)
        return answer
