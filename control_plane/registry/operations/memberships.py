"""Whom groups come to mean: everybody in them, through however many groups, and by which way.

Groups are few beside workers, so the groups in a group are walked a level at a time, each once; the workers of all of
them are then one query.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby, islice
from operator import itemgetter
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, RowMapping, Select, func, or_, select

from control_plane.db.tables import groups, members, workers
from control_plane.db.transaction import Tx
from control_plane.registry.operations.groups import must_have, reserved
from store_client.wire.calls.groups import GroupQuery
from store_client.wire.groups import GroupDetail, GroupMember, GroupStep, GroupSummary, GroupSummaryList, Reached

MOST_TOLD, MOST_GROUPS = 500, 1000
Way = tuple[str, ...]
"""The groups between a group and what is in it."""


def list_details(tx: Tx, query: GroupQuery) -> GroupSummaryList:
    """The groups of this scope, all or a page of those that are like this."""
    here = select(groups).where(groups.c.scope == tx.experiment_id, *_like(query)).order_by(groups.c.group_id)
    found = tx.connection.execute(here if query.limit is None else here.limit(query.limit + 1)).mappings().all()
    shown = found[: query.limit]
    onward = shown[-1]["group_id"] if query.limit is not None and len(found) > query.limit else None
    ids = [row["group_id"] for row in shown]
    direct, effective = _direct(tx, ids), _effective(tx, ids)
    told = (_summary(tx, row, direct, effective) for row in shown)
    return GroupSummaryList(groups=tuple(told), next=onward)


def read_detail(tx: Tx, group_id: str) -> GroupDetail:
    """One group with everybody in it."""
    row = must_have(tx, group_id)
    ways = _ways(tx, group_id)
    names = _names_of_groups(tx, ways)
    summary = _summary(tx, row, _direct(tx, [group_id]), _effective(tx, [group_id]))
    inner = ((id_, way) for id_, way in ways.items() if id_ != group_id and id_ in names)
    return GroupDetail(
        **summary.model_dump(),
        members=_members(tx, group_id),
        groups=tuple(Reached(member_id=id_, name=names[id_], through=_steps(way, names)) for id_, way in inner),
        workers=_workers(tx, group_id, ways, names),
        inside=_inside(tx, group_id),
    )


def _like(query: GroupQuery) -> list[ColumnElement[bool]]:
    asked: list[ColumnElement[bool]] = []
    if query.after is not None:
        asked.append(groups.c.group_id > query.after)
    if query.q is not None:
        asked.append(or_(*(place.icontains(query.q, autoescape=True) for place in (groups.c.name, groups.c.group_id))))
    return asked


def _summary(tx: Tx, row: RowMapping, direct: Mapping[str, int], effective: Mapping[str, int]) -> GroupSummary:
    return GroupSummary(
        group_id=row["group_id"],
        name=row["name"],
        created_at=row["created_at"],
        created_by=row["created_by"],
        is_reserved=row["name"] in reserved(tx.experiment_id),
        direct=direct.get(row["group_id"], 0),
        effective=effective.get(row["group_id"], 0),
    )


def _direct(tx: Tx, group_ids: Sequence[str]) -> dict[str, int]:
    listed = members.c.group_id.in_(group_ids)
    query = select(members.c.group_id, func.count()).where(members.c.scope == tx.experiment_id, listed)
    return {each[0]: each[1] for each in tx.connection.execute(query.group_by(members.c.group_id))}


def _effective(tx: Tx, group_ids: Sequence[str]) -> dict[str, int]:
    """How many workers are in each of these groups; a worker counts once, and a cycle ends where it began."""
    here = members.c.scope == tx.experiment_id
    start = select(groups.c.group_id.label("root"), groups.c.group_id.label("at"))
    reach = start.where(groups.c.scope == tx.experiment_id, groups.c.group_id.in_(group_ids))
    within = reach.cte("within", recursive=True)
    step = select(within.c.root, members.c.member_id).join(within, members.c.group_id == within.c.at)
    within = within.union(step.where(here, members.c.member_id.startswith("grp")))
    query = select(within.c.root, func.count(members.c.member_id.distinct())).select_from(members)
    query = query.join(within, members.c.group_id == within.c.at).join(workers, _is_member())
    return {each[0]: each[1] for each in tx.connection.execute(query.where(here).group_by(within.c.root))}


def _is_member() -> ColumnElement[bool]:
    return (workers.c.scope == members.c.scope) & (workers.c.worker_id == members.c.member_id)


def _ways(tx: Tx, group_id: str) -> dict[str, Way]:
    """Every group in a group, itself too, each by the shortest way to it."""
    ways: dict[str, Way] = {group_id: ()}
    edge = [group_id]
    while edge and len(ways) < MOST_GROUPS:
        listed = members.c.group_id.in_(edge) & members.c.member_id.startswith("grp")
        query = select(members.c.group_id, members.c.member_id).where(members.c.scope == tx.experiment_id, listed)
        found = tx.connection.execute(query.order_by(members.c.group_id, members.c.member_id).limit(MOST_GROUPS))
        edge = []
        for outer, inner in found:
            if inner not in ways:
                ways[inner] = _beyond(ways, group_id, outer)
                edge.append(inner)
    return ways


def _beyond(ways: Mapping[str, Way], start: str, outer: str) -> Way:
    """The way to what a group on the way lists."""
    return () if outer == start else (*ways[outer], outer)


def _names_of_groups(tx: Tx, group_ids: Iterable[str]) -> dict[str, str | None]:
    query = select(groups.c.group_id, groups.c.name).where(groups.c.scope == tx.experiment_id)
    return {each[0]: each[1] for each in tx.connection.execute(query.where(groups.c.group_id.in_(list(group_ids))))}


def _steps(way: Way, names: Mapping[str, str | None]) -> tuple[GroupStep, ...]:
    return tuple(GroupStep(group_id=id_, name=names.get(id_)) for id_ in way)


def _members(tx: Tx, group_id: str) -> tuple[GroupMember, ...]:
    """Whom a group lists, by name."""
    is_group = (groups.c.scope == members.c.scope) & (groups.c.group_id == members.c.member_id)
    name = func.coalesce(workers.c.name, groups.c.name)
    told = (members.c.member_id, name.label("name"), workers.c.worker_id, groups.c.group_id.label("inner_id"))
    query: Select[Any] = select(*told).select_from(members)
    query = query.outerjoin(workers, _is_member()).outerjoin(groups, is_group)
    query = query.where(members.c.scope == tx.experiment_id, members.c.group_id == group_id)
    found = tx.connection.execute(query.order_by(func.lower(name), members.c.member_id).limit(MOST_TOLD))
    return tuple(GroupMember(member_id=row.member_id, kind=_kind(row), name=row.name) for row in found)


def _kind(row: Row[Any]) -> Literal["worker", "group", "nobody"]:
    if row.worker_id is not None:
        return "worker"
    return "nobody" if row.inner_id is None else "group"


def _workers(tx: Tx, start: str, ways: Mapping[str, Way], names: Mapping[str, str | None]) -> tuple[Reached, ...]:
    """The workers of all these groups, by name, each by the shortest way."""
    listed = select(members.c.member_id, workers.c.name, members.c.group_id).join(workers, _is_member())
    listed = listed.where(members.c.scope == tx.experiment_id, members.c.group_id.in_(list(ways)))
    found = tx.connection.execute(listed.order_by(func.lower(workers.c.name), members.c.member_id))
    told = []
    for member_id, rows in islice(groupby(found, key=itemgetter(0)), MOST_TOLD):
        by_way = sorted((_beyond(ways, start, outer), name) for _, name, outer in rows)
        way, name = min(by_way, key=lambda each: len(each[0]))
        told.append(Reached(member_id=member_id, name=name, through=_steps(way, names)))
    return tuple(told)


def _inside(tx: Tx, group_id: str) -> tuple[GroupStep, ...]:
    same = (groups.c.scope == members.c.scope) & (groups.c.group_id == members.c.group_id)
    query = select(groups.c.group_id, groups.c.name).join(members, same).order_by(func.lower(groups.c.name))
    query = query.where(members.c.scope == tx.experiment_id, members.c.member_id == group_id).limit(MOST_TOLD)
    return tuple(GroupStep(group_id=row.group_id, name=row.name) for row in tx.connection.execute(query))
