"""What a submission must look like, and when two of them say the same."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.task_store.rules import metrics
from control_plane.task_store.rules.payloads import is_same, to_json
from control_plane.task_store.rules.submissions import are_equivalent, parse
from store_client.errors import BadRequest
from tests.store.task_house import sha

numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | st.text()
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)
uris = st.sampled_from(["https://example.org/a", "eden://artifacts/0", "s3://bucket/b"])
evaluations = st.dictionaries(st.sampled_from("abc"), values, max_size=3)
results = st.fixed_dictionaries(
    {"variant_id": st.just("v"), "status": st.just("success"), "evaluation": evaluations},
    optional={"artifacts_uri": uris, "submission_id": st.text()},
)


def respelled(value: Any) -> Any:
    """The same JSON value in another spelling: floats for whole numbers, keys in another order."""
    if isinstance(value, dict):
        return {key: respelled(value[key]) for key in reversed(value)}
    if isinstance(value, list):
        return [respelled(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


@given(results, results)
def test_equivalence_is_symmetric_and_counts_the_essence_alone(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert are_equivalent("evaluation", one, one)
    same = are_equivalent("evaluation", one, other)
    assert same == are_equivalent("evaluation", other, one)
    assert same == is_same(one["evaluation"], other["evaluation"])


@given(results, uris)
def test_numbers_compare_by_value_and_artifacts_never(result: dict[str, Any], uri: str) -> None:
    assert are_equivalent("evaluation", result, {**result, "evaluation": respelled(result["evaluation"])})
    assert are_equivalent("evaluation", result, {**result, "artifacts_uri": uri})


@given(st.lists(st.sampled_from(["i1", "i2", "i3"])), st.randoms(use_true_random=False))
def test_idea_ids_are_a_set(idea_ids: list[str], order: Any) -> None:
    again = idea_ids * 2
    order.shuffle(again)
    first, second = ({"idea_ids": ids, "status": "success"} for ids in (idea_ids, again))
    assert are_equivalent("ideation", first, second)
    assert not are_equivalent("ideation", first, {**second, "status": "error"})
    assert not are_equivalent("ideation", first, {**second, "idea_ids": [*again, "i4"]})


@pytest.mark.parametrize(("one", "other"), [(1, True), (0, False), (None, 0), ("1", 1), ([], {}), ([1], [1, 1])])
def test_values_of_different_kinds_are_never_the_same(one: Any, other: Any) -> None:
    assert not is_same(one, other)
    assert not is_same({"a": [one]}, {"a": [other]})


def test_another_commit_or_variant_is_another_result() -> None:
    first = {"variant_id": "v", "status": "success", "commit_sha": sha(1)}
    assert are_equivalent("execution", first, {**first, "artifacts_uri": "https://example.org/a"})
    assert not are_equivalent("execution", first, {**first, "commit_sha": sha(2)})
    assert not are_equivalent("execution", first, {**first, "variant_id": "w"})
    assert not are_equivalent("execution", first, {"status": "success"})


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("ideation", {"status": "success"}),
        ("ideation", {"idea_ids": "i", "status": "success"}),
        ("ideation", {"idea_ids": [1], "status": "success"}),
        ("ideation", {"idea_ids": [], "status": "evaluation_error"}),
        ("execution", {"variant_id": "v", "status": "success"}),
        ("execution", {"variant_id": "v", "status": "success", "commit_sha": "HEAD"}),
        ("execution", {"variant_id": "v", "status": "success", "commit_sha": sha(1) + "\n"}),
        ("execution", {"variant_id": "v", "status": "error", "commit_sha": None}),
        ("execution", {"status": "error"}),
        ("evaluation", {"variant_id": "v", "status": "success"}),
        ("evaluation", {"variant_id": "v", "status": "success", "evaluation": []}),
        ("evaluation", {"variant_id": "v", "status": "done", "evaluation": {}}),
        ("evaluation", {"variant_id": "v", "status": "success", "evaluation": {"a": float("inf")}}),
        ("evaluation", {"variant_id": "v", "status": "success", "evaluation": {"a": 10**5000}}),
        ("evaluation", {"variant_id": "v", "status": "success", "evaluation": {"a": "\ud800"}}),
    ],
)
def test_a_misshapen_payload_is_a_bad_request(kind: Any, payload: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        parse(kind, payload)


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("ideation", {"idea_ids": [], "status": "success", "mood": "good"}),
        ("execution", {"variant_id": "v", "status": "error"}),
        ("evaluation", {"variant_id": "v", "status": "error"}),
        ("evaluation", {"variant_id": "v", "status": "evaluation_error"}),
    ],
)
def test_a_payload_may_hold_more_and_an_error_less(kind: Any, payload: dict[str, Any]) -> None:
    assert parse(kind, payload).status == payload["status"]


SCHEMA = {"accuracy": "real", "steps": "integer", "note": "text"}


@pytest.mark.parametrize(
    "evaluation",
    [{}, {"accuracy": 1}, {"accuracy": 0.5, "steps": 1.0, "note": ""}, {"accuracy": None, "steps": None, "note": None}],
)
def test_metrics_may_be_missing_null_or_whole(evaluation: dict[str, Any]) -> None:
    assert metrics.fault_of(SCHEMA, evaluation) is None


@pytest.mark.parametrize(
    "evaluation",
    [
        {"accuracy": True}, {"accuracy": "1"}, {"steps": 1.5}, {"steps": False}, {"note": 1}, {"note": ["a"]},
        {"speed": 1}, {"status": "good"}, {"executor_artifacts_uri": "x"},
    ],
)  # fmt: skip
def test_metrics_of_another_kind_or_name_are_refused(evaluation: dict[str, Any]) -> None:
    assert metrics.fault_of({**SCHEMA, "status": "text", "executor_artifacts_uri": "text"}, evaluation) is not None


def test_what_json_cannot_hold_is_a_bad_request() -> None:
    with pytest.raises(BadRequest):
        to_json({"deep": float("nan")})
