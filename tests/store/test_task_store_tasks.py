"""Tasks are created, claimed, submitted and taken back as the protocol says (§4.2 to §4.9)."""

from typing import Any

import pytest

from control_plane.db import tally
from control_plane.db.transaction import ADMIN
from control_plane.task_store.operations import ideas, tasks, variants
from store_client.errors import (
    AlreadyExists,
    BadRequest,
    ConflictingResubmission,
    IllegalTransition,
    InvalidPrecondition,
    NoOpVariant,
    NotClaimed,
    NotFound,
    WorkerNotEligible,
    WorkerNotRegistered,
    WrongClaimant,
)
from store_client.wire.scalars import parse_time
from store_client.wire.tasks import ClaimTask, ReassignTask, ReclaimTask, SubmitTask, Target, TaskState
from tests.store.task_house import BASE, TaskHouse, sha

NOTHING: dict[str, Any] = {"idea_ids": [], "status": "success"}


def test_a_new_task_is_pending_and_credited_to_its_creator(store: TaskHouse) -> None:
    body = store.task_body("ideation", payload={"experiment_id": store.experiment_id, "hint": {"deep": [1.5, None]}})
    task = store.act("orchestrators", tasks.create, body)
    assert (task.state, task.created_by) == (TaskState.PENDING, store.id_of("orchestrators"))
    assert task.payload == body.payload
    assert (task.created_at, task.updated_at) == (body.created_at, body.updated_at)
    assert store.told() == [("task.created", {"task_id": task.task_id, "kind": "ideation"})]
    with pytest.raises(AlreadyExists):
        store.act("orchestrators", tasks.create, body)


def test_an_ideation_task_names_its_own_experiment(store: TaskHouse) -> None:
    with pytest.raises(BadRequest):
        store.act("orchestrators", tasks.create, store.task_body("ideation", payload={"experiment_id": "exp_other"}))


def test_an_execution_task_dispatches_its_idea_in_the_same_commit(store: TaskHouse) -> None:
    idea_id = store.idea(priority=7)
    task_id = store.task("execution", idea_id)
    assert store.see(ideas.read, idea_id).state == "dispatched"
    assert store.told()[-2:] == [
        ("task.created", {"task_id": task_id, "kind": "execution"}),
        ("idea.dispatched", {"idea_id": idea_id, "task_id": task_id}),
    ]


def test_an_execution_task_needs_a_ready_idea_without_a_live_task(store: TaskHouse) -> None:
    with pytest.raises(NotFound):
        store.task("execution", "nowhere")
    with pytest.raises(InvalidPrecondition):
        store.task("execution", store.idea(is_ready=False))
    task_id, idea_id, variant_id = store.executing()
    with pytest.raises(AlreadyExists):  # and not the state of the idea, which is dispatched already
        store.task("execution", idea_id)
    store.submit(task_id, variant_id=variant_id, status="error")
    store.reject(task_id)
    with pytest.raises(InvalidPrecondition):
        store.task("execution", idea_id)


def test_an_evaluation_task_needs_a_starting_variant_with_a_commit(store: TaskHouse) -> None:
    with pytest.raises(NotFound):
        store.task("evaluation", "nowhere")
    _, _, unfinished = store.executing()
    with pytest.raises(InvalidPrecondition):
        store.task("evaluation", unfinished)
    variant_id = store.executed(1)
    first = store.task("evaluation", variant_id)
    with pytest.raises(AlreadyExists):
        store.task("evaluation", variant_id)
    store.claim(first)
    store.submit(first, variant_id=variant_id, status="evaluation_error")
    store.reject(first)
    store.evaluated(variant_id, accuracy=1)  # the earlier task is terminal and the variant still starting
    with pytest.raises(InvalidPrecondition):
        store.task("evaluation", variant_id)


def test_a_target_is_given_or_inherited_from_the_idea(store: TaskHouse) -> None:
    bob, eve = (Target(kind="worker", id=store.id_of(name)) for name in ("bob", "eve"))
    group = Target(kind="group", id="grp_" + "0" * 26)
    assert store.see(tasks.read, store.task(target=group)).target == group
    idea_id = store.idea(intended_executor=bob, intended_evaluator=eve)
    execution = store.task("execution", idea_id)
    assert store.see(tasks.read, execution).target == bob
    store.claim(execution)
    variant_id = store.variant(idea_id)
    store.submit(execution, variant_id=variant_id, status="success", commit_sha=sha(1))
    store.accept(execution)
    assert store.see(tasks.read, store.task("evaluation", variant_id)).target == eve
    chosen = store.task("execution", store.idea(intended_executor=bob), target=eve)
    assert store.see(tasks.read, chosen).target == eve
    with pytest.raises(WorkerNotEligible):
        store.claim(chosen, "bob")
    assert store.claim(chosen, "eve").worker_id == store.id_of("eve")


