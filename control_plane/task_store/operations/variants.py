"""Variants: started by workers, ended by their tasks, given up or integrated (protocol §5.2, §5.3, §5.7, §5.8)."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import RowMapping, bindparam, func, select

from control_plane.db import identities
from control_plane.db.question import Question
from control_plane.db.transaction import Tx
from control_plane.task_store import records, rows
from control_plane.task_store.operations import courses, descent, progress, whole
from control_plane.task_store.rules import ideas as idea_rules
from control_plane.task_store.rules import payloads
from control_plane.task_store.rules import variants as rules
from control_plane.task_store.tables import IS_BASELINE, variants
from store_client.errors import AlreadyExists, Forbidden
from store_client.wire.calls.variants import VariantFilter
from store_client.wire.variants import CreateVariant, IntegrateVariant, Variant, VariantStatus

_HERE = variants.c.experiment_id == bindparam("here")
_OF_BRANCH = Question(select(variants.c.variant_id).where(_HERE, variants.c.branch == bindparam("branch")).limit(1))
_BASELINE = Question(select(variants.c.variant_id).where(_HERE, IS_BASELINE).limit(1))
_INTEGRATED = Question(select(func.coalesce(func.max(variants.c.integration_number), 0).label("number")).where(_HERE))


def create(tx: Tx, body: CreateVariant) -> Variant:
    """Start a variant of an idea, or the experiment's one baseline."""
    is_baseline = body.kind is not None
    if is_baseline and not identities.is_in_named(tx.connection, tx.caller, ("orchestrators",)):
        raise Forbidden("a baseline needs membership in orchestrators")
    idea_rules.must_be_in(tx.experiment_id, body.experiment_id)
    _must_be_free(tx, body)
    (_must_be_a_baseline if is_baseline else _must_be_ordinary)(tx, body)
    _insert(tx, body)
    _tell_started(tx, body)
    if body.status is VariantStatus.SUCCESS:
        _tell_success(tx, rows.variant(tx, body.variant_id))
    return read(tx, body.variant_id)


def read(tx: Tx, variant_id: str) -> Variant:
    return records.variant(rows.variant(tx, variant_id))


def list_all(tx: Tx, query: VariantFilter) -> Iterator[Variant]:
    """Every variant of the experiment, oldest first."""
    wanted = select(variants).where(variants.c.experiment_id == tx.experiment_id)
    if query.status is not None:
        wanted = wanted.where(variants.c.status == query.status)
    return whole.read(tx, wanted, variants.c.number, records.variant)


def declare_evaluation_error(tx: Tx, variant_id: str) -> None:
    """Give up evaluating; nothing that earlier attempts measured is kept."""
    _end_badly(tx, "declare_evaluation_error", rows.variant(tx, variant_id))
    tx.tell("variant.evaluation_errored", variant_id=variant_id)


def integrate(tx: Tx, variant_id: str, body: IntegrateVariant) -> None:
    """Record the canonical commit, once; the same commit again changes nothing."""
    if not rules.must_be_integrable(rows.variant(tx, variant_id), body.variant_commit_sha):
        return
    last = tx.first(_INTEGRATED, here=tx.experiment_id)
    number = (last["number"] if last is not None else 0) + 1
    commit = body.variant_commit_sha
    rows.change(tx, variants, variant_id, variant_commit_sha=commit, integration_number=number)
    descent.own(tx, variant_id, commit)
    tx.count("variants.integrated", 1)
    tx.tell("variant.integrated", variant_id=variant_id, variant_commit_sha=commit)


def succeed(tx: Tx, variant: RowMapping, evaluation: dict[str, Any], **changes: Any) -> None:
    """End a variant well, with metrics that satisfy the schema, and score it."""
    value = progress.value_of(tx, evaluation)
    _move(tx, "succeed", variant, evaluation=evaluation, objective_value=value, completed_at=tx.now, **changes)
    _tell_success(tx, rows.variant(tx, variant["variant_id"]))


