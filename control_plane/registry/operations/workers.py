"""Workers, of an experiment or of the deployment: the scope is that of the transaction."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Text, cast, delete, func, insert, literal, or_, select

from control_plane.db import identities
from control_plane.db.identities import RESERVED_WORKERS, Issue, Keys
from control_plane.db.tables import DEPLOYMENT, credentials, groups, members, workers
from control_plane.db.transaction import Tx
from control_plane.registry.operations import people
from control_plane.registry.ports import OpenClaims
from control_plane.registry.rules import names
from control_plane.registry.tables import operators, services
from store_client.errors import NotFound, ReservedIdentifier
from store_client.wire.calls.workers import NameFilter, WorkerQuery
from store_client.wire.scalars import SUFFIX
from store_client.wire.workers import (
    OperatorRole,
    RegisteredWorker,
    RegisterWorker,
    Whoami,
    Worker,
    WorkerDetail,
    WorkerDetailList,
    WorkerList,
)

_WORKER = re.compile(f"wkr_{SUFFIX}")
COUNTED = 10_000
"""So many workers are counted exactly."""


def register(tx: Tx, body: RegisterWorker, *, keys: Keys) -> RegisteredWorker:
    """Make a new worker with a new token, on every call."""
    name = names.check(body.name)
    if name in RESERVED_WORKERS:
        raise ReservedIdentifier(f"the worker name {name!r} is reserved")
    worker_id = make(tx, name, labels=body.labels)
    return _with_token(tx, keys, worker_id)


def make(
    tx: Tx, name: str | None, *, labels: Mapping[str, str] | None = None, deployment_worker_id: str | None = None
) -> str:
    """Insert a worker that has no credential yet."""
    worker_id = tx.mint("wkr")
    row = {
        "worker_id": worker_id,
        "scope": tx.experiment_id,
        "name": name,
        "registered_at": tx.now,
        "registered_by": tx.caller.worker_id,
        "deployment_worker_id": deployment_worker_id,
    }
    # An absent JSON value is SQL's NULL, not JSON's.
    tx.connection.execute(insert(workers).values(row if labels is None else {**row, "labels": dict(labels)}))
    tx.tell("worker.registered", worker_id=worker_id, **({"name": name} if name else {}), by=tx.caller.worker_id)
    return worker_id


def reissue(tx: Tx, worker_id: str, *, keys: Keys) -> RegisteredWorker:
    """Replace a worker's token; everything the worker could prove itself with before is void."""
    row = find(tx, worker_id)
    held = (credentials.c.scope == tx.experiment_id) & (credentials.c.worker_id == worker_id)
    tx.connection.execute(delete(credentials).where(held))
    tx.tell("worker.reissued", worker_id=worker_id, by=tx.caller.worker_id)
    return _with_token(tx, keys, worker_id, _role(tx, row))


def list_all(tx: Tx, query: NameFilter) -> WorkerList:
    """The workers of this scope, or those of exactly this name."""
    statement = select(workers).where(workers.c.scope == tx.experiment_id).order_by(workers.c.worker_id)
    if query.name is not None:
        name = names.wanted(query.name)
        if name is None:
            return WorkerList(workers=())
        statement = statement.where(workers.c.name == name)
    return WorkerList(workers=tuple(Worker(**_fields(row)) for row in tx.connection.execute(statement).mappings()))


def read(tx: Tx, worker_id: str) -> Worker:
    return Worker(**_fields(find(tx, worker_id)))


def whoami(tx: Tx) -> Whoami:
    return Whoami(worker_id=tx.caller.worker_id, name=tx.caller.name)


def list_details(tx: Tx, query: WorkerQuery | None = None, *, open_claims: OpenClaims) -> WorkerDetailList:
    """The workers of the experiment as its admin page shows them, all or a page of those that are like this."""
    query = query or WorkerQuery()
    like = (workers.c.scope == tx.experiment_id, *_like(query))
    here = select(workers).where(*like).order_by(workers.c.worker_id)
    most = query.limit
    found = tx.connection.execute(here if most is None else here.limit(most + 1)).mappings().all()
    shown = found[:most]
    details = _details(tx, shown, open_claims)
    if query.worker_id is not None:
        details = tuple(one.having(groups_beyond=_groups_beyond(tx, one)) for one in details)
    onward = shown[-1]["worker_id"] if most is not None and len(found) > most else None
    total = None if most is None else _counted(tx, like)
    return WorkerDetailList(
        workers=details,
        next=onward,
        total=None if total is None else min(total, COUNTED),
        is_more=total is not None and total > COUNTED,
    )


