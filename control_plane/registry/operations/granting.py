"""What people are changed to: names, roles, and what follows from a role where they are somebody already."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import RowMapping, delete, insert, select, tuple_, update

from control_plane.db.tables import DEPLOYMENT, credentials, experiments, workers
from control_plane.db.transaction import Tx
from control_plane.registry.operations import groups, people
from control_plane.registry.rules import names, roles, sign_in_names
from control_plane.registry.tables import experiment_roles, invitations, operators
from store_client.errors import AlreadyExists, InvalidName, InvalidPrecondition, NotFound
from store_client.wire.accounts import ChangeOperator, GrantRole, OperatorDetail
from store_client.wire.workers import ExperimentRole, OperatorRole, higher_role

Standing = Mapping[str, OperatorRole]
"""What somebody is in the deployment and in each experiment where they have an identity."""


def change(tx: Tx, operator_id: str, body: ChangeOperator) -> OperatorDetail:
    """Change a person's name, sign-in name or role; what is left out stays."""
    row = people.find(tx, operator_id)
    if body.name is not None:
        _rename(tx, row, body.name)
    if body.sign_in_name is not None:
        set_sign_in_name(tx, operator_id, body.sign_in_name)
    if body.role is not None and body.role != people.role_of(row):
        _must_leave_an_administrator(tx, row)
        role, is_confined = roles.stored(body.role)
        _with_consequences(tx, operator_id, lambda: _set(tx, operator_id, role=role, is_confined=is_confined))
    _tell(tx, operator_id, **{key: value for key, value in body.to_wire().items() if key in {"name", "role"}})
    return people.read(tx, operator_id)


def grant(tx: Tx, operator_id: str, of: str, body: GrantRole) -> OperatorDetail:
    """Give a person a role in an experiment, in the place of the one they had there."""
    people.find(tx, operator_id)
    must_exist(tx, of)
    _with_consequences(tx, operator_id, lambda: put(tx, operator_id, {of: body.role}))
    _tell(tx, operator_id, experiment_id=of, experiment_role=body.role)
    return people.read(tx, operator_id)


def withdraw(tx: Tx, operator_id: str, of: str) -> OperatorDetail:
    """Take a person's role in an experiment; having none is fine."""
    people.find(tx, operator_id)
    if of in people.roles_in(tx, operator_id):
        _with_consequences(tx, operator_id, lambda: _drop(tx, operator_id, of))
        _tell(tx, operator_id, experiment_id=of)
    return people.read(tx, operator_id)


def put(tx: Tx, operator_id: str, granted: Mapping[str, ExperimentRole]) -> None:
    """Write down roles in experiments."""
    for experiment_id, role in granted.items():
        _drop(tx, operator_id, experiment_id)
        given = {"role": role, "granted_at": tx.now, "granted_by": tx.caller.worker_id}
        tx.connection.execute(
            insert(experiment_roles).values(operator_id=operator_id, experiment_id=experiment_id, **given)
        )


def set_sign_in_name(tx: Tx, operator_id: str, wish: str) -> None:
    """Have a person sign in by another name; AlreadyExists when somebody else does."""
    sign_in_name = sign_in_names.check(wish)
    must_be_free(tx, sign_in_name, operator_id)
    _set(tx, operator_id, sign_in_name=sign_in_name)


def must_be_free(tx: Tx, sign_in_name: str, operator_id: str | None = None) -> None:
    """AlreadyExists when another person, or somebody who was invited, has this sign-in name."""
    holder = people.find_by_sign_in_name(tx, sign_in_name)
    invited = select(invitations.c.invitation_id).where(
        invitations.c.sign_in_name == sign_in_name,
        invitations.c.operator_id.is_(None),
        invitations.c.expires_at > tx.now,
    )
    is_invited = operator_id is None and tx.connection.scalar(invited) is not None
    if is_invited or (holder is not None and holder["operator_id"] != operator_id):
        raise AlreadyExists(f"somebody else signs in as {sign_in_name}")


