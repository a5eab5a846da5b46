"""Ideas and variants: how they begin, and how variants are given up and integrated (protocol §5)."""

from typing import Any

import pytest
from pydantic import ValidationError

from control_plane.task_store.operations import ideas, tasks, variants
from store_client.errors import AlreadyExists, BadRequest, Forbidden, InvalidPrecondition, NotFound
from store_client.wire.ideas import CreateIdea
from store_client.wire.variants import CreateVariant, IntegrateVariant
from tests.store.task_house import AT, BASE, TaskHouse, sha, ulid


def test_an_idea_is_drafted_by_its_author(store: TaskHouse) -> None:
    body = store.idea_body("i", slug="warm-up", priority=2.5, parent_commits=(BASE, sha(1)))
    idea = store.act("ann", ideas.create, body)
    assert (idea.state, idea.created_by, idea.created_at) == ("drafting", store.id_of("ann"), AT)
    assert (idea.priority, idea.parent_commits, idea.warnings) == (2.5, (BASE, sha(1)), None)
    assert store.told() == [("idea.drafted", {"idea_id": "i"})]
    with pytest.raises(AlreadyExists):
        store.act("ann", ideas.create, body)
    with pytest.raises(BadRequest):
        store.act("ann", ideas.create, store.idea_body("j", experiment_id="exp_" + ulid(9)))
    twin = store.act("ann", ideas.create, store.idea_body("k", slug="warm-up"))
    assert "idea i" in twin.warnings[0]


