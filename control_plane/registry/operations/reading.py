"""Experiments read: the protocol's runtime object, the list and the detail."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import RowMapping, Select, select

from control_plane.db import tally
from control_plane.db.tables import experiments, scores
from control_plane.db.transaction import Tx
from control_plane.registry.operations import people
from control_plane.registry.rules import config as configs
from control_plane.registry.rules.objective import single_metric
from store_client.wire.calls.experiments import ExperimentFilter
from store_client.wire.experiments import (
    AutomationMode,
    Counts,
    DispatchMode,
    Experiment,
    ExperimentDetail,
    ExperimentLine,
    ExperimentState,
    ExperimentSummary,
    Objective,
    Status,
    Step,
)

TOLD = ("experiment_id", "slug", "name", "created_at", "updated_at", "archived_at", "best_variant_id")
WHOLE = ("description", "hypothesis", "kind", "base_commit_sha", "ended_at", "end_reason")


def read_runtime(tx: Tx) -> Experiment:
    """The protocol's runtime object."""
    row = tx.experiment
    return Experiment(
        experiment_id=row["experiment_id"],
        name=row["name"],
        state=tx.status.state,
        created_at=row["created_at"],
        base_commit_sha=row["base_commit_sha"],
        imported_from=row["imported_from"],
    )


def read_state(tx: Tx) -> ExperimentState:
    return ExperimentState(state=tx.status.state)


def read_dispatch_mode(tx: Tx) -> DispatchMode:
    return DispatchMode.model_validate(tx.experiment["dispatch_mode"])


def list_summaries(tx: Tx, query: ExperimentFilter) -> tuple[ExperimentSummary, ...]:
    """Every experiment with its scores and counts, newest first, in two queries."""
    statement = scored().order_by(experiments.c.created_at.desc(), experiments.c.experiment_id.desc())
    statement = statement.where(people.visible(tx))
    if query.status is not None:
        statement = statement.where(experiments.c.status == query.status.value)
    if query.slug is not None:
        statement = statement.where(experiments.c.slug == query.slug.replace("\x00", ""))
    if query.wanted_ids is not None:
        statement = statement.where(experiments.c.experiment_id.in_(query.wanted_ids))
    return summaries(tx, tx.connection.execute(statement).mappings().all())


def read_summary(tx: Tx) -> ExperimentSummary:
    return summaries(tx, [_one(tx)])[0]


def read_detail(tx: Tx, *, git_root: str = "") -> ExperimentDetail:
    """The experiment whole; `git_root` is this server's URL, or empty for a path relative to it."""
    row, whole = _one(tx), tx.experiment
    config = whole["config"]
    return ExperimentDetail(
        **_summary_fields(row, tally.read(tx.connection, tx.experiment_id)),
        **{key: whole[key] for key in WHOLE},
        config=config,
        dispatch_mode=read_dispatch_mode(tx),
        parallel_variants=config["parallel_variants"],
        evaluation_schema=config["evaluation_schema"],
        commands=configs.commands(config),
        git_url=f"{git_root}/git/{tx.experiment_id}.git" if whole["base_commit_sha"] else None,
    )


def to_counts(counters: Mapping[str, int]) -> Counts:
    """The maintained counters of one experiment as lists show them."""
    open_states = (".pending", ".claimed", ".submitted")
    return Counts(
        ideas=counters.get("ideas", 0),
        variants=counters.get("variants", 0),
        evaluated=counters.get("variants.success", 0),
        integrated=counters.get("variants.integrated", 0),
        failed=counters.get("variants.error", 0) + counters.get("variants.evaluation_error", 0),
        starting=counters.get("variants.starting", 0),
        tasks={
            name.removeprefix("tasks."): total
            for name, total in counters.items()
            if name.startswith("tasks.") and name.endswith(open_states) and total
        },
    )


def scored() -> Select[Any]:
    """What lists tell of experiments; of their configs, which are long, the objective alone."""
    of = (experiments.c[name] for name in (*TOLD[:-1], "status", "tags", "automation"))
    told = (scores.c[name] for name in ("baseline_value", "best_value", "best_variant_id", "best_label", "steps"))
    return select(*of, experiments.c.config["objective"].label("objective"), *told).outerjoin_from(
        experiments, scores, scores.c.experiment_id == experiments.c.experiment_id
    )


def _one(tx: Tx) -> RowMapping:
    return tx.connection.execute(scored().where(experiments.c.experiment_id == tx.experiment_id)).mappings().one()


def summaries(tx: Tx, rows: Sequence[RowMapping]) -> tuple[ExperimentSummary, ...]:
    counters = tally.read_many(tx.connection, [row["experiment_id"] for row in rows])
    return tuple(ExperimentSummary(**_summary_fields(row, counters.get(row["experiment_id"], {}))) for row in rows)


def lines(tx: Tx, rows: Sequence[RowMapping]) -> tuple[ExperimentLine, ...]:
    """Experiments as a page of a list shows them."""
    counters = tally.read_many(tx.connection, [row["experiment_id"] for row in rows])
    return tuple(
        ExperimentLine(
            **_summary_fields(row, counters.get(row["experiment_id"], {})),
            best_label=row["best_label"],
            steps=tuple(Step(number=int(number), value=value) for number, value in row["steps"] or ()),
            last_event_at=row["last_event_at"],
        )
        for row in rows
    )


def _summary_fields(row: RowMapping, counters: Mapping[str, int]) -> dict[str, Any]:
    objective = Objective.model_validate(row["objective"])
    return {
        **{key: row[key] for key in TOLD},
        "tags": tuple((row["tags"] or "").split()),
        "status": Status(row["status"]),
        "objective": objective,
        "metric": single_metric(objective.expr),
        "baseline": row["baseline_value"],
        "best": row["best_value"],
        "counts": to_counts(counters),
        "automation": AutomationMode.model_validate(row["automation"]),
    }
