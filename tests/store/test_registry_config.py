"""An experiment config is read whole: every fault is named by its key, every default is filled in."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from control_plane.registry import directories
from control_plane.registry.rules import config as configs
from control_plane.registry.rules import objective, shape
from control_plane.task_store.rules import metrics as task_metrics
from store_client.errors import BadRequest
from store_client.wire import objective as task_objective
from store_client.wire.durations import parse_duration

CONFIG: dict[str, Any] = {
    "parallel_variants": 2,
    "evaluation_schema": {"accuracy": "real", "log_loss": "real", "parameters": "integer", "note": "text"},
    "objective": {"expr": "accuracy - 0.1 * log_loss", "direction": "maximize"},
}
FAULTY: list[tuple[dict[str, Any], str]] = [
    ({"parallel_variants": 0}, "parallel_variants: "),
    ({"parallel_variants": "2"}, "parallel_variants: "),
    ({"parallel_variants": True}, "parallel_variants: "),
    ({"objective": {"expr": "", "direction": "maximize"}}, "objective.expr: "),
    ({"objective": {"expr": "accuracy", "direction": "up"}}, "objective.direction: "),
    (
        {"objective": {"expr": "accuracyy", "direction": "maximize"}},
        "objective.expr names accuracyy; the evaluation_schema has accuracy, log_loss, parameters, note",
    ),
    ({"objective": {"expr": "note", "direction": "maximize"}}, "objective.expr names note, which .* text"),
    ({"objective": {"expr": "accuracy +", "direction": "maximize"}}, "objective.expr is no arithmetic"),
    ({"objective": {"expr": "open('x')", "direction": "maximize"}}, "objective.expr calls open"),
    ({"objective": {"expr": "accuracy.real", "direction": "maximize"}}, "objective.expr is arithmetic over metrics"),
    ({"objective": {"expr": "-" * 499 + "1", "direction": "maximize"}}, "objective.expr"),
    ({"evaluation_schema": {}}, "evaluation_schema: "),
    ({"evaluation_schema": {"accuracy": "float"}}, "evaluation_schema.accuracy: "),
    ({"evaluation_schema": {"accuracy": "real", "log_loss": "real", "status": "text"}}, "status is reserved"),
    ({"evaluation_schema": {"accuracy": "real", "log_loss": "real", "fit-s": "real"}}, "'fit-s' is no metric name"),
    ({"evaluation_schema": {"accuracy": "real", "log_loss": "real", "größe": "real"}}, "is no metric name"),
    ({"dispatch_mode": {"termination": "auto"}}, "dispatch_mode.termination is auto, but"),
    ({"dispatch_mode": {"integration": "sometimes"}}, "dispatch_mode.integration: "),
    ({"ideation_policy": {"kind": "whenever"}}, "ideation_policy.kind: "),
    ({"ideation_policy": {"kind": "fixed_total"}}, "ideation_policy: the kind fixed_total needs total"),
    ({"ideation_policy": {"kind": "maintain_pending", "target": 0}}, "ideation_policy.target: "),
    ({"termination_policy": {}}, "termination_policy.kind is missing"),
    ({"termination_policy": {"kind": "max_variants"}}, "the kind max_variants needs target"),
    ({"termination_policy": {"kind": "max_wall_time"}}, "the kind max_wall_time needs duration"),
    ({"termination_policy": {"kind": "max_wall_time", "duration": "2 hours"}}, "termination_policy.duration: "),
    ({"termination_policy": {"kind": "max_wall_time", "duration": "PT0S"}}, "longer than zero"),
    ({"termination_policy": {"kind": "convergence_window"}}, "convergence_window needs metric and window"),
    ({"termination_policy": {"kind": "target_condition", "metric": "accuracy"}}, "target_condition needs threshold"),
    ({"baseline": {"enabled": False, "metrics": {"accuracy": 0.5}}}, "baseline: metrics are given but"),
    ({"baseline": {"metrics": {"accuracy": True}}}, "baseline.metrics.accuracy must be real"),
    ({"baseline": {"metrics": {"speed": 1}}}, "baseline.metrics.speed is not in the evaluation_schema"),
    ({"auto_checkpoint": {"often": True}}, "auto_checkpoint.often is not a key that belongs there"),
    ({"max_quiescent_iterations": 1}, "max_quiescent_iterations: "),
    ({"execution_task_deadline": 0}, "execution_task_deadline: "),
    ({"execution_command": ["python", "x.py"]}, "execution_command: "),
    ({"resources": {"execution": {"gpu": 1}}}, "resources.execution.gpu is not a key"),
    ({"resources": {"executor": {"gpus": 1}}}, "resources.executor is not a key"),
    ({"automation": {"ideator": "auto"}}, "automation.ideator: "),
    ({"claim_seconds": {"execution": -1}}, "claim_seconds.execution: "),
    ({"name": " padded "}, "name: a name must not begin"),
    ({"slug": "No Slug"}, "slug: "),
    ({"description": None}, "leave description out"),
    ({"extra": float("nan")}, "extra: must be a finite number"),
    ({"extra": {"deep": ["a\x00"]}}, r"extra\.deep\[0\]: has a character"),
    ({"extra": {1: "one"}}, "extra has the key 1"),
    ({"extra": dt.datetime(2030, 1, 1, tzinfo=dt.UTC)}, "extra: datetime is not a value of JSON"),
    ({"extra": 10**30}, "extra: is too large a number"),
]


@pytest.mark.parametrize(("change", "message"), FAULTY, ids=[message[:50] for _, message in FAULTY])
def test_each_fault_is_named_by_its_key(change: dict[str, Any], message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        configs.complete({**CONFIG, **change})


@pytest.mark.parametrize("raw", [None, [], "text", 7])
def test_a_config_that_is_no_mapping_is_refused(raw: Any) -> None:
    with pytest.raises(BadRequest, match="must be a mapping"):
        configs.read(raw)


def test_all_missing_keys_are_named_at_once() -> None:
    with pytest.raises(BadRequest, match="parallel_variants is missing; evaluation_schema is missing; objective is"):
        configs.read({})


@pytest.mark.parametrize("name", sorted(shape.RESERVED_METRICS))
def test_no_reserved_name_is_a_metric(name: str) -> None:
    with pytest.raises(BadRequest, match=f"{name} is reserved"):
        configs.read({**CONFIG, "evaluation_schema": {"accuracy": "real", "log_loss": "real", name: "text"}})


def test_defaults_are_filled_in_and_unknown_keys_kept() -> None:
    kept = configs.complete({**CONFIG, "roles": {"x": None}, "max_variants": "as it was", "parallel_variants": 3.0})
    assert kept["roles"] == {"x": None}
    assert kept["max_variants"] == "as it was"
    assert (kept["parallel_variants"], type(kept["parallel_variants"])) == (3, int)
    assert kept["ideation_policy"] == {"kind": "maintain_pending", "target": 3}
    assert kept["baseline"] == {"enabled": True}
    assert kept["dispatch_mode"]["termination"] == "manual"
    assert kept["dispatch_mode"]["integration"] == "auto"
    assert (kept["ideation_task_deadline"], kept["execution_task_deadline"]) == (120, 600)
    assert (kept["evaluation_task_deadline"], kept["max_quiescent_iterations"]) == (300, 3)


def test_what_is_given_wins_over_the_defaults() -> None:
    given = {
        "ideation_policy": {"kind": "fixed_total", "total": 4, "flavour": "vanilla"},
        "baseline": {"metrics": {"accuracy": None}},
        "dispatch_mode": {"integration": "manual", "something_new": "auto"},
        "evaluation_task_deadline": 12.5,
    }
    kept = configs.complete({**CONFIG, **given})
    assert kept["ideation_policy"] == given["ideation_policy"]
    assert kept["baseline"] == {"enabled": True, "metrics": {"accuracy": None}}
    assert (kept["dispatch_mode"]["integration"], kept["dispatch_mode"]["something_new"]) == ("manual", "auto")
    assert kept["evaluation_task_deadline"] == 12.5


def test_a_completed_config_completes_to_itself() -> None:
    once = configs.complete(CONFIG)
    assert configs.complete(once) == once


def test_roles_with_a_command_are_automatic_unless_told_otherwise() -> None:
    config = configs.complete({**CONFIG, "execution_command": "make", "evaluation_command": "make test"})
    assert configs.automation(config, {}).to_wire() == {
        "ideator": "manual",
        "executor": "automatic",
        "evaluator": "automatic",
    }
    assert configs.automation(config, {"executor": "manual"}).executor == "manual"
    with pytest.raises(BadRequest, match="the ideator cannot be automatic: the config has no ideation_command"):
        configs.automation(config, {"ideator": "automatic"})


def test_a_deep_config_is_refused_not_followed() -> None:
    deep: Any = []
    for _ in range(2000):
        deep = [deep]
    with pytest.raises(BadRequest, match="nested too deeply"):
        configs.read({**CONFIG, "extra": deep})


def test_a_config_that_unfolds_without_end_is_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    (tmp_path / "experiment.yaml").write_text("\n".join(lines))
    with pytest.raises(BadRequest, match="too many values"):
        configs.read(directories.read_config(tmp_path))


def test_the_config_of_the_hidden_folder_comes_first(tmp_path: Path) -> None:
    (tmp_path / "experiment.yaml").write_text("name: second")
    assert directories.read_config(tmp_path) == {"name": "second"}
    (tmp_path / ".eden").mkdir()
    (tmp_path / ".eden" / "config.yaml").write_text("name: first\nsince: 2030-01-01\n")
    assert directories.read_config(tmp_path) == {"name": "first", "since": "2030-01-01"}


@pytest.mark.parametrize("content", [b"a: [", b"a: \xff\xfe", b"!!python/object:os.system x", b"x" * (1024 * 1024 + 1)])
def test_a_file_that_is_no_config_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "experiment.yaml").write_bytes(content)
    with pytest.raises(BadRequest, match=r"experiment\.yaml"):
        directories.read_config(tmp_path)


def test_a_directory_without_a_config_is_told_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"neither \.eden/config\.yaml nor experiment\.yaml"):
        directories.read_config(tmp_path)


unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no fault
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.integers(), inner, max_size=4),
    max_leaves=12,
)
keys = st.sampled_from([*shape.Config.model_fields, "unknown"])


@unhurried
@given(st.dictionaries(keys, json_values, max_size=8), st.booleans())
def test_any_config_is_either_completed_or_refused(given: dict[str, Any], is_based: bool) -> None:
    raw = {**CONFIG, **given} if is_based else given
    try:
        kept = configs.complete(raw)
    except BadRequest:
        return
    assert configs.complete(kept) == kept
    assert kept.keys() >= raw.keys()


expressions = st.recursive(
    st.sampled_from(["accuracy", "log_loss", "parameters", "2", "0.5", "note", "other"]),
    lambda inner: (
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "**", "//", "%", "<", "and"]), inner).map(" ".join)
        | inner.map("-({})".format)
        | st.tuples(st.sampled_from(["min", "log", "abs", "sin"]), inner).map(lambda pair: f"{pair[0]}({pair[1]})")
        | inner.map("[{}][0]".format)
    ),
    max_leaves=8,
)


@unhurried
@given(expressions | st.text(max_size=20))
def test_an_objective_is_accepted_exactly_when_the_task_store_can_read_it(expr: str) -> None:
    def outcome(read: Any) -> Any:
        try:
            return set(read(expr))
        except ValueError:
            return None

    assert outcome(objective.metrics) == outcome(task_objective.names_in)


def test_reserved_metrics_are_those_of_the_task_store() -> None:
    assert shape.RESERVED_METRICS == task_metrics.RESERVED


def test_the_objective_of_one_metric_is_that_metric() -> None:
    assert (objective.single_metric(" accuracy "), objective.single_metric("-accuracy")) == ("accuracy", None)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT2H", 7200), ("P1DT30M", 88_200), ("P2W", 1_209_600), ("PT0.5S", 0.5), ("P1M", 2_592_000), ("P1Y", 31_536_000)],
)
def test_durations_have_a_length(text: str, seconds: float) -> None:
    assert parse_duration(text).total_seconds() == seconds


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "1H", "PT1H30", "P-1D", "PT0S", "P1DT", "P99999999999W", "P٣D", "P1D\n"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_duration(text)
