"""Workers and groups of one experiment, for its admins in the console."""

from store_client.resources.resource import Resource
from store_client.wire.calls import workers as calls
from store_client.wire.paces import PaceList
from store_client.wire.workers import (
    AddMember,
    Group,
    GroupList,
    RegisteredWorker,
    RegisterGroup,
    RegisterWorker,
    Worker,
    WorkerDetail,
    WorkerDetailList,
)


class ConsoleWorkers(Resource):
    """The same registry, open to the experiment's admins."""

    async def register_experiment_worker(
        self, name: str | None = None, labels: dict[str, str] | None = None
    ) -> RegisteredWorker:
        """A new worker with its secret, which is shown this once."""
        body = RegisterWorker(name=name, labels=labels)
        answer: RegisteredWorker = await self._send(calls.REGISTER_EXPERIMENT_WORKER, body)
        return answer

    async def read_experiment_worker(self, worker_id: str) -> Worker:
        answer: Worker = await self._send(calls.READ_EXPERIMENT_WORKER, worker_id=worker_id)
        return answer

    async def reissue_experiment_credential(self, worker_id: str) -> RegisteredWorker:
        """Replace a worker's secret; the old one stops working at once."""
        answer: RegisteredWorker = await self._send(calls.REISSUE_EXPERIMENT_CREDENTIAL, worker_id=worker_id)
        return answer

    async def register_experiment_group(self, name: str | None = None, members: tuple[str, ...] = ()) -> Group:
        answer: Group = await self._send(calls.REGISTER_EXPERIMENT_GROUP, RegisterGroup(name=name, members=members))
        return answer

    async def list_experiment_groups(self, name: str | None = None) -> GroupList:
        answer: GroupList = await self._send(calls.LIST_EXPERIMENT_GROUPS, query=calls.NameFilter(name=name))
        return answer

    async def read_experiment_group(self, group_id: str) -> Group:
        answer: Group = await self._send(calls.READ_EXPERIMENT_GROUP, group_id=group_id)
        return answer

    async def add_to_experiment_group(self, group_id: str, member_id: str) -> Group:
        body = AddMember(member_id=member_id)
        answer: Group | None = await self._send(calls.ADD_TO_EXPERIMENT_GROUP, body, group_id=group_id)
        return answer or await self.read_experiment_group(group_id)

    async def remove_from_experiment_group(self, group_id: str, member_id: str) -> Group:
        call = calls.REMOVE_FROM_EXPERIMENT_GROUP
        answer: Group | None = await self._send(call, group_id=group_id, member_id=member_id)
        return answer or await self.read_experiment_group(group_id)

    async def delete_experiment_group(self, group_id: str) -> None:
        await self._send(calls.DELETE_EXPERIMENT_GROUP, group_id=group_id)

    async def disable_experiment_worker(self, worker_id: str) -> WorkerDetail:
        """Take none of its credentials any more, from this moment on."""
        answer: WorkerDetail = await self._send(calls.DISABLE_EXPERIMENT_WORKER, worker_id=worker_id)
        return answer

    async def enable_experiment_worker(self, worker_id: str) -> WorkerDetail:
        """Take its token again."""
        answer: WorkerDetail = await self._send(calls.ENABLE_EXPERIMENT_WORKER, worker_id=worker_id)
        return answer

    async def list_worker_details(self, query: calls.WorkerQuery | None = None) -> WorkerDetailList:
        """Workers with when they were last seen, their groups and their open claims; without a query, all of them."""
        asked = query or calls.WorkerQuery()
        answer: WorkerDetailList = await self._send(calls.LIST_WORKER_DETAILS, query=asked)
        return answer

    async def read_worker_paces(self, worker_id: str) -> PaceList:
        """How many tasks of each kind a worker handed in, and how long they took it."""
        answer: PaceList = await self._send(calls.READ_WORKER_PACES, worker_id=worker_id)
        return answer
