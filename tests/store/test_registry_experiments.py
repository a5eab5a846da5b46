"""Experiments come to be, live and end, and tell of it in the same commit."""

from collections.abc import Iterator
from functools import partial
from itertools import product
from typing import Any

import pytest
from sqlalchemy import event

from control_plane.registry.creation import host
from control_plane.registry.operations import experiments, groups, lifecycle, reading
from control_plane.registry.operations.experiments import Seeded
from control_plane.registry.rules import names, status
from control_plane.registry.rules.plans import plan
from store_client.errors import (
    AlreadyExists,
    BadRequest,
    ExperimentIdConflict,
    IllegalTransition,
    InvalidName,
    InvalidPrecondition,
    NotFound,
)
from store_client.wire.calls.experiments import ExperimentFilter
from store_client.wire.calls.workers import NameFilter
from store_client.wire.experiments import (
    ChangeAutomation,
    ChangeDispatchMode,
    CreateExperiment,
    EndExperiment,
    PolicyError,
    Status,
    Terminate,
)
from tests.registry import CONFIG, Registry, open_registry

FINAL = {Status.COMPLETED, Status.FAILED, Status.CANCELLED}


@pytest.fixture
def registry(database_url: str) -> Iterator[Registry]:
    with open_registry(database_url) as opened:
        yield opened


def types(registry: Registry, scope: str) -> list[str]:
    return [type_ for type_, _ in registry.told(scope)]


@pytest.mark.parametrize(("now", "act"), list(product(Status, status.MOVES)))
def test_an_act_moves_exactly_the_statuses_of_the_table(now: Status, act: status.Act) -> None:
    sources, target = status.MOVES[act]
    if now in sources:
        assert status.move(now, act) is target
    else:
        with pytest.raises(IllegalTransition):
            status.move(now, act)


def test_ends_are_final_and_every_status_can_be_reached() -> None:
    assert not any(sources & FINAL for sources, _ in status.MOVES.values())
    assert {target for _, target in status.MOVES.values()} | {Status.DRAFT} == set(Status)
    assert {Status(outcome) for outcome in status.ENDS} == FINAL


@pytest.mark.parametrize(
    ("name", "slug"),
    [("Digits!", "digits"), ("Größe  Zwei", "grosse-zwei"), ("数字", "experiment"), ("a" * 99, "a" * 60)],
)
def test_a_slug_is_made_from_the_name(name: str, slug: str) -> None:
    assert names.slug(name) == slug


def test_an_experiment_begins_with_its_reserved_groups(registry: Registry) -> None:
    experiment_id = registry.experiment()
    found = registry.at(experiment_id, lambda tx: groups.list_all(tx, NameFilter()))
    assert {group.name for group in found.groups} == {"admins", "orchestrators"}
    assert all(group.members == () and group.experiment_id == experiment_id for group in found.groups)
    assert types(registry, experiment_id)[0] == "experiment.created"


def test_equal_names_get_numbered_slugs(registry: Registry) -> None:
    for _ in range(3):
        registry.experiment("Circle packing")
    found = registry.act(reading.list_summaries, ExperimentFilter())
    assert sorted(each.slug for each in found) == ["circle-packing", "circle-packing-2", "circle-packing-3"]


def test_a_slug_that_was_asked_for_is_given_or_refused(registry: Registry) -> None:
    decided = plan(CreateExperiment(slug="mine"), CONFIG, "Fallback")
    registry.act(experiments.create, decided, Seeded(registry.house.mint("exp")))
    with pytest.raises(AlreadyExists, match="mine"):
        registry.act(experiments.create, decided, Seeded(registry.house.mint("exp")))


def test_an_id_is_used_once(registry: Registry) -> None:
    experiment_id = registry.experiment()
    with pytest.raises(ExperimentIdConflict):
        registry.act(experiments.create, plan(CreateExperiment(), CONFIG, "Again"), Seeded(experiment_id))


@pytest.mark.parametrize("name", ["", " x", "a\nb", "x" * 129, "\ue000"])
def test_an_ill_formed_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidName):
        plan(CreateExperiment(name=name), CONFIG, "Fallback")


def test_a_hosted_experiment_has_no_groups_and_is_made_once(registry: Registry) -> None:
    experiment_id = registry.house.mint("exp")
    registry.act(host, experiment_id, {**CONFIG, "name": "Hosted"})
    before = registry.everything()
    registry.act(host, experiment_id, {**CONFIG, "name": "Renamed"})
    assert registry.everything() == before
    assert registry.at(experiment_id, lambda tx: groups.list_all(tx, NameFilter())).groups == ()
    runtime = registry.at(experiment_id, reading.read_runtime)
    assert (runtime.name, runtime.state, runtime.base_commit_sha) == ("Hosted", "running", None)


