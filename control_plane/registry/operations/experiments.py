"""Experiments come to be: through `/api`, from the examples, or given to a server at its start."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select

from control_plane.db.tables import experiments
from control_plane.db.transaction import Tx
from control_plane.registry.operations import groups, registrations
from control_plane.registry.rules import names
from control_plane.registry.rules.plans import Plan
from store_client.errors import AlreadyExists, ExperimentIdConflict

RESERVED = ("admins", "orchestrators")


@dataclass(frozen=True)
class Seeded:
    """The id under which an experiment's repository was made, and its first commit; none without files."""

    experiment_id: str
    base_commit_sha: str | None = None


def create(tx: Tx, plan: Plan, seeded: Seeded, *, has_groups: bool = True) -> Tx:
    """Write the experiment and its reserved groups; the transaction as seen from it."""
    inside = tx.at(seeded.experiment_id)
    if exists(inside):
        raise ExperimentIdConflict(f"there is an experiment {seeded.experiment_id} already")
    slug = _free_slug(tx, plan)
    tx.connection.execute(insert(experiments).values(_row(inside, plan, slug, seeded.base_commit_sha)))
    registrations.register(inside, seeded.experiment_id, plan.name)
    inside.tell("experiment.created", name=plan.name, slug=slug, status=plan.status.value)
    if has_groups:
        for name in RESERVED:
            groups.make(inside, name)
    return inside


def host(tx: Tx, plan: Plan, seeded: Seeded) -> Tx:
    """The experiment with this id, made without groups unless it is there already."""
    inside = tx.at(seeded.experiment_id)
    return inside if exists(inside) else create(tx, plan, seeded, has_groups=False)


def exists(tx: Tx) -> bool:
    """Whether there is an experiment in this transaction's scope."""
    query = select(experiments.c.experiment_id).where(experiments.c.experiment_id == tx.experiment_id)
    return tx.connection.scalar(query) is not None


def _row(tx: Tx, plan: Plan, slug: str, base_commit_sha: str | None) -> dict[str, Any]:
    row = {
        "experiment_id": tx.experiment_id,
        "slug": slug,
        "name": plan.name,
        "status": plan.status.value,
        "config": dict(plan.config),
        "config_text": plan.config_text,
        "dispatch_mode": plan.config["dispatch_mode"],
        "automation": plan.automation.to_wire(),
        "base_commit_sha": base_commit_sha,
        "created_at": tx.now,
        "updated_at": tx.now,
    }
    return {**row, **{key: plan.config.get(key) for key in ("kind", "description", "hypothesis")}}


def _free_slug(tx: Tx, plan: Plan) -> str:
    beginning = experiments.c.slug.startswith(plan.slug, autoescape=True)
    taken = set(tx.connection.scalars(select(experiments.c.slug).where(beginning)))
    if plan.is_slug_exact and plan.slug in taken:
        raise AlreadyExists(f"the slug {plan.slug} is taken")
    return names.free_slug(plan.slug, taken)
