"""What a new task is about: it must exist, be in the right state and have no live task (protocol §4.2, §4.9)."""

from dataclasses import dataclass

from sqlalchemy import RowMapping, bindparam, select

from control_plane.db.question import Question
from control_plane.db.transaction import Tx
from control_plane.task_store import rows
from control_plane.task_store.rules import tasks as rules
from control_plane.task_store.tables import IS_LIVE, tasks
from store_client.errors import AlreadyExists, BadRequest, InvalidPrecondition
from store_client.wire.tasks import CreateTask, Target
from store_client.wire.variants import VariantStatus

LONGEST_TITLE = 200
_LIVE = Question(
    select(tasks.c.task_id)
    .where(tasks.c.experiment_id == bindparam("here"), tasks.c.kind == bindparam("kind"))
    .where(tasks.c.subject_id == bindparam("subject"), IS_LIVE)
    .limit(1)
)


@dataclass(frozen=True)
class Subject:
    """What a task inherits from what it is about."""

    id: str | None = None
    title: str | None = None
    priority: float = 0.0
    target: Target | None = None


def of(tx: Tx, body: CreateTask) -> Subject:
    """The subject of a new task, once nothing speaks against working on it."""
    id_ = rules.subject_of(body.kind, body.payload)
    if id_ is None:
        return _of_ideation(tx, body)
    return _of_execution(tx, id_) if body.kind == "execution" else _of_evaluation(tx, id_)


def _of_ideation(tx: Tx, body: CreateTask) -> Subject:
    if body.payload["experiment_id"] != tx.experiment_id:
        raise BadRequest(f"payload.experiment_id must be {tx.experiment_id}")
    return Subject()


def _of_execution(tx: Tx, idea_id: str) -> Subject:
    idea = rows.idea(tx, idea_id)
    _must_have_no_live_task(tx, "execution", idea_id)
    return Subject(idea_id, _title(idea["slug"]), idea["priority"], _target(idea["intended_executor"]))


def _of_evaluation(tx: Tx, variant_id: str) -> Subject:
    variant = rows.variant(tx, variant_id)
    _must_have_no_live_task(tx, "evaluation", variant_id)
    _must_be_evaluable(variant)
    if variant["idea_id"] is None:
        return Subject(variant_id, _title(variant["kind"]))
    idea = rows.idea(tx, variant["idea_id"])
    is_baseline = variant["kind"] is not None
    target = None if is_baseline else _target(idea["intended_evaluator"])
    return Subject(variant_id, _title(variant["kind"] or idea["slug"]), idea["priority"], target)


def _title(called: str) -> str:
    """As much of a name as an index has room for."""
    return called[:LONGEST_TITLE]


def _must_be_evaluable(variant: RowMapping) -> None:
    if variant["status"] != VariantStatus.STARTING or variant["commit_sha"] is None:
        raise InvalidPrecondition(f"variant {variant['variant_id']} is {variant['status']}, or has no commit yet")


def _must_have_no_live_task(tx: Tx, kind: str, subject_id: str) -> None:
    live = tx.first(_LIVE, here=tx.experiment_id, kind=kind, subject=subject_id)
    if live is not None:
        raise AlreadyExists(f"{kind} task {live['task_id']} of {subject_id} is not finished")


def _target(wire: dict[str, str] | None) -> Target | None:
    return None if wire is None else Target.model_validate(wire)