def test_a_group_target_admits_its_members_through_other_groups(store: TaskHouse) -> None:
    inner = store.found("inner", store.id_of("bob"))
    outer = store.found("outer", inner)
    task_id = store.task(target=Target(kind="group", id=outer))
    with pytest.raises(WorkerNotEligible):
        store.claim(task_id, "eve")
    store.write(lambda tx: store.join(tx, inner, store.id_of("eve")), ADMIN)
    assert store.claim(task_id, "eve").worker_id == store.id_of("eve")


def test_a_claim_lasts_as_long_as_was_asked_or_as_its_kind_needs(store: TaskHouse) -> None:
    asked = store.claim(store.task(), expires_at="2031-01-01T00:00:00Z")
    assert asked.expires_at == "2031-01-01T00:00:00Z"
    assert _seconds(store.claim(store.task())) == 30 * 60
    assert _seconds(store.claim(store.task("execution", store.idea()))) == 2 * 3600
    assert _seconds(store.claim(store.task("evaluation", store.executed(3)))) == 3600
    config = store.see(lambda tx: tx.experiment["config"])
    store.set(config=config | {"claim_seconds": {"ideation": 12.5, "execution": True}})
    assert _seconds(store.claim(store.task())) == 12.5
    assert _seconds(store.claim(store.task("execution", store.idea()))) == 2 * 3600


def _seconds(claim: Any) -> float:
    return float((parse_time(claim.expires_at) - parse_time(claim.claimed_at)).total_seconds())


def test_nothing_new_is_created_or_claimed_unless_the_experiment_runs(store: TaskHouse) -> None:
    held, open_ = store.task(), store.task()
    store.claim(held)
    for status in ("draft", "paused", "completed", "failed", "cancelled"):
        store.set(status=status)
        for refused in (store.task, lambda: store.claim(open_), lambda: store.task("execution", "nowhere")):
            with pytest.raises(IllegalTransition):
                refused()
    assert len(store.told()) == 3
    store.submit(held, **NOTHING)  # what is claimed may finish
    store.accept(held)
    idea_id = store.idea()  # and nothing blocks ideas and variants
    store.variant(idea_id)
    store.act("admins", tasks.reassign, open_, ReassignTask(new_target=None, reason="later"))


def test_only_a_worker_of_the_experiment_claims_and_submits(store: TaskHouse) -> None:
    task_id = store.task()
    with pytest.raises(WorkerNotRegistered):
        store.write(lambda tx: tasks.claim(tx, task_id, ClaimTask()), ADMIN)
    store.claim(task_id)
    with pytest.raises(WorkerNotRegistered):
        store.write(lambda tx: tasks.submit(tx, task_id, SubmitTask(payload=NOTHING)), ADMIN)


def test_a_result_is_kept_as_it_was_handed_in(store: TaskHouse) -> None:
    task_id = store.task()
    store.claim(task_id)
    with pytest.raises(NotFound):
        store.see(tasks.read_submission, task_id)
    payload = {**NOTHING, "notes": {"temperature": 1.0, "tags": ["a", None, True]}}
    store.submit(task_id, **payload)
    assert store.see(tasks.read_submission, task_id) == payload
    task = store.see(tasks.read, task_id)
    assert (task.submitted_by, task.claim.worker_id) == (store.id_of("bob"), store.id_of("bob"))
    assert store.told()[-1] == ("task.submitted", {"task_id": task_id, "worker_id": store.id_of("bob")})


def test_a_result_is_handed_in_once(store: TaskHouse) -> None:
    task_id = store.task()
    with pytest.raises(NotClaimed):
        store.submit(task_id, **NOTHING)
    store.claim(task_id)
    with pytest.raises(WrongClaimant):
        store.submit(task_id, "eve", **NOTHING)
    with pytest.raises(BadRequest):
        store.submit(task_id, status="success")
    store.submit(task_id, **NOTHING)
    before = store.told()
    store.submit(task_id, **NOTHING, artifacts_uri="https://example.org/late")
    for wrong in ({"idea_ids": [], "status": "error"}, {"status": "success"}):
        with pytest.raises(ConflictingResubmission):
            store.submit(task_id, **wrong)
    with pytest.raises(WrongClaimant):
        store.submit(task_id, "eve", **NOTHING)
    assert store.told() == before
    assert store.see(tasks.read_submission, task_id) == NOTHING
    store.accept(task_id)
    with pytest.raises(NotClaimed):
        store.submit(task_id, **NOTHING)


def test_an_ideation_lists_ideas_that_exist_and_are_past_drafting(store: TaskHouse) -> None:
    task_id = store.task()
    store.claim(task_id)
    drafting = store.idea(is_ready=False)
    with pytest.raises(NotFound):
        store.submit(task_id, idea_ids=["nowhere"], status="success")
    with pytest.raises(InvalidPrecondition):
        store.submit(task_id, idea_ids=[store.idea(), drafting], status="success")
    store.act("ann", ideas.mark_ready, drafting)
    store.submit(task_id, idea_ids=[drafting], status="success")


