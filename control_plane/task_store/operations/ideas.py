"""Ideas: drafted and marked ready by workers; dispatched and completed with their execution task (protocol §5.1)."""

from collections.abc import Iterator

from sqlalchemy import RowMapping, bindparam, select

from control_plane.db.question import Question
from control_plane.db.transaction import Tx
from control_plane.task_store import records, rows
from control_plane.task_store.operations import whole
from control_plane.task_store.rules import ideas as rules
from control_plane.task_store.tables import ideas
from store_client.errors import AlreadyExists
from store_client.wire.calls.ideas import IdeaFilter
from store_client.wire.ideas import CreatedIdea, CreateIdea, Idea, IdeaState

_TWIN = Question(
    select(ideas.c.idea_id)
    .where(ideas.c.experiment_id == bindparam("here"), ideas.c.slug == bindparam("slug"))
    .order_by(ideas.c.number)
    .limit(1)
)


def create(tx: Tx, body: CreateIdea) -> CreatedIdea:
    """Draft an idea; its author is the caller."""
    rules.must_be_in(tx.experiment_id, body.experiment_id)
    if rows.find(tx, ideas, body.idea_id) is not None:
        raise AlreadyExists(f"idea {body.idea_id} exists")
    warnings = _warnings(tx, body.slug)
    _insert(tx, body)
    tx.count("ideas", 1)
    tx.count("ideas.drafting", 1)
    tx.tell("idea.drafted", idea_id=body.idea_id)
    return CreatedIdea(**records.idea_fields(rows.idea(tx, body.idea_id)), warnings=warnings)


def mark_ready(tx: Tx, idea_id: str) -> Idea:
    """Make an idea dispatchable."""
    move(tx, "mark_ready", rows.idea(tx, idea_id))
    tx.tell("idea.ready", idea_id=idea_id)
    return read(tx, idea_id)


def read(tx: Tx, idea_id: str) -> Idea:
    return records.idea(rows.idea(tx, idea_id))


def list_all(tx: Tx, query: IdeaFilter) -> Iterator[Idea]:
    """Every idea of the experiment, oldest first."""
    wanted = select(ideas).where(ideas.c.experiment_id == tx.experiment_id)
    if query.state is not None:
        wanted = wanted.where(ideas.c.state == query.state)
    return whole.read(tx, wanted, ideas.c.number, records.idea)


def move(tx: Tx, act: str, idea: RowMapping) -> None:
    """Write the state after an act, and count it."""
    state = rules.move(act, idea)
    rows.change(tx, ideas, idea["idea_id"], state=state)
    tx.recount(f"ideas.{idea['state']}", f"ideas.{state}")


def _insert(tx: Tx, body: CreateIdea) -> None:
    executor, evaluator = body.intended_executor, body.intended_evaluator
    rows.add(
        tx,
        ideas,
        idea_id=body.idea_id,
        slug=body.slug,
        priority=float(body.priority),
        parent_commits=list(body.parent_commits),
        artifacts_uri=body.artifacts_uri,
        state=IdeaState.DRAFTING,
        intended_executor=executor and executor.to_wire(),
        intended_evaluator=evaluator and evaluator.to_wire(),
        created_at=body.created_at,
        created_by=tx.caller.worker_id,
    )


def _warnings(tx: Tx, slug: str) -> tuple[str, ...] | None:
    twin = tx.first(_TWIN, here=tx.experiment_id, slug=slug)
    return None if twin is None else (f"idea {twin['idea_id']} has the slug {slug} too",)
