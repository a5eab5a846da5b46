"""`switchyard work`: a worker host of its own, with a credential of its own."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import ROOT, SWITCHYARD, stop, switchyard

CONFIG = """
parallel_variants: 1
evaluation_schema: {score: real}
objective: {expr: score, direction: maximize}
automation: {ideator: manual, executor: manual, evaluator: manual}
evaluation_command: >-
  printf '{"status": "success", "evaluation": {"score": 7}}' >"$EDEN_OUTPUT"
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[list[str]]:
    """The options that name a running control plane with all its loops."""
    data = tmp_path / "data"
    command = [sys.executable, "-m", "control_plane", "--data", str(data), "--port", "0", "--end-attempts"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    url = json.loads(process.stdout.readline())["control_plane"]
    yield ["--data", str(data), "--control-plane-url", url]
    stop(process)


@pytest.mark.parametrize("is_of_the_experiment", [True, False])
def test_a_host_does_the_work_of_its_role(server: list[str], tmp_path: Path, is_of_the_experiment: bool) -> None:
    (tmp_path / "experiment.yaml").write_text(CONFIG)
    made = asked("experiment", "create", str(tmp_path), "--name", "Worked", *server)
    scope = ["--experiment", made["slug"]] if is_of_the_experiment else []
    file = tmp_path / "credential"
    asked("worker", "register", *scope, "--credential-file", str(file), *server)
    role = ("--role", "evaluator", "--experiment", made["experiment_id"], "--credential-file", str(file))
    host = subprocess.Popen([*SWITCHYARD, "work", *role, *server], cwd=ROOT, text=True)
    try:
        assert baseline_of(made["slug"], server) == 7
    finally:
        assert stop(host) == 0


def asked(*arguments: str) -> Any:
    answer = switchyard(*arguments, "--json")
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def baseline_of(slug: str, server: list[str], seconds: float = 30) -> Any:
    """The baseline's score, once there is one."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = asked("experiment", "show", slug, *server)["baseline"]
        if found is not None:
            return found
    return None


def test_a_role_needs_a_credential(tmp_path: Path) -> None:
    answer = switchyard("work", "--role", "evaluator", "--experiment", f"exp_{'0' * 26}", "--data", str(tmp_path))
    assert answer.returncode == 2
    assert "--credential-file" in answer.stderr