def test_an_execution_names_a_variant_of_its_idea_and_changes_something(store: TaskHouse) -> None:
    parents = (BASE, sha(9))
    task_id, _, variant_id = store.executing(parent_commits=(BASE,))
    stranger = store.variant(store.idea())
    with pytest.raises(NotFound):
        store.submit(task_id, variant_id="nowhere", status="error")
    with pytest.raises(InvalidPrecondition):
        store.submit(task_id, variant_id=stranger, status="error")
    for _ in range(2):
        with pytest.raises(NoOpVariant):
            store.submit(task_id, variant_id=variant_id, status="success", commit_sha=BASE)
    store.submit(task_id, variant_id=variant_id, status="error", commit_sha=BASE)
    task_id, _, merged = store.executing(parent_commits=parents)
    store.submit(task_id, variant_id=merged, status="success", commit_sha=BASE)  # it differs from one parent


def test_an_evaluation_names_the_variant_of_its_task(store: TaskHouse) -> None:
    variant_id, other = store.executed(1), store.executed(2)
    task_id = store.evaluating(variant_id)
    with pytest.raises(NotFound):
        store.submit(task_id, variant_id="nowhere", status="error")
    with pytest.raises(InvalidPrecondition):
        store.submit(task_id, variant_id=other, status="success", evaluation={})
    store.submit(task_id, variant_id=variant_id, status="success", evaluation={"speed": 1})  # judged at accept


def test_only_an_operator_takes_back_what_was_submitted(store: TaskHouse) -> None:
    task_id = store.task()
    store.claim(task_id)
    store.submit(task_id, **NOTHING)
    for cause in ("expired", "health_policy"):
        with pytest.raises(IllegalTransition):
            store.act("eve", tasks.reclaim, task_id, ReclaimTask.model_validate({"cause": cause}))
    store.act("eve", tasks.reclaim, task_id, ReclaimTask(cause="operator"))
    task = store.see(tasks.read, task_id)
    assert (task.state, task.claim, task.submitted_by) == (TaskState.PENDING, None, None)
    assert store.told()[-1] == ("task.reclaimed", {"task_id": task_id, "cause": "operator"})
    with pytest.raises(NotFound):
        store.see(tasks.read_submission, task_id)
    with pytest.raises(NotClaimed):
        store.submit(task_id, **NOTHING)
    store.claim(task_id, "eve")
    store.submit(task_id, "eve", idea_ids=[], status="error")


def test_a_reclaimed_execution_leaves_its_variant_as_an_error(store: TaskHouse) -> None:
    task_id, idea_id, variant_id = store.executing()
    store.act("eve", tasks.reclaim, task_id, ReclaimTask(cause="health_policy"))
    left = store.see(variants.read, variant_id)
    assert (left.status, left.completed_at is not None) == ("error", True)
    assert store.see(ideas.read, idea_id).state == "dispatched"
    assert store.told()[-2:] == [
        ("task.reclaimed", {"task_id": task_id, "cause": "health_policy"}),
        ("variant.errored", {"variant_id": variant_id}),
    ]
    store.claim(task_id, "eve")
    second = store.variant(idea_id, "eve")
    store.submit(task_id, "eve", variant_id=second, status="success", commit_sha=sha(1))
    store.accept(task_id)


def test_a_pending_task_is_reassigned_in_one_event(store: TaskHouse) -> None:
    task_id = store.task(target=Target(kind="worker", id=store.id_of("bob")))
    nowhere = Target(kind="group", id="grp_" + "0" * 26)
    body = ReassignTask.model_validate({"new_target": nowhere.model_dump(), "reason": "they know more"})
    assert store.act("admins", tasks.reassign, task_id, body).target == nowhere
    told = {"task_id": task_id, "reason": "they know more", "reassigned_by": store.id_of("admins")}
    assert store.told()[1:] == [("task.reassigned", told | {"new_target": nowhere.to_wire()})]
    opened = store.act("admins", tasks.reassign, task_id, ReassignTask(new_target=None, reason="anybody"))
    assert opened.target is None
    assert store.told()[-1][1]["new_target"] is None


def test_a_claimed_task_is_taken_back_and_reassigned_at_once(store: TaskHouse) -> None:
    task_id, _, variant_id = store.executing()
    before = len(store.told())
    body = ReassignTask.model_validate(
        {"new_target": {"kind": "worker", "id": store.id_of("eve")}, "reason": "bob left"}
    )
    task = store.act("admins", tasks.reassign, task_id, body)
    assert (task.state, task.claim, task.target.id) == (TaskState.PENDING, None, store.id_of("eve"))
    assert [type_ for type_, _ in store.told()[before:]] == ["task.reclaimed", "variant.errored", "task.reassigned"]
    assert store.see(variants.read, variant_id).status == "error"
    with pytest.raises(WorkerNotEligible):
        store.claim(task_id, "bob")


def test_counts_follow_every_move(store: TaskHouse) -> None:
    store.claim(store.task())
    store.task()
    counts = store.see(lambda tx: tally.read(tx.connection, tx.experiment_id))
    assert (counts["tasks.ideation.pending"], counts["tasks.ideation.claimed"]) == (1, 1)
