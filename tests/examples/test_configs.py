"""Each example's configuration names what a host needs, and a demonstration never eats a laptop."""

from typing import Any

import pytest
import yaml

from tests.examples.host import EXAMPLES

NAMES = sorted(folder.name for folder in EXAMPLES.iterdir() if folder.is_dir())
ROLES = ("ideation", "execution", "evaluation")


def read(name: str) -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load((EXAMPLES / name / ".eden" / "config.yaml").read_text())
    return config


def test_there_are_three_examples() -> None:
    assert NAMES == ["digits", "hello", "packing"]


@pytest.mark.parametrize("name", NAMES)
def test_every_role_has_a_command_that_no_variant_can_change(name: str) -> None:
    config = read(name)
    for role in ROLES:
        assert "$EDEN_EXPERIMENT_DIR/" in config[f"{role}_command"]
        assert config["resources"][role].get("gpus", 0) == 0  # a GPU helps where there is one, and is not needed
        assert config["resources"][role]["timeout_seconds"] > 0


@pytest.mark.parametrize("name", NAMES)
def test_the_objective_is_a_metric_and_the_search_ends(name: str) -> None:
    config = read(name)
    assert config["objective"]["expr"] in config["evaluation_schema"]
    assert config["dispatch_mode"]["termination"] == "auto"
    assert config["termination_policy"]["kind"] == "max_variants"


@pytest.mark.parametrize("name", ["digits", "packing"])
def test_a_seeded_example_runs_niced_and_stops_at_sixty(name: str) -> None:
    config = read(name)
    assert all(config[f"{role}_command"].startswith("nice -n 10 ") for role in ROLES)
    assert config["termination_policy"]["target"] == 60
    assert config["parallel_variants"] == 2
