"""Workers and groups of one experiment, as the protocol has them."""

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
    WorkerList,
)


class Workers(Resource):
    """The registry of one experiment; the administrator writes it."""

    async def register_worker(self, name: str | None = None, labels: dict[str, str] | None = None) -> RegisteredWorker:
        """A new worker with its secret, which is shown this once."""
        body = RegisterWorker(name=name, labels=labels)
        answer: RegisteredWorker = await self._send(calls.REGISTER_WORKER, body)
        return answer

    async def list_workers(self, name: str | None = None) -> WorkerList:
        answer: WorkerList = await self._send(calls.LIST_WORKERS, query=calls.NameFilter(name=name))
        return answer

    async def read_worker(self, worker_id: str) -> Worker:
        answer: Worker = await self._send(calls.READ_WORKER, worker_id=worker_id)
        return answer

    async def reissue_credential(self, worker_id: str) -> RegisteredWorker:
        """Replace a worker's secret; the old one stops working at once."""
        answer: RegisteredWorker = await self._send(calls.REISSUE_CREDENTIAL, worker_id=worker_id)
        return answer

    async def register_group(self, name: str | None = None, members: tuple[str, ...] = ()) -> Group:
        answer: Group = await self._send(calls.REGISTER_GROUP, RegisterGroup(name=name, members=members))
        return answer

    async def list_groups(self, name: str | None = None) -> GroupList:
        answer: GroupList = await self._send(calls.LIST_GROUPS, query=calls.NameFilter(name=name))
        return answer

    async def read_group(self, group_id: str) -> Group:
        answer: Group = await self._send(calls.READ_GROUP, group_id=group_id)
        return answer

    async def add_to_group(self, group_id: str, member_id: str) -> Group:
        body = AddMember(member_id=member_id)
        answer: Group | None = await self._send(calls.ADD_TO_GROUP, body, group_id=group_id)
        return answer or await self.read_group(group_id)

    async def remove_from_group(self, group_id: str, member_id: str) -> Group:
        answer: Group | None = await self._send(calls.REMOVE_FROM_GROUP, group_id=group_id, member_id=member_id)
        return answer or await self.read_group(group_id)

    async def delete_group(self, group_id: str) -> None:
        await self._send(calls.DELETE_GROUP, group_id=group_id)

    async def whoami(self) -> Whoami:
        answer: Whoami = await self._send(calls.WHOAMI)
        return answer
