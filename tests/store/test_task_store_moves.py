"""The state machines are tables: every pair of state and act is legal or refused, in the rules and in the house."""

from pathlib import Path
from typing import Any

import pytest

from control_plane.task_store.operations import claims, ideas, tasks, variants
from control_plane.task_store.rules import ideas as idea_rules
from control_plane.task_store.rules import tasks as task_rules
from control_plane.task_store.rules import variants as variant_rules
from control_plane.task_store.rules.moves import make
from store_client.errors import Refused
from store_client.wire.ideas import IdeaState
from store_client.wire.tasks import ClaimTask, ReassignTask, ReclaimTask, RejectTask, RenewClaim, SubmitTask, TaskState
from store_client.wire.variants import VariantStatus
from tests.store import states
from tests.store.task_house import TaskHouse, sha

DOCS = Path(__file__).parents[2] / "docs" / "states.md"
MACHINES: list[tuple[Any, Any]] = [
    (task_rules.MOVES, TaskState),
    (idea_rules.MOVES, IdeaState),
    (variant_rules.MOVES, VariantStatus),
]
PAIRS = [(moves, act, state) for moves, kind in MACHINES for act in moves for state in kind]


@pytest.mark.parametrize(("moves", "act", "state"), PAIRS)
def test_an_act_leaves_only_the_states_of_its_row(moves: Any, act: str, state: Any) -> None:
    if state in moves[act].sources:
        assert make(moves, act, state, "it") == moves[act].target
    else:
        with pytest.raises(moves[act].refusal):
            make(moves, act, state, "it")


def test_nothing_leaves_a_terminal_state() -> None:
    for moves, kind in MACHINES:
        left = {state for move in moves.values() for state in move.sources}
        assert {TaskState.COMPLETED, TaskState.FAILED, IdeaState.COMPLETED}.isdisjoint(left)
        assert set(kind) - left, "a machine without an end"


def test_the_page_of_states_is_the_one_that_the_tables_draw() -> None:
    assert DOCS.read_text(encoding="utf-8") == states.draw()


def bring(store: TaskHouse, task_id: str, state: TaskState) -> None:
    """Take a pending ideation task to a state."""
    if state is not TaskState.PENDING:
        store.claim(task_id)
    if state not in {TaskState.PENDING, TaskState.CLAIMED}:
        store.submit(task_id, idea_ids=[], status="success")
    if state is TaskState.COMPLETED:
        store.accept(task_id)
    if state is TaskState.FAILED:
        store.reject(task_id)


ACTS: dict[str, tuple[str, Any, Any]] = {
    "claim": ("bob", tasks.claim, ClaimTask()),
    "renew": ("bob", claims.renew, RenewClaim(seconds=60)),
    "submit": ("bob", tasks.submit, SubmitTask(payload={"idea_ids": [], "status": "success"})),
    "accept": ("orchestrators", tasks.accept, None),
    "reject": ("orchestrators", tasks.reject, RejectTask(reason="worker_error")),
    "reclaim": ("eve", tasks.reclaim, ReclaimTask(cause="operator")),
    "reassign": ("admins", tasks.reassign, ReassignTask(new_target=None, reason="because")),
}


def test_tasks_obey_the_table(store: TaskHouse) -> None:
    for act in task_rules.MOVES:
        for state in TaskState:
            _try(store, act, state)


def _try(store: TaskHouse, act: str, state: TaskState) -> None:
    task_id = store.task()
    bring(store, task_id, state)
    before = store.told()
    name, operation, body = ACTS[act]
    arguments = (task_id,) if body is None else (task_id, body)
    if state in task_rules.MOVES[act].sources:
        store.act(name, operation, *arguments)
        assert store.see(tasks.read, task_id).state == task_rules.MOVES[act].target
    elif (act, state) == ("submit", TaskState.SUBMITTED):
        store.act(name, operation, *arguments)  # the same result again: nothing happens
        assert store.told() == before
    else:
        with pytest.raises(task_rules.MOVES[act].refusal):
            store.act(name, operation, *arguments)
        assert (store.see(tasks.read, task_id).state, store.told()) == (state, before)


def test_only_a_drafting_idea_is_marked_ready(store: TaskHouse) -> None:
    for state in IdeaState:
        _try_to_mark_ready(store, state)


def _try_to_mark_ready(store: TaskHouse, state: IdeaState) -> None:
    idea_id = store.idea(is_ready=state is not IdeaState.DRAFTING)
    if state in {IdeaState.DISPATCHED, IdeaState.COMPLETED}:
        task_id = store.task("execution", idea_id)
        if state is IdeaState.COMPLETED:
            store.claim(task_id)
            variant_id = store.variant(idea_id)
            store.submit(task_id, variant_id=variant_id, status="success", commit_sha=sha(1))
            store.accept(task_id)
    assert store.see(ideas.read, idea_id).state == state
    if state is IdeaState.DRAFTING:
        assert store.act("eve", ideas.mark_ready, idea_id).state == IdeaState.READY
    else:
        with pytest.raises(idea_rules.MOVES["mark_ready"].refusal):
            store.act("eve", ideas.mark_ready, idea_id)


def _variant_in(store: TaskHouse, status: VariantStatus) -> str:
    variant_id = store.executed()
    if status is VariantStatus.SUCCESS:
        store.evaluated(variant_id, accuracy=1)
    if status is VariantStatus.ERROR:
        task_id = store.evaluating(variant_id)
        store.submit(task_id, variant_id=variant_id, status="error")
        store.reject(task_id)
    if status is VariantStatus.EVALUATION_ERROR:
        store.act("bob", variants.declare_evaluation_error, variant_id)
    assert store.see(variants.read, variant_id).status == status
    return variant_id


def test_only_a_starting_variant_is_given_up(store: TaskHouse) -> None:
    for status in VariantStatus:
        _try_to_give_up(store, status)


def _try_to_give_up(store: TaskHouse, status: VariantStatus) -> None:
    variant_id = _variant_in(store, status)
    if status is VariantStatus.STARTING:
        store.act("eve", variants.declare_evaluation_error, variant_id)
        given_up = store.see(variants.read, variant_id)
        assert given_up.status == VariantStatus.EVALUATION_ERROR
        assert given_up.completed_at is not None
        assert store.told()[-1] == ("variant.evaluation_errored", {"variant_id": variant_id})
    else:
        with pytest.raises(Refused):
            store.act("eve", variants.declare_evaluation_error, variant_id)
