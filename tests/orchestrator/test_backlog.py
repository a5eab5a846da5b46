"""What waits for each decision is what the orchestrator would take next, on both databases."""

from typing import Any

from control_plane.orchestrator import backlog
from store_client.wire.decisions import Backlog
from tests.orchestrator.desk_house import BY_HAND, DeskHouse


def see(desk: DeskHouse) -> Backlog:
    found: Backlog = desk.store.see(lambda tx: backlog.read(tx, desk.wings))
    return found


def test_each_decision_tells_what_waits_for_it(desk: DeskHouse) -> None:
    policy: dict[str, Any] = {"ideation_policy": {"kind": "fixed_total", "total": 3}, "parallel_variants": 2}
    desk.configure(BY_HAND, **policy, termination_policy={"kind": "max_variants", "target": 1})
    desk.store.task()
    low, high = desk.store.idea(priority=0.1), desk.store.idea(priority=0.9)
    assert [one.idea_id for one in see(desk).ideas] == [high, low]
    assert (see(desk).ideations, see(desk).ideations_missing, see(desk).room) == (1, 2, 1)
    unmeasured = desk.store.executed(1)
    assert [(one.variant.variant_id, one.attempts) for one in see(desk).to_evaluate] == [(unmeasured, 0)]
    assert (see(desk).room, see(desk).end_reason) == (0, None)
    desk.store.evaluated(unmeasured, accuracy=0.5)
    found = see(desk)
    assert [one.variant.variant_id for one in found.to_integrate] == [unmeasured]
    assert found.to_evaluate == ()
    assert found.end_reason == "1 variants were tried; the policy stops at 1"


def test_a_policy_that_cannot_be_computed_is_told_and_hides_nothing(desk: DeskHouse) -> None:
    desk.configure(BY_HAND, termination_policy={"kind": "target_condition", "metric": "accuracy"})
    idea_id = desk.store.idea()
    found = see(desk)
    assert found.policy_fault == "'threshold'"
    assert [one.idea_id for one in found.ideas] == [idea_id]


def test_after_the_end_only_integration_is_left(desk: DeskHouse) -> None:
    desk.configure(BY_HAND)
    desk.store.idea()
    done = desk.store.executed(1)
    desk.store.evaluated(done, accuracy=0.5)
    desk.store.set(status="completed")
    found = see(desk)
    assert [one.variant.variant_id for one in found.to_integrate] == [done]
    assert (found.ideas, found.to_evaluate, found.room) == ((), (), 0)
