"""Calls about work branches and cleaning them up."""

from pydantic import Field

from store_client.wire.branches import BranchOutcomes, BranchStanding, ChooseBranches, WorkBranchPage
from store_client.wire.call import Call, PageQuery, Who

B = "/api/experiments/{experiment_id}/branches"


class BranchQuery(PageQuery):
    after: str | None = Field(default=None, max_length=1000)
    standing: BranchStanding | None = None


LIST_WORK_BRANCHES = Call(
    "list_work_branches", "GET", B, Who.EITHER, "List work branches with what each belongs to",
    query=BranchQuery, answer=WorkBranchPage,
)  # fmt: skip
REMOVE_WORK_BRANCHES = Call(
    "remove_work_branches", "POST", B + "/remove", Who.ADMIN_OR_ADMINS,
    "Remove work branches that nothing needs, each only where it was seen", body=ChooseBranches, answer=BranchOutcomes,
    is_safe_to_repeat=True,
)  # fmt: skip
RESTORE_WORK_BRANCHES = Call(
    "restore_work_branches", "POST", B + "/restore", Who.ADMIN_OR_ADMINS,
    "Bring removed work branches back", body=ChooseBranches, answer=BranchOutcomes, is_safe_to_repeat=True,
)  # fmt: skip

CALLS = (LIST_WORK_BRANCHES, REMOVE_WORK_BRANCHES, RESTORE_WORK_BRANCHES)
