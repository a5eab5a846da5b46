"""The part of the face that is about who is in a deployment and in its experiments, and who decides there."""

from store_client.wire.calls.control import LeaseLineQuery
from store_client.wire.calls.groups import GroupQuery
from store_client.wire.groups import GroupDetail, GroupMember, GroupStep, GroupSummary, GroupSummaryList, Reached
from store_client.wire.leases import LeaseLine, LeaseLineList

__all__ = [
    "GroupDetail", "GroupMember", "GroupQuery", "GroupStep", "GroupSummary", "GroupSummaryList", "LeaseLine",
    "LeaseLineList", "LeaseLineQuery", "Reached",
]  # fmt: skip
