"""`switchyard work`: a worker host of its own, with a credential of its own."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.deployment import Deployment
from tests.cli.commands import invoked, switchyard

CONFIG = """
parallel_variants: 1
evaluation_schema: {score: real}
objective: {expr: score, direction: maximize}
automation: {ideator: manual, executor: manual, evaluator: manual}
evaluation_command: >-
  printf '{"status": "success", "evaluation": {"score": 7}}' >"$EDEN_OUTPUT"
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A running control plane with all its loops, and nothing else of a deployment."""
    shared = Deployment(tmp_path_factory.mktemp("server") / "data")
    options = ("--data", str(shared.data), "--port", "0", "--end-attempts")
    try:
        shared.run_module("control_plane", *options, has_ready_line=True)
        yield shared
    finally:
        shared.clean_up()


@pytest.mark.parametrize("is_of_the_experiment", [True, False])
def test_a_host_does_the_work_of_its_role(server: Deployment, tmp_path: Path, is_of_the_experiment: bool) -> None:
    (tmp_path / "experiment.yaml").write_text(CONFIG)
    where = ("--data", str(server.data), "--control-plane-url", server.ready["control_plane"])
    made = asked("experiment", "create", str(tmp_path), "--name", f"Worked {is_of_the_experiment}", *where)
    scope = ["--experiment", made["slug"]] if is_of_the_experiment else []
    file = tmp_path / "credential"
    asked("worker", "register", *scope, "--credential-file", str(file), *where)
    role = ("--role", "evaluator", "--experiment", made["experiment_id"], "--credential-file", str(file))
    host = server.run("work", *where[2:], *role, has_ready_line=False)
    store = server.store(made["experiment_id"])
    server.until(lambda: store.read_experiment_detail().baseline == 7, "the baseline is evaluated")
    assert host.stop() == 0
    server.parts.remove(host)


def asked(*arguments: str) -> Any:
    answer = invoked(*arguments, "--json")
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def test_a_role_needs_a_credential(tmp_path: Path) -> None:
    answer = switchyard("work", "--role", "evaluator", "--experiment", f"exp_{'0' * 26}", "--data", str(tmp_path))
    assert answer.returncode == 2
    assert "--credential-file" in answer.stderr
