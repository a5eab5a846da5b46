"""Work branches, and cleaning them up."""

from store_client.resources.resource import Resource
from store_client.wire.branches import BranchOutcomes, ChooseBranches, SeenBranch, WorkBranchPage
from store_client.wire.calls import branches as calls


class Branches(Resource):
    """The branches below `work/` of one experiment's repository."""

    async def list_work_branches(self, query: calls.BranchQuery | None = None) -> WorkBranchPage:
        """A page of them by name, with what each belongs to."""
        asked = query or calls.BranchQuery()
        answer: WorkBranchPage = await self._send(calls.LIST_WORK_BRANCHES, query=asked)
        return answer

    async def remove_work_branches(self, branches: tuple[SeenBranch, ...]) -> BranchOutcomes:
        """Remove what nothing needs; what is needed or has moved stays, and the answer says so."""
        body = ChooseBranches(branches=branches)
        answer: BranchOutcomes = await self._send(calls.REMOVE_WORK_BRANCHES, body)
        return answer

    async def restore_work_branches(self, branches: tuple[SeenBranch, ...]) -> BranchOutcomes:
        """Bring removed branches back to where they pointed."""
        body = ChooseBranches(branches=branches)
        answer: BranchOutcomes = await self._send(calls.RESTORE_WORK_BRANCHES, body)
        return answer
