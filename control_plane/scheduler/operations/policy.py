"""The policy of the queue: read for planning, read and set by people."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import RowMapping, delete, insert, select, update

from control_plane.db.tables import DEPLOYMENT, experiments, workers
from control_plane.db.transaction import Tx
from control_plane.scheduler.operations import standing, usage
from control_plane.scheduler.policy_tables import policies, shares
from control_plane.scheduler.rules.board import Policy, Quota
from store_client.errors import NotFound
from store_client.wire.policy import (
    ExperimentShare,
    OperatorShare,
    QueuePolicy,
    SetExperimentShare,
    SetOperatorShare,
    SetPolicy,
    Shares,
)

Kind = Literal["experiment", "operator"]
QUOTAS = ("gpus", "cpus", "jobs")


def read(tx: Tx) -> Policy:
    """The policy as planning takes it."""
    settings, rows = _settings(tx), _shares(tx)
    mine = {row["who"]: row for row in rows if row["kind"] == "experiment"}
    theirs = {row["who"]: row for row in rows if row["kind"] == "operator"}
    return Policy(
        ageing_seconds=settings["ageing_seconds"],
        weights={of: row["weight"] for of, row in mine.items()},
        experiment_quotas={of: _quota(row) for of, row in mine.items()},
        operator_quotas={of: _quota(row) for of, row in theirs.items()},
        may_preempt=settings["may_preempt"],
        resting=standing.resting(tx),
        identities=_identities(tx, list(theirs)),
    )


@dataclass(frozen=True)
class Terms:
    """The policy, and what it is applied to."""

    policy: Policy = field(default_factory=Policy)
    usage: Mapping[str, float] = field(default_factory=dict)


def terms(tx: Tx) -> Terms:
    """What a situation takes from here."""
    return Terms(read(tx), usage.read(tx))


def show(tx: Tx) -> QueuePolicy:
    """The settings."""
    settings = _settings(tx)
    starvation = Policy(ageing_seconds=settings["ageing_seconds"]).starvation_seconds
    return QueuePolicy.model_validate({**settings, "starvation_seconds": starvation})


def change(tx: Tx, body: SetPolicy) -> QueuePolicy:
    """Change the settings that the body names."""
    before = _settings(tx)
    changes = body.model_dump(exclude_none=True)
    values = {**before, **changes, "updated_at": tx.now, "updated_by": tx.caller.worker_id}
    if tx.connection.execute(update(policies).values(**values)).rowcount == 0:
        tx.connection.execute(insert(policies).values(policy_id=1, **values))
    tx.tell("queue.policy_changed", by=tx.caller.worker_id, **changes)
    return show(tx)


def show_shares(tx: Tx) -> Shares:
    """What experiments and operators may have, and what experiments used."""
    rows, had = _shares(tx), usage.read(tx)
    mine = {row["who"]: row for row in rows if row["kind"] == "experiment"}
    theirs = [row for row in rows if row["kind"] == "operator"]
    return Shares(
        experiments=tuple(_experiment(of, mine.get(of), had) for of in sorted(mine.keys() | had.keys())),
        operators=tuple(_operator(row) for row in theirs),
    )


def set_experiment_share(tx: Tx, of: str, body: SetExperimentShare) -> ExperimentShare:
    """Replace what an experiment may have."""
    if tx.connection.scalar(select(experiments.c.experiment_id).where(experiments.c.experiment_id == of)) is None:
        raise NotFound(f"there is no experiment {of}")
    values = body.model_dump()
    _save(tx, "experiment", of, values)
    return _experiment(of, values, usage.read(tx))


def set_operator_share(tx: Tx, of: str, body: SetOperatorShare) -> OperatorShare:
    """Replace what an operator's jobs may have together."""
    query = select(workers.c.worker_id).where(workers.c.scope == DEPLOYMENT, workers.c.worker_id == of)
    if tx.connection.scalar(query) is None:
        raise NotFound(f"there is no operator {of} in the deployment")
    values = {"weight": 1.0, **body.model_dump()}
    _save(tx, "operator", of, values)
    return _operator({"who": of, **values})


def _save(tx: Tx, kind: Kind, of: str, values: dict[str, Any]) -> None:
    mine = (shares.c.kind == kind) & (shares.c.who == of)
    tx.connection.execute(delete(shares).where(mine))
    if values["weight"] != 1 or any(values[quota] is not None for quota in QUOTAS):
        tx.connection.execute(insert(shares).values(kind=kind, who=of, **values))
    said = {key: value for key, value in values.items() if value is not None}
    tx.tell("queue.share_changed", kind=kind, who=of, by=tx.caller.worker_id, **said)


def _settings(tx: Tx) -> dict[str, Any]:
    row = tx.connection.execute(select(policies)).mappings().first()
    if row is not None:
        return {name: value for name, value in row.items() if name != "policy_id"}
    standard = Policy()
    return {
        "ageing_seconds": standard.ageing_seconds,
        "may_preempt": standard.may_preempt,
        "half_life_seconds": usage.HALF_LIFE_SECONDS,
    }


def _shares(tx: Tx) -> list[RowMapping]:
    return list(tx.connection.execute(select(shares).order_by(shares.c.kind, shares.c.who)).mappings())


def _identities(tx: Tx, operators: list[str]) -> dict[str, str]:
    """The workers of these operators in experiments, and whose they are."""
    if not operators:
        return {}
    query = select(workers.c.worker_id, workers.c.deployment_worker_id)
    found = tx.connection.execute(query.where(workers.c.deployment_worker_id.in_(operators)))
    return {row.worker_id: row.deployment_worker_id for row in found}


def _quota(row: RowMapping) -> Quota:
    return Quota(row["gpus"], row["cpus"], row["jobs"])


def _experiment(of: str, row: RowMapping | dict[str, Any] | None, had: Mapping[str, float]) -> ExperimentShare:
    quotas = {name: row[name] for name in QUOTAS} if row is not None else {}
    weight = row["weight"] if row is not None else 1.0
    return ExperimentShare(experiment_id=of, weight=weight, used_seconds=round(had.get(of, 0.0), 3), **quotas)


def _operator(row: RowMapping | dict[str, Any]) -> OperatorShare:
    return OperatorShare(operator_id=row["who"], **{name: row[name] for name in QUOTAS})
