"""Groups as the console shows them: who is in them, directly and through other groups, and by which way."""

from typing import Literal

from pydantic import Field

from store_client.wire.record import Record
from store_client.wire.scalars import ActorId, GroupId, MemberId, Timestamp


class GroupStep(Record):
    """A group on a way through groups."""

    group_id: GroupId
    name: str | None = None


class GroupMember(Record):
    """Somebody that a group lists."""

    member_id: MemberId
    kind: Literal["worker", "group", "nobody"] = Field(description="nobody: no worker and no group has this id")
    name: str | None = None


class Reached(Record):
    """A worker or a group that is in a group, and by which way."""

    member_id: MemberId
    name: str | None = None
    through: tuple[GroupStep, ...] = Field(
        default=(), description="the groups between, the outer ones first; none where the group lists it itself"
    )


class GroupSummary(Record):
    """A group and how many are in it."""

    group_id: GroupId
    name: str | None = None
    created_at: Timestamp
    created_by: ActorId | None = None
    is_reserved: bool = Field(default=False, description="its name carries authority")
    direct: int = Field(default=0, description="how many members it lists")
    effective: int = Field(default=0, description="how many workers are in it, directly or through other groups")


class GroupSummaryList(Record):
    groups: tuple[GroupSummary, ...]
    next: str | None = Field(default=None, description="where the next page begins, where a limit was given")


class GroupDetail(GroupSummary):
    """A group with whom it comes to mean; of very many members the first are told, by name."""

    members: tuple[GroupMember, ...] = ()
    groups: tuple[Reached, ...] = Field(default=(), description="every group in it, by the shortest way")
    workers: tuple[Reached, ...] = Field(default=(), description="every worker in it, by the shortest way")
    inside: tuple[GroupStep, ...] = Field(default=(), description="the groups that list it")
