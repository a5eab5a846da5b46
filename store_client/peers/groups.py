"""Groups of a peer with whom they come to mean, from its lists of groups and of workers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from store_client.errors import NotFound
from store_client.peers.peer import Peer
from store_client.wire.calls.groups import GroupQuery
from store_client.wire.calls.workers import LIST_GROUPS, LIST_WORKERS, NameFilter
from store_client.wire.groups import GroupDetail, GroupMember, GroupStep, GroupSummary, GroupSummaryList, Reached
from store_client.wire.workers import Group, Worker

RESERVED = frozenset({"admins", "orchestrators"})
MOST_TOLD = 500


@dataclass(frozen=True)
class Registered:
    """Everybody there is, as just read: who changes a group sees it change."""

    workers: Mapping[str, Worker]
    groups: Mapping[str, Group]

    @classmethod
    async def read(cls, peer: Peer) -> "Registered":
        workers = (await peer.send(LIST_WORKERS, query=NameFilter())).workers
        groups = (await peer.send(LIST_GROUPS, query=NameFilter())).groups
        return cls({each.worker_id: each for each in workers}, {each.group_id: each for each in groups})

    def name(self, member_id: str) -> str | None:
        found = self.workers.get(member_id) or self.groups.get(member_id)
        return found.name if found else None

    def by_name(self, member_ids: Sequence[str]) -> list[str]:
        return sorted(member_ids, key=lambda one: ((self.name(one) or "").lower(), one))

    def ways(self, group: Group) -> dict[str, tuple[str, ...]]:
        """The way to each member, through the groups between; the shortest one."""
        found: dict[str, tuple[str, ...]] = {group.group_id: ()}
        edge: list[tuple[Group, tuple[str, ...]]] = [(group, ())]
        while edge:
            inner: list[tuple[Group, tuple[str, ...]]] = []
            for outer, way in edge:
                for member_id in sorted(set(outer.members) - found.keys()):
                    found[member_id] = way
                    if member_id in self.groups:
                        inner.append((self.groups[member_id], (*way, member_id)))
            edge = inner
        del found[group.group_id]
        return found

    def step(self, group_id: str) -> GroupStep:
        return GroupStep(group_id=group_id, name=self.name(group_id))

    def summary(self, group: Group) -> GroupSummary:
        return GroupSummary(
            group_id=group.group_id,
            name=group.name,
            created_at=group.created_at,
            created_by=group.created_by,
            is_reserved=group.name in RESERVED,
            direct=len(group.members),
            effective=len(self.ways(group).keys() & self.workers.keys()),
        )

    def member(self, member_id: str) -> GroupMember:
        is_group = member_id in self.groups
        kind = "worker" if member_id in self.workers else "group" if is_group else "nobody"
        return GroupMember.model_validate({"member_id": member_id, "kind": kind, "name": self.name(member_id)})


async def list_details(peer: Peer) -> GroupSummaryList:
    """The groups with how many are in them."""
    query = peer.query
    assert isinstance(query, GroupQuery)  # noqa: S101 - the table of calls says so
    here = await Registered.read(peer)
    chosen = [each for _, each in sorted(here.groups.items()) if _is_like(each, query)]
    shown = chosen[: query.limit]
    onward = shown[-1].group_id if len(shown) < len(chosen) else None
    return GroupSummaryList(groups=tuple(map(here.summary, shown)), next=onward)


async def read_detail(peer: Peer) -> GroupDetail:
    """One group with everybody in it and by which way."""
    here, group_id = await Registered.read(peer), peer.places["group_id"]
    if group_id not in here.groups:
        raise NotFound(f"there is no group {group_id[:60]}")
    group = here.groups[group_id]
    ways = here.ways(group)

    def reached(kind: Mapping[str, object]) -> tuple[Reached, ...]:
        found = here.by_name([one for one in ways if one in kind])[:MOST_TOLD]
        return tuple(
            Reached(member_id=one, name=here.name(one), through=tuple(map(here.step, ways[one]))) for one in found
        )

    outer = [each.group_id for each in here.groups.values() if group_id in each.members]
    return GroupDetail(
        **here.summary(group).model_dump(),
        members=tuple(map(here.member, here.by_name(group.members)[:MOST_TOLD])),
        groups=reached(here.groups),
        workers=reached(here.workers),
        inside=tuple(map(here.step, here.by_name(outer))),
    )


def _is_like(group: Group, query: GroupQuery) -> bool:
    words = f"{group.group_id} {group.name or ''}".lower()
    return (query.after is None or group.group_id > query.after) and (query.q is None or query.q.lower() in words)