@pytest.mark.parametrize(
    "wrong",
    [{"parent_commits": ()}, {"slug": "Up"}, {"priority": True}, {"state": "ready"}, {"artifacts_uri": "no uri"}],
)
def test_an_idea_of_another_shape_is_none(sqlite_store: TaskHouse, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CreateIdea.model_validate(sqlite_store.idea_body("i").model_dump() | wrong)


def test_a_variant_starts_for_an_idea_with_its_parents(store: TaskHouse) -> None:
    idea_id = store.idea(parent_commits=(BASE, sha(1)))
    body = store.variant_body(idea_id, parent_commits=(BASE, sha(1)), description="twice", commit_sha=sha(3))
    variant = store.act("bob", variants.create, body)
    assert (variant.status, variant.description, variant.started_at) == ("starting", "twice", AT)
    assert variant.commit_sha is None  # it counts once the submission is accepted
    told = {"variant_id": variant.variant_id, "idea_id": idea_id}
    assert store.told()[-1] == ("variant.started", told)
    with pytest.raises(InvalidPrecondition):
        store.variant(idea_id, parent_commits=(sha(1), BASE))


def test_a_variant_needs_its_own_id_branch_and_idea(store: TaskHouse) -> None:
    idea_id = store.idea()
    first = store.see(variants.read, store.variant(idea_id))
    before = store.told()
    for wrong, refusal in (
        ({"variant_id": first.variant_id}, AlreadyExists),
        ({"branch": first.branch}, AlreadyExists),
        ({"idea_id": "nowhere"}, NotFound),
        ({"experiment_id": "exp_" + ulid(9)}, BadRequest),
        ({"status": "success"}, BadRequest),
        ({"status": "error", "completed_at": AT}, BadRequest),
        ({"evaluation": {"accuracy": 1}}, BadRequest),
        ({"completed_at": AT}, BadRequest),
    ):
        body = store.variant_body(idea_id)
        with pytest.raises(refusal):
            store.act("bob", variants.create, CreateVariant.model_validate(body.model_dump() | wrong))
    assert store.told() == before
    store.variant(idea_id, branch=None)
    store.variant(idea_id, branch=None)  # no branch is nobody's branch


def test_a_baseline_is_the_orchestrators_to_create_once(store: TaskHouse) -> None:
    with pytest.raises(Forbidden):
        store.act("bob", variants.create, store.baseline_body())
    baseline = store.act("orchestrators", variants.create, store.baseline_body())
    assert (baseline.kind, baseline.idea_id, baseline.commit_sha) == ("baseline", None, BASE)
    assert store.told() == [("variant.started", {"variant_id": baseline.variant_id, "kind": "baseline"})]
    with pytest.raises(AlreadyExists):
        store.act("orchestrators", variants.create, store.baseline_body())
    task_id = store.task("evaluation", baseline.variant_id)
    assert store.see(tasks.read, task_id).target is None
    store.claim(task_id)
    store.submit(task_id, variant_id=baseline.variant_id, status="success", evaluation={"accuracy": 0.5})
    store.accept(task_id)
    assert store.told()[-1] == ("variant.succeeded", {"variant_id": baseline.variant_id, "commit_sha": BASE})


def test_a_baseline_is_the_base_commit_and_its_own_parent(store: TaskHouse) -> None:
    body = store.baseline_body().model_dump(exclude_none=True)
    for wrong, refusal in (
        ({"commit_sha": None}, BadRequest),
        ({"parent_commits": (sha(1),)}, BadRequest),
        ({"parent_commits": (BASE, BASE)}, BadRequest),
        ({"parent_commits": (sha(1),), "commit_sha": sha(1)}, InvalidPrecondition),
        ({"status": "error"}, BadRequest),
        ({"evaluation": {}}, BadRequest),
        ({"idea_id": "nowhere"}, NotFound),
    ):
        with pytest.raises(refusal):
            store.act("orchestrators", variants.create, CreateVariant.model_validate(body | wrong))
    assert store.told() == []
    store.set(base_commit_sha=None)
    seed = {"parent_commits": (sha(1),), "commit_sha": sha(1)}
    store.act("orchestrators", variants.create, CreateVariant.model_validate(body | seed))


def test_a_baseline_may_bring_trusted_metrics(store: TaskHouse) -> None:
    done = {"status": "success", "completed_at": AT}
    for wrong, refusal in (
        ({"evaluation": {"speed": 1}}, InvalidPrecondition),
        ({"evaluation": {"accuracy": True}}, InvalidPrecondition),
        ({}, BadRequest),
    ):
        with pytest.raises(refusal):
            store.act("orchestrators", variants.create, store.baseline_body(**done, **wrong))
    assert store.told() == []
    baseline = store.act("orchestrators", variants.create, store.baseline_body(**done, evaluation={"accuracy": 1}))
    assert (baseline.status, baseline.evaluation, baseline.completed_at) == ("success", {"accuracy": 1}, AT)
    assert [type_ for type_, _ in store.told()] == ["variant.started", "variant.succeeded"]
    with pytest.raises(InvalidPrecondition):
        store.task("evaluation", baseline.variant_id)


def integrate(store: TaskHouse, variant_id: str, commit: str) -> None:
    store.act("orchestrators", variants.integrate, variant_id, IntegrateVariant(variant_commit_sha=commit))


def test_a_success_is_integrated_once(store: TaskHouse) -> None:
    variant_id = store.executed(1)
    with pytest.raises(InvalidPrecondition):
        integrate(store, variant_id, sha(2))
    store.evaluated(variant_id, accuracy=1)
    for malformed in ("", "HEAD", sha(2) + "\n", sha(2).upper().replace("0", "A")):
        with pytest.raises(InvalidPrecondition):
            integrate(store, variant_id, malformed)
    store.set(status="completed")  # ending an experiment does not stop it
    integrate(store, variant_id, sha(2))
    told = store.told()
    assert told[-1] == ("variant.integrated", {"variant_id": variant_id, "variant_commit_sha": sha(2)})
    integrate(store, variant_id, sha(2))
    with pytest.raises(InvalidPrecondition):
        integrate(store, variant_id, sha(3))
    assert store.told() == told
    assert store.see(variants.read, variant_id).variant_commit_sha == sha(2)


def test_a_baseline_is_never_integrated(store: TaskHouse) -> None:
    baseline = store.act("orchestrators", variants.create, store.baseline_body())
    store.evaluated(baseline.variant_id, accuracy=1)
    before = store.told()
    with pytest.raises(InvalidPrecondition):
        integrate(store, baseline.variant_id, sha(2))
    assert store.told() == before


def test_giving_up_keeps_nothing_of_earlier_attempts(store: TaskHouse) -> None:
    variant_id = store.executed(1)
    task_id = store.evaluating(variant_id)
    store.submit(task_id, variant_id=variant_id, status="evaluation_error", evaluation={"accuracy": 1})
    store.reject(task_id)
    store.act("eve", variants.declare_evaluation_error, variant_id)
    given_up = store.see(variants.read, variant_id)
    assert (given_up.evaluation, given_up.artifacts_uri, given_up.evaluated_by) == (None, None, None)
    assert (given_up.commit_sha, given_up.executed_by) == (sha(1), store.id_of("bob"))
