"""The people who sign in: found, listed, and what they are where."""

from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, RowMapping, Select, func, select, true

from control_plane.db.tables import DEPLOYMENT, experiments, workers
from control_plane.db.transaction import Tx
from control_plane.registry.rules import roles
from control_plane.registry.tables import experiment_roles, operators, sessions
from store_client.errors import Forbidden, NotFound
from store_client.wire.accounts import OperatorDetail, OperatorList, RoleInExperiment
from store_client.wire.workers import ExperimentRole, OperatorRole, higher_role

_PERSON = (
    select(operators, workers.c.name, workers.c.disabled_at, workers.c.last_seen_at)
    .join(workers, workers.c.worker_id == operators.c.operator_id)
    .where(workers.c.scope == DEPLOYMENT)
)


def find(tx: Tx, operator_id: str) -> RowMapping:
    """The row of an operator, disabled or not; NotFound when there is none."""
    row = tx.connection.execute(_PERSON.where(operators.c.operator_id == operator_id)).mappings().first()
    if row is None:
        raise NotFound(f"there is no operator {operator_id[:60]}")
    return row


def find_active(tx: Tx, operator_id: str) -> RowMapping | None:
    """The operator that a deployment worker is, unless it is none or disabled."""
    row = tx.connection.execute(_PERSON.where(operators.c.operator_id == operator_id)).mappings().first()
    return None if row is None or row["disabled_at"] is not None else row


def find_by_sign_in_name(tx: Tx, sign_in_name: str) -> RowMapping | None:
    """The operator with this sign-in name, in its stored form."""
    return tx.connection.execute(_PERSON.where(operators.c.sign_in_name == sign_in_name)).mappings().first()


def oneself(tx: Tx) -> RowMapping:
    """The operator who calls; Forbidden when it is no signed-in person."""
    row = find_active(tx, tx.caller.worker_id) if tx.caller.session_digest is not None else None
    if row is None:
        raise Forbidden("only a signed-in person may do this, for themselves")
    return row


def role_of(row: RowMapping) -> OperatorRole:
    """What an operator is in the deployment."""
    return roles.told(row["role"], is_confined=row["is_confined"])


def role_in(tx: Tx, row: RowMapping, experiment_id: str) -> OperatorRole:
    """What an operator is in an experiment: the higher of both roles; a member without one there is nobody."""
    query = select(experiment_roles.c.role).where(
        experiment_roles.c.operator_id == row["operator_id"], experiment_roles.c.experiment_id == experiment_id
    )
    granted: ExperimentRole | None = tx.connection.scalar(query)
    return higher_role(role_of(row), granted)


def roles_in(tx: Tx, operator_id: str) -> Mapping[str, ExperimentRole]:
    """The roles that were given to an operator, by experiment."""
    query = select(experiment_roles.c.experiment_id, experiment_roles.c.role)
    rows = tx.connection.execute(query.where(experiment_roles.c.operator_id == operator_id))
    return {row.experiment_id: row.role for row in rows}


def own_experiments(operator_id: str) -> Select[tuple[str]]:
    """The ids of the experiments in which somebody was given a role."""
    return select(experiment_roles.c.experiment_id).where(experiment_roles.c.operator_id == operator_id)


def visible(tx: Tx) -> ColumnElement[bool]:
    """Which experiments the caller sees in lists: all of them, or a member's own."""
    is_confined = tx.caller.is_confined
    return experiments.c.experiment_id.in_(own_experiments(tx.caller.worker_id)) if is_confined else true()


def list_all(tx: Tx) -> OperatorList:
    """Every operator, by name."""
    rows = tx.connection.execute(_PERSON.order_by(func.lower(workers.c.name), operators.c.operator_id)).mappings().all()
    return OperatorList(operators=_details(tx, rows))


def read(tx: Tx, operator_id: str) -> OperatorDetail:
    return _details(tx, [find(tx, operator_id)])[0]


def read_oneself(tx: Tx) -> OperatorDetail:
    return _details(tx, [oneself(tx)])[0]


def _details(tx: Tx, rows: Sequence[RowMapping]) -> tuple[OperatorDetail, ...]:
    ids = [row["operator_id"] for row in rows]
    granted, signed_in = _granted(tx, ids), _signed_in(tx, ids)
    return tuple(
        OperatorDetail(
            operator_id=row["operator_id"],
            name=row["name"] or row["operator_id"],
            sign_in_name=row["sign_in_name"],
            role=role_of(row),
            experiments=tuple(granted.get(row["operator_id"], ())),
            has_password=row["password"] is not None,
            has_provider=row["subject"] is not None,
            is_disabled=row["disabled_at"] is not None,
            created_at=row["created_at"],
            last_seen_at=row["last_seen_at"],
            sessions=signed_in.get(row["operator_id"], 0),
        )
        for row in rows
    )


def _granted(tx: Tx, ids: Sequence[str]) -> Mapping[str, list[RoleInExperiment]]:
    query = select(experiment_roles, experiments.c.name).outerjoin(
        experiments, experiments.c.experiment_id == experiment_roles.c.experiment_id
    )
    query = query.where(experiment_roles.c.operator_id.in_(ids)) if len(ids) == 1 else query
    granted: dict[str, list[RoleInExperiment]] = {}
    for row in tx.connection.execute(query.order_by(experiment_roles.c.experiment_id.desc())):
        line = RoleInExperiment(experiment_id=row.experiment_id, name=row.name, role=row.role)
        granted.setdefault(row.operator_id, []).append(line)
    return granted


def _signed_in(tx: Tx, ids: Sequence[str]) -> Mapping[str, int]:
    query = select(sessions.c.operator_id, func.count().label("total")).where(sessions.c.expires_at > tx.now)
    query = query.where(sessions.c.operator_id.in_(ids)) if len(ids) == 1 else query
    return {row.operator_id: row.total for row in tx.connection.execute(query.group_by(sessions.c.operator_id))}
