"""Groups, of an experiment or of the deployment: the scope is that of the transaction."""

import re
from collections.abc import Iterable

from sqlalchemy import RowMapping, delete, insert, select

from control_plane.db import identities
from control_plane.db.identities import RESERVED_GROUPS
from control_plane.db.tables import DEPLOYMENT, groups, members
from control_plane.db.transaction import Tx
from control_plane.registry.rules import names
from control_plane.registry.tables import reserved_groups
from store_client.errors import CycleDetected, NotFound, ReservedIdentifier
from store_client.wire.calls.workers import NameFilter
from store_client.wire.scalars import SUFFIX
from store_client.wire.workers import AddMember, Group, GroupList, RegisterGroup

SERVICE_GROUPS = frozenset({"consoles", "runners"})
_GROUP = re.compile(f"grp_{SUFFIX}")
_MEMBER = re.compile(f"(wkr|grp)_{SUFFIX}")


def register(tx: Tx, body: RegisterGroup) -> Group:
    """Make a group; a reserved name is given once, to the admin bearer."""
    name = names.check(body.name)
    if name in reserved(tx.experiment_id) and not (tx.caller.is_admin and not is_taken(tx, name)):
        raise ReservedIdentifier(f"the group name {name!r} is reserved")
    return make(tx, name, body.members)


def make(tx: Tx, name: str | None, member_ids: Iterable[str] = ()) -> Group:
    """Make a group of this name, reserved or not."""
    group_id = tx.mint("grp")
    tx.connection.execute(
        insert(groups).values(
            group_id=group_id, scope=tx.experiment_id, name=name, created_at=tx.now, created_by=tx.caller.worker_id
        )
    )
    if name in reserved(tx.experiment_id):
        tx.connection.execute(insert(reserved_groups).values(scope=tx.experiment_id, name=name, group_id=group_id))
    _tell(tx, group_id, "registered", **({"name": name} if name else {}))
    for member_id in member_ids:
        join(tx, group_id, member_id)
    return read(tx, group_id)


def reserved(scope: str) -> frozenset[str]:
    """The group names that carry authority in a scope."""
    return RESERVED_GROUPS | SERVICE_GROUPS if scope == DEPLOYMENT else RESERVED_GROUPS


def is_taken(tx: Tx, name: str) -> bool:
    """Whether a reserved name was given in this scope, even to a group that is gone."""
    return _reserved_id(tx, name) is not None


def find_reserved(tx: Tx, name: str) -> str | None:
    """The living group of a reserved name, if there is one."""
    group_id = _reserved_id(tx, name)
    return group_id if group_id is not None and _row(tx, group_id) is not None else None


def list_all(tx: Tx, query: NameFilter) -> GroupList:
    """The groups of this scope, or those of exactly this name."""
    statement = select(groups).where(groups.c.scope == tx.experiment_id).order_by(groups.c.group_id)
    if query.name is not None:
        name = names.wanted(query.name)
        if name is None:
            return GroupList(groups=())
        statement = statement.where(groups.c.name == name)
    rows = tx.connection.execute(statement).mappings().all()
    held = _members_of(tx, [row["group_id"] for row in rows])
    return GroupList(groups=tuple(to_group(row, held.get(row["group_id"], ())) for row in rows))


def read(tx: Tx, group_id: str) -> Group:
    row = must_have(tx, group_id)
    return to_group(row, _members_of(tx, [group_id]).get(group_id, ()))


def add(tx: Tx, group_id: str, body: AddMember) -> Group:
    """Put a worker or group into a group; being in it already is fine."""
    must_have(tx, group_id)
    if join(tx, group_id, body.member_id):
        _tell(tx, group_id, "added", member_id=body.member_id)
    return read(tx, group_id)


def remove(tx: Tx, group_id: str, member_id: str) -> Group:
    """Take a member out of a group; not being in it is fine."""
    must_have(tx, group_id)
    if _MEMBER.fullmatch(member_id):
        which = (members.c.group_id == group_id) & (members.c.member_id == member_id)
        which &= members.c.scope == tx.experiment_id
        if tx.connection.execute(delete(members).where(which)).rowcount:
            _tell(tx, group_id, "removed", member_id=member_id)
    return read(tx, group_id)


def drop(tx: Tx, group_id: str) -> None:
    """Delete a group; its id stays where it is named, and means nobody."""
    must_have(tx, group_id)
    tx.connection.execute(delete(groups).where(groups.c.scope == tx.experiment_id, groups.c.group_id == group_id))
    _tell(tx, group_id, "deleted")


def join(tx: Tx, group_id: str, member_id: str) -> bool:
    """Whether this made somebody a member who was none; CycleDetected when the group would contain itself."""
    if member_id == group_id or member_id in identities.groups_of(tx.connection, tx.experiment_id, group_id):
        raise CycleDetected(f"{member_id} contains {group_id}")
    row = {"scope": tx.experiment_id, "group_id": group_id, "member_id": member_id}
    if tx.connection.scalar(select(members.c.group_id).filter_by(**row)):
        return False
    tx.connection.execute(insert(members).values(**row, added_at=tx.now))
    return True


def to_group(row: RowMapping, member_ids: Iterable[str]) -> Group:
    return Group(
        group_id=row["group_id"],
        name=row["name"],
        experiment_id=row["scope"] or None,
        members=tuple(member_ids),
        created_at=row["created_at"],
        created_by=row["created_by"],
    )


def _tell(tx: Tx, group_id: str, act: str, **what: str) -> None:
    """What became of a group, and who did it."""
    tx.tell("group.changed", group_id=group_id, act=act, **what, by=tx.caller.worker_id)


def must_have(tx: Tx, group_id: str) -> RowMapping:
    """The row of a group of this scope; NotFound when there is none."""
    row = _row(tx, group_id)
    if row is None:
        raise NotFound(f"there is no group {group_id[:60]}")
    return row


def _row(tx: Tx, group_id: str) -> RowMapping | None:
    if _GROUP.fullmatch(group_id) is None:
        return None
    query = select(groups).where(groups.c.group_id == group_id, groups.c.scope == tx.experiment_id)
    return tx.connection.execute(query).mappings().first()


def _reserved_id(tx: Tx, name: str | None) -> str | None:
    query = select(reserved_groups.c.group_id)
    return tx.connection.scalar(
        query.where(reserved_groups.c.scope == tx.experiment_id, reserved_groups.c.name == name)
    )


def _members_of(tx: Tx, group_ids: list[str]) -> dict[str, list[str]]:
    here = members.c.scope == tx.experiment_id
    query = select(members.c.group_id, members.c.member_id).where(here, members.c.group_id.in_(group_ids))
    held: dict[str, list[str]] = {}
    for group_id, member_id in tx.connection.execute(query.order_by(members.c.added_at, members.c.member_id)):
        held.setdefault(group_id, []).append(member_id)
    return held