def must_exist(tx: Tx, experiment_id: str) -> None:
    """NotFound unless there is such an experiment here."""
    found = select(experiments.c.experiment_id).where(experiments.c.experiment_id == experiment_id.replace("\x00", ""))
    if tx.connection.scalar(found) is None:
        raise NotFound(f"there is no experiment {experiment_id[:60]}")


def _with_consequences(tx: Tx, operator_id: str, act: Callable[[], None]) -> None:
    """Change what a person is; where that is another role now, their credentials are void and `admins` follows.

    Those in the deployment are in any case, so that every console asks anew what they are.
    """
    before = _standing(tx, operator_id)
    act()
    after = _standing(tx, operator_id)
    for scope in before:
        if before[scope] != after[scope] or scope == DEPLOYMENT:
            _follow(tx.at(scope), operator_id, (before[scope], after[scope]))


def _standing(tx: Tx, operator_id: str) -> Standing:
    row, granted = people.find(tx, operator_id), people.roles_in(tx, operator_id)
    in_deployment = people.role_of(row)
    scopes = tx.connection.scalars(select(workers.c.scope).where(workers.c.deployment_worker_id == operator_id))
    inside = {scope: higher_role(in_deployment, granted.get(scope)) for scope in scopes}
    return {DEPLOYMENT: in_deployment, **inside}


def _follow(inside: Tx, operator_id: str, roles_then_and_now: tuple[OperatorRole, OperatorRole]) -> None:
    """Whoever is an administrator no longer leaves `admins`; one that is new joins it, elsewhere when they enter."""
    then, now = roles_then_and_now
    scope, identity = inside.experiment_id, operator_id
    if scope != DEPLOYMENT:
        here = select(workers.c.worker_id).where(
            workers.c.scope == scope, workers.c.deployment_worker_id == operator_id
        )
        identity = inside.connection.scalars(here).one()
    whose = tuple_(credentials.c.scope, credentials.c.worker_id) == (scope, identity)
    which = whose & (credentials.c.kind == "token") if then == now else whose
    inside.connection.execute(delete(credentials).where(which))
    admins = groups.find_reserved(inside, "admins")
    if admins is None or "administrator" not in {then, now}:
        return
    if then == now:
        return
    if then == "administrator":
        groups.remove(inside, admins, identity)
    elif groups.join(inside, admins, identity):
        inside.tell("group.changed", group_id=admins, act="added", member_id=identity)


def _rename(tx: Tx, row: RowMapping, wish: str) -> None:
    name = names.check(wish)
    if not name:
        raise InvalidName("a person needs a name")
    itself = (workers.c.scope == DEPLOYMENT) & (workers.c.worker_id == row["operator_id"])
    identities = workers.c.deployment_worker_id == row["operator_id"]
    tx.connection.execute(update(workers).where(itself | identities).values(name=name))


def _must_leave_an_administrator(tx: Tx, row: RowMapping) -> None:
    if row["operator_id"] == tx.caller.worker_id:
        raise InvalidPrecondition("nobody changes their own role; ask another administrator")
    if row["role"] == "administrator" and is_last_administrator(tx, row["operator_id"]):
        raise InvalidPrecondition("this is the only administrator who can sign in; make another one first")


def is_last_administrator(tx: Tx, operator_id: str) -> bool:
    """Whether nobody but this person could manage the deployment."""
    active = select(operators.c.operator_id).join(workers, workers.c.worker_id == operators.c.operator_id)
    active = active.where(workers.c.scope == DEPLOYMENT, workers.c.disabled_at.is_(None))
    active = active.where(operators.c.role == "administrator")
    return set(tx.connection.scalars(active)) == {operator_id}


def _drop(tx: Tx, operator_id: str, experiment_id: str) -> None:
    which = (experiment_roles.c.operator_id == operator_id) & (experiment_roles.c.experiment_id == experiment_id)
    tx.connection.execute(delete(experiment_roles).where(which))


def _set(tx: Tx, operator_id: str, **values: Any) -> None:
    tx.connection.execute(update(operators).where(operators.c.operator_id == operator_id).values(**values))


def _tell(tx: Tx, operator_id: str, **what: Any) -> None:
    tx.tell("operator.changed", operator_id=operator_id, by=tx.caller.worker_id, **what)
