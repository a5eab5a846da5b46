"""Policies in a real store: what they count, when they are asked, and that none holds others up (protocol §12.4)."""

from typing import Any

import pytest

from control_plane.registry.rules import config as configs
from store_client.errors import BadRequest
from store_client.wire.tasks import TaskState
from tests.orchestrator.desk_house import BY_HAND, DeskHouse
from tests.store.task_house import CONFIG


def test_ideation_counts_what_people_created_too(desk: DeskHouse) -> None:
    desk.configure(ideation_policy={"kind": "fixed_total", "total": 3})
    made = [desk.store.task(), desk.store.task()]
    orchestrator = desk.orchestrator()
    desk.settle(orchestrator)
    assert len(desk.tasks("ideation")) == 3
    for task_id in made:
        desk.store.claim(task_id)
        desk.store.submit(task_id, idea_ids=[], status="success")
    desk.settle(orchestrator)
    assert len(desk.tasks("ideation")) == 3, "ended ones count for ever"


def test_pending_ideation_is_topped_up_until_there_were_enough(desk: DeskHouse) -> None:
    desk.configure(ideation_policy={"kind": "maintain_pending", "target": 2, "max_total": 3})
    orchestrator = desk.orchestrator()
    desk.settle(orchestrator)
    first, second = desk.tasks("ideation")
    desk.store.claim(first.task_id)
    desk.settle(orchestrator)
    assert len(desk.tasks("ideation", TaskState.PENDING)) == 2
    desk.store.claim(second.task_id)
    desk.settle(orchestrator)
    assert len(desk.tasks("ideation")) == 3, "and never beyond the limit"


def test_a_termination_policy_is_not_even_asked_while_people_decide(desk: DeskHouse) -> None:
    desk.configure(BY_HAND, termination_policy={"kind": "max_wall_time", "duration": "soon"})
    desk.settle()
    assert desk.told("experiment.policy_error") == []
    desk.configure(BY_HAND | {"termination": "auto"}, termination_policy={"kind": "max_wall_time", "duration": "soon"})
    desk.settle()
    assert len(desk.told("experiment.policy_error")) == 1, "a flipped key counts from the next round on"
    assert desk.told("experiment.terminated") == [], "a policy that fails means to continue"


def test_wall_time_runs_from_the_creation_of_the_experiment(desk: DeskHouse) -> None:
    desk.configure(termination_policy={"kind": "max_wall_time", "duration": "PT2H"})
    desk.settle()
    assert desk.told("experiment.terminated") == []
    desk.store.set(created_at="2020-01-01T00:00:00.000000Z")
    desk.settle()
    assert "the policy stops after PT2H" in desk.told("experiment.terminated")[0]["reason"]


def test_after_the_end_no_policy_begins_anything(desk: DeskHouse) -> None:
    desk.configure(ideation_policy={"kind": "maintain_pending", "target": 3}, baseline={"enabled": True})
    desk.store.idea()
    desk.store.executed()
    desk.store.set(status="completed")
    desk.settle()
    waiting = [desk.tasks(kind, TaskState.PENDING) for kind in ("ideation", "execution", "evaluation")]
    assert waiting == [[], [], []]
    assert [variant.kind for variant in desk.variants()] == [None]


@pytest.mark.parametrize("metrics", [{"accuracy": "high"}, {"unknown": 1}])
def test_a_baseline_whose_metrics_break_the_schema_is_not_made_and_holds_nothing_up(
    desk: DeskHouse, metrics: dict[str, Any]
) -> None:
    desk.configure(baseline={"enabled": True, "metrics": metrics})
    desk.store.idea()
    desk.settle()
    assert desk.variants() == []
    assert len(desk.tasks("execution")) == 1


@pytest.mark.parametrize("key", ["termination_policy", "ideation_policy"])
def test_a_policy_of_an_unknown_kind_is_no_part_of_a_config(key: str) -> None:
    with pytest.raises(BadRequest, match=f"{key}.kind: "):
        configs.complete(CONFIG | {key: {"kind": "someday"}})
    with pytest.raises(BadRequest, match=f"{key}.kind is missing"):
        configs.complete(CONFIG | {key: {}})
