"""The part of the face that is about who is in a deployment and in its experiments, who decides there, and branches."""

from store_client.wire.branches import (
    BranchOutcome,
    BranchOutcomes,
    BranchStanding,
    ChooseBranches,
    SeenBranch,
    WorkBranchLine,
    WorkBranchPage,
)
from store_client.wire.calls.branches import BranchQuery
from store_client.wire.calls.control import LeaseLineQuery
from store_client.wire.calls.groups import GroupQuery
from store_client.wire.experiments import LeaseGlance
from store_client.wire.groups import GroupDetail, GroupMember, GroupStep, GroupSummary, GroupSummaryList, Reached
from store_client.wire.leases import LeaseLine, LeaseLineList
from store_client.wire.paces import Pace, PaceList

__all__ = [
    "BranchOutcome", "BranchOutcomes", "BranchQuery", "BranchStanding", "ChooseBranches",
    "GroupDetail", "GroupMember", "GroupQuery", "GroupStep", "GroupSummary", "GroupSummaryList", "LeaseGlance",
    "LeaseLine", "LeaseLineList", "LeaseLineQuery", "Pace", "PaceList", "Reached", "SeenBranch", "WorkBranchLine",
    "WorkBranchPage",
]  # fmt: skip