def _counted(tx: Tx, like: Sequence[ColumnElement[bool]]) -> int:
    """How many there are, counted no further than pages tell."""
    some = select(literal(1)).select_from(workers).where(*like).limit(COUNTED + 1).subquery()
    return tx.connection.scalar(select(func.count()).select_from(some)) or 0


def _groups_beyond(tx: Tx, worker: WorkerDetail) -> tuple[str, ...]:
    """The groups that hold a worker through other groups alone, by name or else by id."""
    held = identities.groups_of(tx.connection, tx.experiment_id, worker.worker_id)
    query = select(groups.c.group_id, groups.c.name).where(groups.c.scope == tx.experiment_id)
    found = tx.connection.execute(query.where(groups.c.group_id.in_(held)).order_by(groups.c.name))
    names = (row.name or row.group_id for row in found)
    return tuple(name for name in names if name not in worker.groups)


def _like(query: WorkerQuery) -> list[ColumnElement[bool]]:
    asked: list[ColumnElement[bool]] = []
    if query.after is not None:
        asked.append(workers.c.worker_id > query.after)
    if query.worker_id is not None:
        asked.append(workers.c.worker_id == query.worker_id)
    if query.q is not None:
        named = (place.icontains(query.q, autoescape=True) for place in (workers.c.name, workers.c.worker_id))
        labels = cast(workers.c.labels, Text).icontains(json.dumps(query.q)[1:-1], autoescape=True)
        asked.append(or_(*named, labels))
    return asked


def read_detail(tx: Tx, worker_id: str, *, open_claims: OpenClaims) -> WorkerDetail:
    (detail,) = _details(tx, [find(tx, worker_id)], open_claims)
    return detail


def _details(tx: Tx, rows: Sequence[RowMapping], open_claims: OpenClaims) -> tuple[WorkerDetail, ...]:
    held, named = open_claims(tx), _group_names(tx, [row["worker_id"] for row in rows])
    own = set(tx.connection.scalars(select(services.c.worker_id)))
    return tuple(
        WorkerDetail(
            **_fields(row),
            last_seen_at=row["last_seen_at"],
            disabled_at=row["disabled_at"],
            is_service=home_of(row) in own,
            groups=tuple(named.get(row["worker_id"], ())),
            open_claims=held.get(row["worker_id"], 0),
        )
        for row in rows
    )


def home_of(row: RowMapping) -> str:
    """The deployment worker that this worker is or whose identity it is; of any other worker, its own id and scope."""
    return str(row["deployment_worker_id"] or row["scope"] + row["worker_id"])


def _role(tx: Tx, row: RowMapping) -> OperatorRole | None:
    """What an operator, or the identity of one, is in this scope; None for any other worker."""
    person = tx.connection.execute(select(operators).where(operators.c.operator_id == home_of(row))).mappings().first()
    if person is None:
        return None
    return people.role_of(person) if tx.experiment_id == DEPLOYMENT else people.role_in(tx, person, tx.experiment_id)


def _with_token(tx: Tx, keys: Keys, worker_id: str, role: OperatorRole | None = None) -> RegisteredWorker:
    what = Issue(tx.experiment_id, is_read_only=role in {"member", "viewer"}, is_confined=role == "member")
    token = identities.issue(tx.connection, keys, worker_id, tx.now, what)
    return RegisteredWorker(**_fields(find(tx, worker_id)), registration_token=token)


def find(tx: Tx, worker_id: str) -> RowMapping:
    """The row of a worker of this scope; NotFound when there is none."""
    query = select(workers).where(workers.c.worker_id == worker_id, workers.c.scope == tx.experiment_id)
    row = tx.connection.execute(query).mappings().first() if _WORKER.fullmatch(worker_id) else None
    if row is None:
        raise NotFound(f"there is no worker {worker_id[:60]}")
    return row


def _fields(row: RowMapping) -> dict[str, Any]:
    return {
        "worker_id": row["worker_id"],
        "name": row["name"],
        "experiment_id": row["scope"] or None,
        "registered_at": row["registered_at"],
        "registered_by": row["registered_by"],
        "labels": row["labels"],
    }


def _group_names(tx: Tx, worker_ids: Sequence[str]) -> dict[str, list[str]]:
    """The groups that list each of these workers directly, by name or else by id."""
    query = select(members.c.member_id, groups.c.group_id, groups.c.name).join(
        groups, (groups.c.scope == members.c.scope) & (groups.c.group_id == members.c.group_id)
    )
    here = (groups.c.scope == tx.experiment_id) & members.c.member_id.in_(worker_ids)
    named: dict[str, list[str]] = {}
    for row in tx.connection.execute(query.where(here).order_by(groups.c.name)):
        named.setdefault(row.member_id, []).append(row.name or row.group_id)
    return named