def test_a_pause_holds_and_a_second_one_tells_nothing(registry: Registry) -> None:
    experiment_id = registry.experiment()
    for _ in range(2):
        assert registry.at(experiment_id, lifecycle.pause).status is Status.PAUSED
    for _ in range(2):
        assert registry.at(experiment_id, lifecycle.resume).status is Status.RUNNING
    told = [type_ for type_ in types(registry, experiment_id) if type_.startswith("experiment.")]
    assert told == ["experiment.created", "experiment.paused", "experiment.resumed"]


def test_a_draft_is_started_by_resuming_it(registry: Registry) -> None:
    experiment_id = registry.house.mint("exp")
    registry.act(experiments.create, plan(CreateExperiment(is_draft=True), CONFIG, "Draft"), Seeded(experiment_id))
    assert registry.at(experiment_id, reading.read_state).state == "running"
    with pytest.raises(IllegalTransition, match="pause an experiment that is draft"):
        registry.at(experiment_id, lifecycle.pause)
    assert registry.at(experiment_id, lifecycle.resume).status is Status.RUNNING
    assert types(registry, experiment_id)[-1] == "experiment.started"


def test_a_draft_that_is_terminated_passes_through_running(registry: Registry) -> None:
    experiment_id = registry.house.mint("exp")
    registry.act(experiments.create, plan(CreateExperiment(is_draft=True), CONFIG, "Draft"), Seeded(experiment_id))
    registry.at(experiment_id, lambda tx: lifecycle.terminate(tx, Terminate(reason="")))
    assert types(registry, experiment_id)[-3:] == ["experiment.started", "experiment.ended", "experiment.terminated"]


def test_terminating_twice_keeps_the_first_reason(registry: Registry) -> None:
    experiment_id = registry.experiment()
    for body in (Terminate(reason="enough"), Terminate(reason="again")):
        assert registry.at(experiment_id, partial(lifecycle.terminate, body=body)).state == "terminated"
    told = [data for type_, data in registry.told(experiment_id) if type_ == "experiment.terminated"]
    assert told == [{"reason": "enough", "terminated_by": "admin"}]
    detail = registry.at(experiment_id, reading.read_detail)
    assert (detail.status, detail.end_reason) == (Status.COMPLETED, "enough")
    assert detail.ended_at is not None


@pytest.mark.parametrize("outcome", ["completed", "failed", "cancelled"])
def test_every_end_is_told_on_the_protocols_wire_too(outcome: Any, registry: Registry) -> None:
    experiment_id = registry.experiment()
    body = EndExperiment(outcome=outcome, reason="over")
    for _ in range(2):
        assert registry.at(experiment_id, lambda tx: lifecycle.end(tx, body)).status.value == outcome
    assert types(registry, experiment_id)[-2:] == ["experiment.ended", "experiment.terminated"]
    other = EndExperiment(outcome="failed" if outcome == "completed" else "completed")
    with pytest.raises(IllegalTransition):
        registry.at(experiment_id, lambda tx: lifecycle.end(tx, other))


def test_a_dispatch_mode_is_merged_and_told_once(registry: Registry) -> None:
    experiment_id = registry.experiment()
    change = ChangeDispatchMode.model_validate({"integration": "manual", "something_new": "auto"})
    for _ in range(2):
        mode = registry.at(experiment_id, lambda tx: lifecycle.change_dispatch_mode(tx, change)).to_wire()
        assert mode == {
            "termination": "manual",
            "ideation_creation": "auto",
            "execution_dispatch": "auto",
            "evaluation_dispatch": "auto",
            "integration": "manual",
            "something_new": "auto",
        }
    told = [data for type_, data in registry.told(experiment_id) if type_ == "experiment.dispatch_mode_changed"]
    assert told == [
        {"dispatch_mode": mode, "changed": {"integration": "manual", "something_new": "auto"}, "updated_by": "admin"}
    ]


def test_a_dispatch_mode_is_auto_or_manual_even_for_unknown_keys(registry: Registry) -> None:
    experiment_id = registry.experiment()
    change = ChangeDispatchMode.model_validate({"something_new": "perhaps"})
    with pytest.raises(BadRequest, match="something_new"):
        registry.at(experiment_id, lambda tx: lifecycle.change_dispatch_mode(tx, change))


