"""Settings of an experiment: what may change and when, every version kept, and what is archived left out of lists."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import pytest
import yaml
from pydantic import ValidationError
from sqlalchemy import delete, insert

from control_plane.registry.operations import lifecycle, reading, settings, summaries
from control_plane.registry.rules import changes
from control_plane.registry.rules.shape import Config
from control_plane.registry.tables import leases, registrations
from store_client.errors import BadRequest, IllegalTransition, InvalidName, InvalidPrecondition, NotFound
from store_client.wire.call import PageQuery
from store_client.wire.calls.experiments import ExperimentPageQuery
from store_client.wire.configs import MOST_CHARACTERS, ChangeConfig, CheckConfig, ConfigReport, ConfigVersion
from store_client.wire.experiments import ChangeExperiment, EndExperiment, ExperimentDetail
from tests.registry import CONFIG, Registry, open_registry

WITH_COMMAND = {
    **CONFIG,
    "execution_command": "true",
    "termination_policy": {"kind": "max_variants", "target": 9},
    "dispatch_mode": {"termination": "auto"},
}


@pytest.fixture
def registry(database_url: str) -> Iterator[Registry]:
    with open_registry(database_url) as opened:
        yield opened


def as_yaml(**changes_: Any) -> str:
    return yaml.safe_dump({**WITH_COMMAND, **changes_}, sort_keys=False)


def check(registry: Registry, scope: str, text: str) -> ConfigReport:
    return registry.at(scope, lambda tx: settings.check(tx, CheckConfig(text=text)))


def change(registry: Registry, scope: str, text: str, based_on: int = 1) -> ConfigVersion:
    return registry.at(scope, lambda tx: settings.change_config(tx, ChangeConfig(text=text, based_on=based_on)))


def config_of(registry: Registry, scope: str) -> Mapping[str, Any]:
    return registry.at(scope, reading.read_detail).config


@pytest.fixture
def scope(registry: Registry) -> str:
    return registry.experiment("Digits", **WITH_COMMAND)


def test_every_key_of_a_config_may_change_or_says_why_not() -> None:
    rules = (changes.EFFECTS, changes.MEASURED, changes.ELSEWHERE)
    told = [key for rule in rules for key in rule]
    assert sorted(told) == sorted(set(told))
    assert set(told) == set(Config.model_fields)


def test_what_was_measured_or_is_switched_elsewhere_stays(registry: Registry, scope: str) -> None:
    others: dict[str, Any] = {
        "evaluation_schema": {"accuracy": "real"},
        "objective": {"expr": "-accuracy", "direction": "maximize"},
        "baseline": {"enabled": False},
        "dispatch_mode": {"termination": "manual"},
        "automation": {"executor": "manual"},
    }
    for key in (*changes.MEASURED, *changes.ELSEWHERE):
        text = as_yaml(**{key: others.get(key, "other")})
        (fault,) = check(registry, scope, text).faults
        assert fault.key == key
        with pytest.raises(BadRequest, match=f"{key} cannot be changed here: "):
            change(registry, scope, text)
    assert registry.at(scope, settings.read_config).number == 1


def test_a_draft_may_still_measure_something_else(registry: Registry, scope: str) -> None:
    registry.change("experiments", status="draft")
    text = as_yaml(objective={"expr": "2 * accuracy", "direction": "minimize"})
    assert [one.key for one in check(registry, scope, text).changes] == ["objective"]
    change(registry, scope, text)
    assert registry.at(scope, reading.read_detail).objective.direction == "minimize"


def test_a_change_holds_at_once_is_told_and_keeps_every_version(registry: Registry, scope: str) -> None:
    worker_id, _ = registry.worker(scope, "ada")
    first = registry.at(scope, settings.read_config)
    assert (first.number, first.changed_by, first.is_newest) == (1, None, True)
    report = check(registry, scope, as_yaml(parallel_variants=7, my_key=[1]))
    assert [(one.key, one.act) for one in report.changes] == [("parallel_variants", "changed"), ("my_key", "added")]
    assert config_of(registry, scope)["parallel_variants"] == 2
    made = change(registry, scope, "# more\n" + as_yaml(parallel_variants=7, my_key=[1]))
    assert (made.number, made.keys) == (2, ("parallel_variants", "my_key"))
    assert config_of(registry, scope)["parallel_variants"] == 7
    assert registry.told(scope)[-1] == (
        "experiment.config_changed", {"version": 2, "keys": ["parallel_variants", "my_key"], "by": "admin"},
    )  # fmt: skip
    back = change(registry, scope, first.text, based_on=2)
    assert (back.number, config_of(registry, scope)["parallel_variants"]) == (3, 2)
    registry.change("config_versions", changed_by=worker_id)
    newest, *older = registry.at(scope, lambda tx: settings.list_versions(tx, PageQuery(limit=2))).versions
    assert (newest.number, newest.changed_by_name, [one.number for one in older]) == (3, "ada", [2])
    rest = registry.at(scope, lambda tx: settings.list_versions(tx, PageQuery(limit=2, after="2")))
    assert ([one.number for one in rest.versions], rest.next) == ([1], None)
    assert registry.at(scope, lambda tx: settings.read_version(tx, "2")).text.startswith("# more")
    for nowhere in ("0", "4", "x", "9" * 30, "²"):
        with pytest.raises(NotFound):
            registry.at(scope, partial(settings.read_version, number=nowhere))


def test_nobody_overwrites_what_they_have_not_seen_and_sending_twice_is_sending_once(
    registry: Registry, scope: str
) -> None:
    text = as_yaml(parallel_variants=3)
    assert [change(registry, scope, text).number for _ in range(2)] == [2, 2]
    with pytest.raises(InvalidPrecondition, match="changed meanwhile"):
        change(registry, scope, as_yaml(parallel_variants=4))
    assert config_of(registry, scope)["parallel_variants"] == 3


def test_the_config_of_an_experiment_that_ended_stays(registry: Registry, scope: str) -> None:
    registry.at(scope, lambda tx: lifecycle.end(tx, EndExperiment()))
    with pytest.raises(IllegalTransition, match="stays as it was"):
        change(registry, scope, as_yaml(parallel_variants=3))


FAULTY: list[tuple[str, int | None, str | None, str]] = [
    ("a: [1\nb: 2\n", 2, None, "no YAML"),
    (as_yaml(parallel_variants=0), 1, "parallel_variants", "parallel_variants: "),
    (as_yaml(resources={"execution": {"gpus": -1}}), 16, "resources.execution.gpus", "gpus"),
    (as_yaml(objective={"direction": "maximize"}), 5, "objective.expr", "objective.expr is missing"),
    (as_yaml(objective={"expr": "speed", "direction": "maximize"}), 6, "objective.expr", "names speed"),
    (as_yaml(execution_command=None).replace("execution_command: null\n", ""), None, None, "cannot be automatic"),
    ("[]", None, None, "must be a mapping"),
    ("a: \x07", None, None, "no YAML"),
    ("x: &a [*a]", None, None, "nested too deeply"),
    ("x" * (MOST_CHARACTERS + 1), None, None, "at most 65,536"),
]


def test_a_fault_says_where_it_is(registry: Registry, scope: str) -> None:
    registry.change("experiments", automation={"executor": "automatic"})
    for text, line, key, said in FAULTY:
        fault = check(registry, scope, text).faults[0]
        assert said in fault.message
        assert (fault.line, fault.key) == (line, key), text[:80]


def test_a_policy_that_orchestrators_decide_by_is_not_taken_away(registry: Registry, scope: str) -> None:
    without = {key: value for key, value in WITH_COMMAND.items() if key != "termination_policy"}
    (_, fault) = check(registry, scope, yaml.safe_dump({**without, "dispatch_mode": {}})).faults
    assert "without a termination_policy there is no rule" in fault.message


def test_a_key_that_looks_like_one_of_ours_is_pointed_at(registry: Registry, scope: str) -> None:
    report = check(registry, scope, as_yaml(paralel_variants=3, quite_another=1))
    assert report.notes == ("paralel_variants is no key of ours, so nothing reads it; parallel_variants is one",)
    assert not report.faults


def test_names_and_what_is_told_change_and_addresses_stay(registry: Registry, scope: str) -> None:
    body = ChangeExperiment(name="Numerals", description="Ten of them.", hypothesis="")
    detail = registry.at(scope, lambda tx: settings.change(tx, body))
    assert (detail.name, detail.slug, detail.description, detail.hypothesis) == (
        "Numerals", "digits", "Ten of them.", None,
    )  # fmt: skip
    assert registry.told(scope)[-1] == ("experiment.changed", {"keys": ["description", "name"], "by": "admin"})
    assert "Numerals" in registry.act(lambda tx: str(tx.connection.execute(registrations.select()).all()))
    told = len(registry.told(scope))
    registry.at(scope, lambda tx: settings.change(tx, body))
    assert len(registry.told(scope)) == told
    for odd in ("", " x"):
        with pytest.raises(InvalidName):
            registry.at(scope, partial(settings.change, body=ChangeExperiment(name=odd)))


def test_tags_are_kept_once_each_and_found_and_another_slug_is_refused(registry: Registry, scope: str) -> None:
    def change(**told: Any) -> ExperimentDetail:
        changed: ExperimentDetail = registry.at(
            scope, partial(settings.change, body=ChangeExperiment.model_validate(told))
        )
        return changed

    assert change(tags=["night", "GPU", "night"], slug="digits").tags == ("night", "GPU")
    assert registry.told(scope)[-1][1]["keys"] == ["tags"]
    registry.experiment("Other")
    for word, names in (("gpu", ["Digits"]), ("night digits", ["Digits"]), ("nightgpu", []), ("day", [])):
        assert [one.name for one in registry.act(summaries.page, ExperimentPageQuery(q=word)).items] == names
    assert change(name="Digits").tags == ("night", "GPU")
    assert change(tags=[]).tags == ()
    with pytest.raises(BadRequest, match="the slug stays"):
        change(slug="numerals")
    for odd in (["two words"], [""], ["a\x00b"], ["x" * 41], ["x"] * 21):
        with pytest.raises(ValidationError):
            ChangeExperiment.model_validate({"tags": odd})


def test_a_page_of_experiments_tells_who_decides_where_that_was_asked_for(registry: Registry, scope: str) -> None:
    def decides(**query: Any) -> list[str | None]:
        found = registry.act(summaries.page, ExperimentPageQuery.model_validate(query))
        return [one.lease.holder if one.lease else None for one in found.items]

    holder = "wkr_" + "0" * 26
    row = {
        "experiment_id": scope, "lease_id": "one", "epoch": 1, "holder": holder, "holder_instance": "a",
        "acquired_at": "2026-01-01T00:00:00.000000Z", "renewed_at": "2026-01-01T00:00:00.000000Z",
    }  # fmt: skip

    def until(year: int) -> None:
        row["expires_at"] = f"{year}-01-01T00:00:00.000000Z"
        registry.act(lambda tx: tx.connection.execute(delete(leases)).close())
        registry.act(lambda tx: tx.connection.execute(insert(leases).values(row)).close())

    assert decides(with_leases=True) == [None]
    until(2999)
    assert decides() == [None]
    assert decides(with_leases=True) == [holder]
    until(2020)
    assert decides(with_leases=True) == [None]


def test_lists_leave_out_what_is_archived_and_nothing_else_of_it_goes(registry: Registry, scope: str) -> None:
    def listed(**query: Any) -> tuple[list[str], int | None]:
        found = registry.act(summaries.page, ExperimentPageQuery.model_validate(query))
        return [one.name for one in found.items], found.total

    registry.experiment("Other")
    with pytest.raises(IllegalTransition, match="only an experiment that has ended"):
        registry.at(scope, lifecycle.archive)
    registry.at(scope, lambda tx: lifecycle.end(tx, EndExperiment()))
    for _ in range(2):
        assert registry.at(scope, lifecycle.archive).archived_at is not None
    assert listed() == (["Other"], 1)
    assert listed(archived=True) == (["Digits"], 1)
    assert listed(q=scope) == (["Digits"], 1)
    assert listed(q="digits") == ([], 0)
    assert config_of(registry, scope)["parallel_variants"] == 2
    for _ in range(2):
        assert registry.at(scope, lifecycle.unarchive).archived_at is None
    assert listed()[1] == 2
    assert [type_ for type_, _ in registry.told(scope)].count("experiment.unarchived") == 1


def test_a_list_tells_when_something_happened_last(registry: Registry, scope: str) -> None:
    registry.at(scope, lifecycle.pause)
    (one,) = registry.act(summaries.page, ExperimentPageQuery()).items
    assert one.last_event_at is not None
    assert one.last_event_at >= one.created_at
