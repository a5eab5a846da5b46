"""The five decisions as pure functions."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.orchestrator import rules
from control_plane.orchestrator.rules import CommitFacts, View

COUNTS = st.integers(0, 1000)


def view(**known: Any) -> View:
    base: dict[str, Any] = {
        "created_at": "2026-01-01T00:00:00Z",
        "now": "2026-01-01T01:00:00Z",
        "attempted": 0,
        "in_flight": 0,
        "integrated": (),
    }
    return View(**base | known)


def metrics(*values: Any) -> list[dict[str, Any]]:
    return [{"score": value} for value in values]


@given(parallel=COUNTS, in_flight=COUNTS, left=st.none() | COUNTS)
def test_what_starts_never_takes_more_than_there_is_room_for(parallel: int, in_flight: int, left: int | None) -> None:
    room = rules.execution_room(parallel, in_flight, left)
    assert room >= 0
    assert room == 0 or in_flight + room <= parallel
    assert left is None or room <= left
    assert room == max(0, parallel - in_flight) or room == left


@given(target=st.integers(1, 1000), attempted=COUNTS, executing=COUNTS)
def test_no_execution_starts_that_could_go_beyond_the_last_variant(target: int, attempted: int, executing: int) -> None:
    left = rules.variants_left({"kind": "max_variants", "target": target}, attempted, executing)
    assert left is not None
    assert left == 0 or attempted + executing + left == target


@pytest.mark.parametrize("policy", [None, {"kind": "never_terminate"}, {"kind": "max_wall_time", "duration": "PT1H"}])
def test_other_policies_leave_the_number_of_variants_open(policy: dict[str, Any] | None) -> None:
    assert rules.variants_left(policy, 5, 5) is None


@given(target=st.integers(0, 50), pending=st.integers(0, 50), total=COUNTS, limit=st.none() | COUNTS)
def test_ideation_is_topped_up_to_its_target_and_never_beyond_its_limit(
    target: int, pending: int, total: int, limit: int | None
) -> None:
    policy = {"kind": "maintain_pending", "target": target} | ({} if limit is None else {"max_total": limit})
    missing = rules.ideation_shortfall(policy, pending, total)
    assert missing >= 0
    assert missing == 0 or pending + missing <= target
    assert limit is None or missing == 0 or total + missing <= limit
    if limit is None:
        assert pending + missing >= target


@given(total=COUNTS, made=COUNTS)
def test_a_fixed_total_is_made_once(total: int, made: int) -> None:
    missing = rules.ideation_shortfall({"kind": "fixed_total", "total": total}, 0, made)
    assert missing == max(0, total - made)


def test_without_a_policy_three_ideations_are_kept_waiting() -> None:
    assert [rules.ideation_shortfall(None, pending, 100) for pending in range(5)] == [3, 2, 1, 0, 0]


def test_an_evaluation_is_tried_three_times() -> None:
    assert [rules.is_worth_evaluating(failed) for failed in range(5)] == [True, True, True, False, False]


@pytest.mark.parametrize(
    ("policy", "known", "ends"),
    [
        ({"kind": "never_terminate"}, {"attempted": 10**6}, False),
        ({"kind": "max_variants", "target": 3}, {"attempted": 2}, False),
        ({"kind": "max_variants", "target": 3}, {"attempted": 3, "in_flight": 1}, False),
        ({"kind": "max_variants", "target": 3}, {"attempted": 3}, True),
        ({"kind": "max_variants", "target": 3}, {"attempted": 4}, True),
        ({"kind": "max_wall_time", "duration": "PT1H"}, {}, True),
        ({"kind": "max_wall_time", "duration": "PT1H0.5S"}, {}, False),
        ({"kind": "convergence_window", "metric": "score", "window": 2}, {"integrated": metrics(1, 2)}, False),
        ({"kind": "convergence_window", "metric": "score", "window": 2}, {"integrated": metrics(3, 2, 1)}, True),
        ({"kind": "convergence_window", "metric": "score", "window": 2}, {"integrated": metrics(3, 3, 3)}, True),
        ({"kind": "convergence_window", "metric": "score", "window": 2}, {"integrated": metrics(3, 1, 4)}, False),
        (
            {"kind": "convergence_window", "metric": "score", "window": 2, "direction": "minimize"},
            {"integrated": metrics(3, 1, 4)},
            False,
        ),
        (
            {"kind": "convergence_window", "metric": "score", "window": 2, "direction": "minimize"},
            {"integrated": metrics(1, 3, 4)},
            True,
        ),
        ({"kind": "target_condition", "metric": "score", "threshold": 5}, {"integrated": metrics(4.9)}, False),
        ({"kind": "target_condition", "metric": "score", "threshold": 5}, {"integrated": metrics(1, 5, 2)}, True),
        (
            {"kind": "target_condition", "metric": "score", "threshold": 5, "direction": "minimize"},
            {"integrated": metrics(5.1)},
            False,
        ),
        (
            {"kind": "target_condition", "metric": "score", "threshold": 5, "direction": "minimize"},
            {"integrated": metrics(9, 4)},
            True,
        ),
        ({"kind": "target_condition", "metric": "score", "threshold": 0}, {"integrated": ()}, False),
    ],
)
def test_a_termination_policy_ends_when_its_condition_holds(
    policy: dict[str, Any], known: dict[str, Any], ends: bool
) -> None:
    assert (rules.termination(policy, view(**known)) is not None) is ends


def test_the_reason_to_end_reads_as_a_sentence() -> None:
    assert rules.termination({"kind": "max_variants", "target": 60}, view(attempted=60)) == (
        "60 variants were tried; the policy stops at 60"
    )


@given(st.lists(st.none() | st.booleans() | st.text(max_size=3) | st.floats(allow_nan=False), max_size=8))
def test_what_is_no_number_is_left_out_of_every_comparison(values: list[Any]) -> None:
    numbers = [value for value in values if isinstance(value, float)]
    policy = {"kind": "target_condition", "metric": "score", "threshold": 1}
    reached = rules.termination(policy, view(integrated=[*metrics(*values), {}]))
    assert (reached is not None) is any(number >= 1 for number in numbers)


@pytest.mark.parametrize("is_there", [True, False])
@pytest.mark.parametrize("descends", [True, False])
@pytest.mark.parametrize("changes", [True, False])
def test_a_commit_is_accepted_when_it_is_there_descends_and_changes_something(
    is_there: bool, descends: bool, changes: bool
) -> None:
    facts = CommitFacts(is_there, descends, changes)
    expected = None if is_there and descends and changes else "validation_error"
    assert rules.verdict("success", facts) == expected


@pytest.mark.parametrize("status", ["error", "evaluation_error", "", "None"])
def test_what_its_worker_calls_a_failure_is_one(status: str) -> None:
    assert rules.verdict(status, None) == "worker_error"
    assert rules.verdict("success", None) is None