def accept(tx: Tx, variant_id: str, commit: str, **credit: Any) -> None:
    """Give a variant the commit of its execution."""
    rows.change(tx, variants, variant_id, commit_sha=commit, **credit)
    descent.own(tx, variant_id, commit)


def fail(tx: Tx, variant: RowMapping, **changes: Any) -> None:
    """End a variant badly."""
    _end_badly(tx, "fail", variant, **changes)
    tx.tell("variant.errored", variant_id=variant["variant_id"])


def fail_starting_of(tx: Tx, idea_id: str) -> None:
    """End badly whatever an abandoned execution attempt of this idea has started."""
    left = select(variants).where(
        variants.c.experiment_id == tx.experiment_id,
        variants.c.idea_id == idea_id,
        variants.c.status == VariantStatus.STARTING,
        variants.c.kind.is_(None),
    )
    for variant in tx.connection.execute(left.order_by(variants.c.number)).mappings().all():
        fail(tx, variant)


def _must_be_free(tx: Tx, body: CreateVariant) -> None:
    if rows.find(tx, variants, body.variant_id) is not None:
        raise AlreadyExists(f"variant {body.variant_id} exists")
    if body.branch is not None and tx.first(_OF_BRANCH, here=tx.experiment_id, branch=body.branch) is not None:
        raise AlreadyExists(f"branch {body.branch} belongs to another variant")
    if body.kind is not None and tx.first(_BASELINE, here=tx.experiment_id) is not None:
        raise AlreadyExists("the experiment has its baseline")


def _must_be_ordinary(tx: Tx, body: CreateVariant) -> None:
    rules.must_start(body)
    rules.must_follow(body, rows.idea(tx, str(body.idea_id))["parent_commits"])


def _must_be_a_baseline(tx: Tx, body: CreateVariant) -> None:
    rules.must_be_the_seed(body, tx.experiment["base_commit_sha"])
    payloads.to_json(body.evaluation or {})
    rules.must_begin_or_be_scored(body, tx.experiment["config"]["evaluation_schema"])
    if body.idea_id is not None:
        rows.idea(tx, body.idea_id)


def _insert(tx: Tx, body: CreateVariant) -> None:
    given = ("variant_id", "kind", "idea_id", "status", "branch", "description", "evaluation")
    rows.add(
        tx,
        variants,
        **{name: getattr(body, name) for name in (*given, "started_at", "completed_at")},
        parent_commits=list(body.parent_commits),
        # An execution's commit counts once its submission is accepted; the seed's counts at once.
        commit_sha=body.commit_sha if body.kind is not None else None,
        objective_value=progress.value_of(tx, body.evaluation) if body.evaluation is not None else None,
        created_by=tx.caller.worker_id,
    )
    descent.begin(tx, body.variant_id, body.parent_commits)
    if body.kind is not None and body.commit_sha is not None:
        descent.own(tx, body.variant_id, body.commit_sha)
    tx.count("variants", 1)
    tx.count(f"variants.{body.status}", 1)


def _tell_started(tx: Tx, body: CreateVariant) -> None:
    named = {"idea_id": body.idea_id, "kind": body.kind}
    tx.tell("variant.started", variant_id=body.variant_id, **{key: name for key, name in named.items() if name})


def _tell_success(tx: Tx, variant: RowMapping) -> None:
    progress.record(tx, variant)
    courses.end(tx, variant)
    tx.tell("variant.succeeded", variant_id=variant["variant_id"], commit_sha=variant["commit_sha"])


def _end_badly(tx: Tx, act: str, variant: RowMapping, **changes: Any) -> None:
    status = rules.move(act, variant)
    _move(tx, act, variant, completed_at=tx.now, **changes)
    courses.end(tx, {**variant, "status": status, "evaluation": None, "objective_value": None})


def _move(tx: Tx, act: str, variant: RowMapping, **changes: Any) -> None:
    status = rules.move(act, variant)
    rows.change(tx, variants, variant["variant_id"], status=status, **changes)
    tx.recount(f"variants.{variant['status']}", f"variants.{status}")