def test_a_policy_error_is_kept_in_the_log(registry: Registry) -> None:
    experiment_id = registry.experiment()
    body = PolicyError(policy_kind="termination", error_type="ZeroDivisionError", error_message="")
    registry.at(experiment_id, lambda tx: lifecycle.report_policy_error(tx, body))
    assert registry.told(experiment_id)[-1] == ("experiment.policy_error", body.to_wire())


def test_a_role_becomes_automatic_only_with_a_command(registry: Registry) -> None:
    experiment_id = registry.experiment(execution_command="make")
    wanted = ChangeAutomation(executor="manual")
    for _ in range(2):
        assert registry.at(experiment_id, lambda tx: lifecycle.change_automation(tx, wanted)).executor == "manual"
    assert types(registry, experiment_id).count("experiment.automation_changed") == 1
    with pytest.raises(InvalidPrecondition, match="no ideation_command"):
        registry.at(experiment_id, lambda tx: lifecycle.change_automation(tx, ChangeAutomation(ideator="automatic")))


def test_a_refused_change_leaves_nothing_behind(registry: Registry) -> None:
    experiment_id = registry.experiment()
    registry.at(experiment_id, lambda tx: lifecycle.end(tx, EndExperiment(outcome="failed")))
    before = registry.everything()
    with pytest.raises(IllegalTransition):
        registry.at(experiment_id, lifecycle.resume)
    assert registry.everything() == before


def test_an_unknown_experiment_is_not_found(registry: Registry) -> None:
    with pytest.raises(NotFound):
        registry.at("exp_" + "0" * 26, lifecycle.pause)


def test_a_summary_carries_scores_and_counts(registry: Registry) -> None:
    experiment_id = registry.experiment()
    registry.put("scores", experiment_id=experiment_id, baseline_value=0.5, best_value=0.9, best_variant_id="v1")
    for name, total in [("ideas", 7), ("variants", 5), ("variants.success", 3), ("variants.integrated", 2),
                        ("variants.error", 1), ("variants.evaluation_error", 1), ("variants.starting", 4),
                        ("tasks.execution.claimed", 2), ("tasks.execution.completed", 9)]:  # fmt: skip
        registry.put("tallies", experiment_id=experiment_id, name=name, total=total)
    summary = registry.at(experiment_id, reading.read_summary)
    assert (summary.baseline, summary.best, summary.best_variant_id, summary.metric) == (0.5, 0.9, "v1", "accuracy")
    counts = summary.counts
    assert (counts.ideas, counts.variants, counts.evaluated, counts.integrated) == (7, 5, 3, 2)
    assert (counts.failed, counts.starting, counts.tasks) == (2, 4, {"execution.claimed": 2})


def test_a_list_of_many_experiments_costs_as_many_queries_as_one_of_few(registry: Registry) -> None:
    def queries() -> int:
        asked: list[str] = []

        def count(*told: Any) -> None:
            asked.append(told[2])

        event.listen(registry.house.database.engine, "before_cursor_execute", count)
        registry.house.read_now(lambda tx: reading.list_summaries(tx, ExperimentFilter()))
        event.remove(registry.house.database.engine, "before_cursor_execute", count)
        return len(asked)

    registry.experiment("first")
    few = queries()
    for _ in range(5):
        registry.experiment("more")
    assert queries() == few


def test_a_list_is_newest_first_and_filtered_by_status_and_slug(registry: Registry) -> None:
    first, second = registry.experiment("first"), registry.experiment("second")
    registry.at(first, lifecycle.pause)

    def ids(**by: Any) -> list[str]:
        return [each.experiment_id for each in registry.act(reading.list_summaries, ExperimentFilter(**by))]

    assert ids() == [second, first]
    assert ids(status="paused") == [first]
    assert ids(slug="second") == [second]
    assert ids(slug="third") == []


def test_a_detail_shows_what_workers_need(registry: Registry) -> None:
    experiment_id = registry.experiment(execution_command="make", description="Why", kind="ml")
    detail = registry.at(experiment_id, lambda tx: reading.read_detail(tx, git_root="http://here"))
    assert detail.commands == {"executor": "make"}
    assert detail.automation.executor == "automatic"
    assert (detail.description, detail.kind, detail.parallel_variants) == ("Why", "ml", 2)
    assert detail.git_url == f"http://here/git/{experiment_id}.git"
    assert detail.config["ideation_policy"] == {"kind": "maintain_pending", "target": 3}
