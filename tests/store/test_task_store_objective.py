"""The objective is arithmetic over metrics: it computes, it declines, and it never does anything else."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store_client.wire import objective

METRICS = {"accuracy": 0.5, "steps": 4, "loss": -2.0, "note": "fine", "empty": None, "flag": True}


@pytest.mark.parametrize(
    ("expr", "value"),
    [
        ("accuracy", 0.5),
        (" accuracy ", 0.5),
        ("accuracy - 0.01 * steps", 0.46),
        ("-loss + +1", 3.0),
        ("steps ** 2 / 8", 2.0),
        ("min(accuracy, steps, 3)", 0.5),
        ("max(accuracy)", 0.5),
        ("sqrt(steps) + abs(loss) + exp(0) + log(1)", 5.0),
        ("log(steps, 2)", 2.0),
    ],
)
def test_an_objective_is_computed(expr: str, value: float) -> None:
    assert objective.value_of(expr, METRICS) == pytest.approx(value)


@pytest.mark.parametrize(
    "expr",
    [
        "missing", "empty + 1", "note", "flag", "1 / (accuracy - 0.5)", "log(loss)", "sqrt(loss)", "loss ** 0.5",
        "10 ** 65", "(10.0 ** 60) ** 60", "exp(1000)", "0 ** (0 - 1)", "sqrt(1, 2)", "1e308 * 10 - 1e308 * 10",
    ],
)  # fmt: skip
def test_an_objective_without_a_finite_value_has_none(expr: str) -> None:
    assert objective.value_of(expr, METRICS) is None


@pytest.mark.parametrize(
    "expr",
    [
        "__import__('os')", "accuracy.real", "METRICS['accuracy']", "[1][0]", "lambda: 1", "accuracy if steps else 1",
        "accuracy and steps", "accuracy < 1", "f'{accuracy}'", "'a' * 9", "True", "1j", "min(*steps)", "min(a=1)",
        "open(accuracy)", "steps // 2", "steps % 2", "~steps", "(a := 1)", "min()", "", "1 +", "a b", "(" * 400,
        "-" * 300 + "1", "1" + "+1" * 240, "x" * 501, "a\x00b",
    ],
)  # fmt: skip
def test_what_is_no_arithmetic_is_refused_and_has_no_value(expr: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        objective.parse(expr)
    assert objective.value_of(expr, METRICS) is None


@given(st.text(alphabet="ab01.+-*/()e, minlogsqrt", max_size=40))
def test_no_text_does_harm(expr: str) -> None:
    value = objective.value_of(expr, {"a": 2, "b": 0})
    assert value is None or math.isfinite(value)


def test_names_are_metrics_and_not_functions() -> None:
    assert objective.names_in("min(accuracy, loss) + max(2, steps)") == {"accuracy", "loss", "steps"}
    assert objective.metric_of(" accuracy ") == "accuracy"
    assert objective.metric_of("accuracy + 1") is None
