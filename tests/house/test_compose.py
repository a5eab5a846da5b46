"""The compose files hold together, as far as that shows without a container engine."""

import importlib.resources
import json
import re
import subprocess
import sysconfig
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from click import Group

from tests.house.tree import ROOT

FOLDER = ROOT / "compose"
FILES = sorted(path.name for path in FOLDER.glob("*.yaml"))
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)")


def read(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    return loaded


def example() -> set[str]:
    """The variables that example.env gives."""
    lines = (FOLDER / "example.env").read_text(encoding="utf-8").splitlines()
    return {line.split("=", 1)[0] for line in lines if line and not line.startswith("#")}


def offences(compose: dict[str, Any], given: set[str]) -> Iterator[str]:
    for variable in sorted(set(VARIABLE.findall(json.dumps(compose))) - given):
        yield f"${{{variable}}} is not in example.env"
    services = compose["services"]
    for name, service in services.items():
        for port in service.get("ports", ()):
            if not str(port).startswith("127.0.0.1:"):
                yield f"{name} publishes {port} beyond this machine"
        for other, how in service.get("depends_on", {}).items():
            if other not in services:
                yield f"{name} waits for {other}, which does not exist"
            elif how["condition"] == "service_healthy" and "healthcheck" not in services[other]:
                yield f"{name} waits for the health of {other}, which has no healthcheck"


@pytest.fixture(scope="module")
def schema() -> Any:
    vendored = importlib.resources.files("check_jsonschema.builtin_schemas") / "vendor" / "compose-spec.json"
    return json.loads(vendored.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", FILES)
def test_a_compose_file_is_one(name: str, schema: Any) -> None:
    jsonschema.validate(read(name), schema)


@pytest.mark.parametrize("name", FILES)
def test_a_compose_file_holds_together(name: str) -> None:
    assert list(offences(read(name), example())) == []


def test_an_overlay_only_adds_to_services_there_are() -> None:
    overlays = [read(name)["services"].keys() for name in FILES if name != "compose.yaml"]
    assert set().union(*overlays) - read("compose.yaml")["services"].keys() == set()


def test_every_command_is_one_of_switchyard() -> None:
    from store_client.cli import main  # noqa: PLC0415 - only this test needs the command line

    assert isinstance(main, Group)
    commands = {name: service.get("command") for name, service in read("compose.yaml")["services"].items()}
    for name, command in commands.items():
        if command is None:
            continue
        parameters = {option for each in main.commands[command[0]].params for option in each.opts}
        assert {word for word in command if word.startswith("--")} - parameters == set(), name


def test_the_dockerfile_passes_its_linter() -> None:
    hadolint = Path(sysconfig.get_path("scripts"), "hadolint")
    linted = subprocess.run([hadolint, FOLDER / "Dockerfile"], capture_output=True, text=True, check=False)
    assert linted.stdout + linted.stderr == ""


@pytest.mark.parametrize(
    ("change", "offence"),
    [
        ({"web-ui": {"ports": ["8090:8090"]}}, "web-ui publishes 8090:8090 beyond this machine"),
        ({"web-ui": {"image": "${NOWHERE}"}}, "${NOWHERE} is not in example.env"),
        ({"web-ui": {"depends_on": {"cache": {"condition": "service_started"}}}}, "web-ui waits for cache"),
        ({"web-ui": {"depends_on": {"scheduler": {"condition": "service_healthy"}}}}, "which has no healthcheck"),
    ],
)
def test_a_compose_file_that_does_not_hold_is_noticed(change: dict[str, Any], offence: str) -> None:
    broken = deepcopy(read("compose.yaml"))
    for name, fields in change.items():
        broken["services"][name].update(fields)
    assert offence in "\n".join(offences(broken, example()))


def test_a_service_that_compose_does_not_know_is_noticed(schema: Any) -> None:
    broken = {"services": {"web-ui": {"publish": ["8090"]}}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, schema)
