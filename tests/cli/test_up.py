"""`switchyard up`: one command, everything, and nothing left behind."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from tests.cli.commands import SWITCHYARD, start, stop, switchyard

PORTS = ("--port", "0", "--control-plane-port", "0")


class Running:
    """A deployment that was started, and its ready line."""

    def __init__(self, data: Path, *arguments: str) -> None:
        self.data = data
        self.process, self.ready = start("up", "--data", str(data), *PORTS, *arguments)

    def services(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.data / "services.json").read_text())
        return found

    def end(self) -> int:
        return stop(self.process)


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A deployment that the tests of this file share."""
    running = Running(tmp_path_factory.mktemp("up") / "data", "--no-examples")
    yield running
    running.end()


def until(condition: Callable[[], Any], seconds: float = 15) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return found


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def listed(data: Path) -> Any:
    answer = switchyard("experiment", "list", "--data", str(data), "--json")
    return json.loads(answer.stdout) if answer.returncode == 0 else None


def test_the_ready_line_says_where_everything_is(up: Running) -> None:
    assert up.ready["event"] == "ready"
    assert up.ready["signin"].startswith(f"{up.ready['web']}/signin?code=")
    for url in (f"{up.ready['control_plane']}/health", f"{up.ready['web']}/signin"):
        with urlopen(url, timeout=10) as answer:  # noqa: S310 - our own server
            assert answer.status == 200
    assert up.data.stat().st_mode & 0o777 == 0o700


def test_another_link_to_sign_in_can_be_had(up: Running) -> None:
    answer = switchyard("signin", "--data", str(up.data))
    link = answer.stdout.strip()
    assert link.startswith(f"{up.ready['web']}/signin?code=")
    assert link != up.ready["signin"]


def test_a_second_one_on_the_same_data_says_where_the_first_is(up: Running) -> None:
    answer = switchyard("up", "--data", str(up.data), *PORTS)
    assert answer.returncode == 1
    assert up.ready["web"] in answer.stderr
    assert "--data" in answer.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything_in_time(tmp_path: Path, number: signal.Signals) -> None:
    up = Running(tmp_path / "data", "--no-examples")
    processes = up.services()["processes"]
    assert len(processes) == 3
    up.process.send_signal(number)
    try:
        assert up.process.wait(10) == 0
    finally:
        up.end()
    assert not any(map(is_running, processes.values()))
    assert not (up.data / "services.json").exists()


@pytest.mark.parametrize("part", ["control plane", "web UI", "worker host"])
def test_a_part_that_dies_is_started_again_where_it_was(up: Running, part: str) -> None:
    dead = up.services()["processes"][part]
    os.kill(dead, signal.SIGKILL)
    until(lambda: up.services()["processes"][part] != dead)
    until(lambda: listed(up.data) is not None)
    with urlopen(f"{up.ready['web']}/signin", timeout=10) as answer:  # noqa: S310 - our own server
        assert answer.status == 200


def test_everything_dies_with_it_and_can_be_started_again_at_once(tmp_path: Path) -> None:
    data = tmp_path / "data"
    first = Running(data, "--no-examples")
    processes = first.services()["processes"]
    first.process.kill()
    first.end()
    ports = [urlsplit(first.ready[part]).port for part in ("web", "control_plane")]
    second = Running(data, "--no-examples", "--port", str(ports[0]), "--control-plane-port", str(ports[1]))
    try:
        assert not any(map(is_running, processes.values()))
        assert [urlsplit(second.ready[part]).port for part in ("web", "control_plane")] == ports
        assert listed(data) == []
    finally:
        assert second.end() == 0


def test_the_examples_are_there_on_the_first_run_and_only_then(tmp_path: Path) -> None:
    data = tmp_path / "data"
    first = Running(data)
    assert {summary["slug"] for summary in listed(data)} == {"digits", "packing"}
    assert switchyard("experiment", "end", "digits", "--data", str(data)).returncode == 0
    assert first.end() == 0
    second = Running(data)
    assert len(listed(data)) == 2
    assert second.end() == 0


def test_git_reads_a_repository_with_the_credential_helper(tmp_path: Path, up: Running) -> None:
    (tmp_path / "source").mkdir()
    config = "parallel_variants: 1\nevaluation_schema: {x: real}\nobjective: {expr: x, direction: maximize}\n"
    (tmp_path / "source" / "experiment.yaml").write_text(config)
    made = switchyard("experiment", "create", str(tmp_path / "source"), "--name", "Cloned", "--data", str(up.data))
    assert made.returncode == 0, made.stderr
    helper = "!" + " ".join([*SWITCHYARD, "git-credential", "--data", str(up.data)])
    (experiment,) = listed(up.data)
    url = f"{up.ready['control_plane']}/git/{experiment['experiment_id']}.git"
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1"}
    command = ["git", "-c", f"credential.helper={helper}", "clone", "--quiet", url, str(tmp_path / "clone")]
    subprocess.run(command, check=True, env=environment, cwd=Path(__file__).parents[2], timeout=60)
    assert (tmp_path / "clone" / "experiment.yaml").read_text() == config
