"""What a dispatcher asks about an experiment: every answer is read through an index, or is a maintained count."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping, Select, Table, func, select

from control_plane.db import tally
from control_plane.db.transaction import Tx
from control_plane.task_store import records, rows
from control_plane.task_store.rules import variants as rules
from control_plane.task_store.tables import (
    IS_BASELINE,
    IS_EVALUABLE,
    IS_INTEGRABLE,
    IS_LIVE,
    IS_SUBMITTED,
    ideas,
    submissions,
    tasks,
    variants,
)
from store_client.wire.ideas import Idea, IdeaState
from store_client.wire.tasks import Task
from store_client.wire.variants import Variant


@dataclass(frozen=True)
class Submitted:
    """A task that waits for a decision, and what its worker handed in."""

    task: Task
    payload: dict[str, Any]


@dataclass(frozen=True)
class Evaluable:
    """A variant that waits for an evaluation, and how many ended without a verdict."""

    variant: Variant
    evaluation_attempts: int


@dataclass(frozen=True)
class Integrable:
    """A success that waits for its canonical commit, and the slug of its idea."""

    variant: Variant
    slug: str


@dataclass(frozen=True)
class Ideations:
    """How many ideation tasks wait for a worker, and how many there have ever been."""

    pending: int
    total: int


def submitted(tx: Tx, limit: int = 100) -> list[Submitted]:
    """Submitted tasks, oldest first."""
    wanted = _of(tx, tasks).where(IS_SUBMITTED).order_by(tasks.c.number).limit(limit)
    found = _rows(tx, wanted)
    held = _of(tx, submissions).where(submissions.c.task_id.in_([row["task_id"] for row in found]))
    payloads = {row["task_id"]: row["payload"] for row in _rows(tx, held)}
    return [Submitted(records.task(row), payloads[row["task_id"]]) for row in found]


def ready_ideas(tx: Tx, limit: int = 100) -> list[Idea]:
    """Ideas without an execution task, highest priority first: creating the task takes an idea out of `ready`."""
    wanted = _of(tx, ideas).where(ideas.c.state == IdeaState.READY)
    return [
        records.idea(row) for row in _rows(tx, wanted.order_by(ideas.c.priority.desc(), ideas.c.number).limit(limit))
    ]


def evaluable(tx: Tx, limit: int = 100) -> list[Evaluable]:
    """Starting variants with a commit and no live evaluation task, oldest first."""
    live = select(tasks.c.subject_id).where(tasks.c.experiment_id == tx.experiment_id, tasks.c.kind == "evaluation")
    live = live.where(IS_LIVE, tasks.c.subject_id == variants.c.variant_id)
    wanted = _of(tx, variants).where(IS_EVALUABLE, ~live.exists()).order_by(variants.c.number).limit(limit)
    return [Evaluable(records.variant(row), row["evaluation_attempts"]) for row in _rows(tx, wanted)]


def integrable(tx: Tx, limit: int = 100) -> list[Integrable]:
    """Successes that are not integrated, oldest first; never the baseline."""
    wanted = _of(tx, variants).where(IS_INTEGRABLE).order_by(variants.c.number).limit(limit)
    found = _rows(tx, wanted)
    named = _of(tx, ideas).where(ideas.c.idea_id.in_([row["idea_id"] for row in found]))
    slugs = {row["idea_id"]: row["slug"] for row in _rows(tx, named)}
    return [Integrable(records.variant(row), slugs[row["idea_id"]]) for row in found]


def to_integrate(tx: Tx, variant_id: str) -> Integrable:
    """A variant that waits for its integration, or has got it; InvalidPrecondition for any other."""
    row = rows.variant(tx, variant_id)
    rules.must_be_success(row)
    return Integrable(records.variant(row), rows.idea(tx, row["idea_id"])["slug"])


def in_flight(tx: Tx) -> int:
    """How many variants are being made or measured: live execution tasks, and their fruits without a verdict.

    What an executor leaves behind besides its submitted variant is never measured, so it does not count.
    """
    waiting = select(func.count()).where(variants.c.experiment_id == tx.experiment_id, IS_EVALUABLE)
    return executing(tx) + (tx.connection.scalar(waiting.where(variants.c.kind.is_(None))) or 0)


def executing(tx: Tx) -> int:
    """How many execution tasks are live."""
    return executing_of(tally.read(tx.connection, tx.experiment_id))


def executing_of(counts: Mapping[str, int]) -> int:
    """How many execution tasks are live by an experiment's counters."""
    return sum(counts.get(f"tasks.execution.{state}", 0) for state in ("pending", "claimed", "submitted"))


def in_hand(tx: Tx) -> int:
    """How many tasks are claimed, or wait for a decision."""
    counts = tally.read(tx.connection, tx.experiment_id)
    held = (name for name in counts if name.startswith("tasks.") and name.endswith((".claimed", ".submitted")))
    return sum(counts[name] for name in held)


def ideations(tx: Tx) -> Ideations:
    """Ideation tasks, whoever created them."""
    return ideations_of(tally.read(tx.connection, tx.experiment_id))


def ideations_of(counts: Mapping[str, int]) -> Ideations:
    """Ideation tasks by an experiment's counters."""
    total = sum(count for name, count in counts.items() if name.startswith("tasks.ideation."))
    return Ideations(counts.get("tasks.ideation.pending", 0), total)


def has_baseline(tx: Tx) -> bool:
    query = select(variants.c.variant_id).where(variants.c.experiment_id == tx.experiment_id, IS_BASELINE)
    return tx.connection.scalar(query) is not None


def attempted(tx: Tx) -> int:
    """How many variants were ever started, the baseline aside."""
    return tally.read(tx.connection, tx.experiment_id).get("variants", 0) - has_baseline(tx)


def integrated(tx: Tx) -> int:
    """How many variants are integrated."""
    return tally.read(tx.connection, tx.experiment_id).get("variants.integrated", 0)


def integrated_commits(tx: Tx) -> set[str]:
    """Every canonical commit on record."""
    query = select(variants.c.variant_commit_sha).where(variants.c.experiment_id == tx.experiment_id)
    return set(tx.connection.scalars(query.where(variants.c.variant_commit_sha.is_not(None))))


def integrated_metrics(tx: Tx, limit: int) -> list[dict[str, Any]]:
    """The metrics of the last integrated variants, oldest of them first."""
    wanted = _of(tx, variants).where(variants.c.integration_number.is_not(None))
    last = _rows(tx, wanted.order_by(variants.c.integration_number.desc()).limit(limit))
    return [row["evaluation"] or {} for row in reversed(last)]


def _of(tx: Tx, table: Table) -> Select[Any]:
    return select(table).where(table.c.experiment_id == tx.experiment_id)


def _rows(tx: Tx, query: Select[Any]) -> list[RowMapping]:
    return list(tx.connection.execute(query).mappings())
