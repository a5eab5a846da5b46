"""Which experiments wait for a person, and for which: drafts for administrators, pending tasks for whoever may act."""

from sqlalchemy import ColumnElement, and_, func, literal, or_, select

from control_plane.db.tables import experiments, tallies
from control_plane.db.transaction import Tx
from control_plane.registry.operations import people
from control_plane.registry.tables import experiment_roles
from store_client.wire.experiments import ROLES, Status

KINDS = {"ideator": "ideation", "executor": "execution", "evaluator": "evaluation"}
ACTING = ("operator", "administrator")
"""The roles that do more than look."""


def caller(tx: Tx) -> ColumnElement[bool]:
    """Whether the caller is waited for; whoever is no operator is told of what waits for anybody."""
    person = None if tx.caller.is_admin else people.find_active(tx, tx.caller.worker_id)
    role = None if person is None else people.role_of(person)
    if role is None or role == "administrator":
        return or_(experiments.c.status == Status.DRAFT.value, _has_work())
    return _has_work() if role in ACTING else and_(_has_work(), _acts_there(tx.caller.worker_id))


def _has_work() -> ColumnElement[bool]:
    """Whether it runs, and a role that is done by hand has pending tasks."""
    automation = experiments.c.automation
    by_hand = [
        and_(func.coalesce(automation[role].as_string(), "manual") == "manual", _has_pending(KINDS[role]))
        for role in ROLES
    ]
    return and_(experiments.c.status == Status.RUNNING.value, or_(*by_hand))


def _has_pending(kind: str) -> ColumnElement[bool]:
    counted = select(literal(1)).where(
        tallies.c.experiment_id == experiments.c.experiment_id,
        tallies.c.name == f"tasks.{kind}.pending",
        tallies.c.total > 0,
    )
    return counted.correlate(experiments).exists()


def _acts_there(operator_id: str) -> ColumnElement[bool]:
    given = people.own_experiments(operator_id).where(experiment_roles.c.role.in_(ACTING))
    return experiments.c.experiment_id.in_(given)
