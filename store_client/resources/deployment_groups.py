"""The deployment's registry of workers and groups, for its administrators in the console."""

from store_client.resources.resource import Resource
from store_client.wire.calls import groups as calls
from store_client.wire.groups import GroupDetail, GroupSummaryList
from store_client.wire.workers import AddMember, Group, RegisteredWorker, RegisterGroup, RegisterWorker


class DeploymentGroups(Resource):
    """What the protocol keeps for the admin bearer, open to the deployment's admins."""

    async def list_deployment_group_details(self, query: calls.GroupQuery | None = None) -> GroupSummaryList:
        """Groups with how many are in them; without a query, all of them."""
        asked = query or calls.GroupQuery()
        answer: GroupSummaryList = await self._send(calls.LIST_DEPLOYMENT_GROUP_DETAILS, query=asked)
        return answer

    async def read_deployment_group_detail(self, group_id: str) -> GroupDetail:
        """A group with everybody in it, and by which way."""
        answer: GroupDetail = await self._send(calls.READ_DEPLOYMENT_GROUP_DETAIL, group_id=group_id)
        return answer

    async def register_worker_of_deployment(
        self, name: str | None = None, labels: dict[str, str] | None = None
    ) -> RegisteredWorker:
        """A new worker with its secret, which is shown this once."""
        body = RegisterWorker(name=name, labels=labels)
        answer: RegisteredWorker = await self._send(calls.REGISTER_WORKER_OF_DEPLOYMENT, body)
        return answer

    async def reissue_credential_of_deployment(self, worker_id: str) -> RegisteredWorker:
        """Replace a worker's secret; the old one stops working at once."""
        answer: RegisteredWorker = await self._send(calls.REISSUE_CREDENTIAL_OF_DEPLOYMENT, worker_id=worker_id)
        return answer

    async def register_group_of_deployment(self, name: str | None = None, members: tuple[str, ...] = ()) -> Group:
        body = RegisterGroup(name=name, members=members)
        answer: Group = await self._send(calls.REGISTER_GROUP_OF_DEPLOYMENT, body)
        return answer

    async def read_group_of_deployment(self, group_id: str) -> Group:
        answer: Group = await self._send(calls.READ_GROUP_OF_DEPLOYMENT, group_id=group_id)
        return answer

    async def add_to_group_of_deployment(self, group_id: str, member_id: str) -> Group:
        call = calls.ADD_TO_GROUP_OF_DEPLOYMENT
        answer: Group | None = await self._send(call, AddMember(member_id=member_id), group_id=group_id)
        return answer or await self.read_group_of_deployment(group_id)

    async def remove_from_group_of_deployment(self, group_id: str, member_id: str) -> Group:
        call = calls.REMOVE_FROM_GROUP_OF_DEPLOYMENT
        answer: Group | None = await self._send(call, group_id=group_id, member_id=member_id)
        return answer or await self.read_group_of_deployment(group_id)

    async def delete_group_of_deployment(self, group_id: str) -> None:
        await self._send(calls.DELETE_GROUP_OF_DEPLOYMENT, group_id=group_id)
