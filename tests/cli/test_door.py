"""The command as a whole: quick to start, complete, and plain about what went wrong."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from store_client.cli import main
from store_client.cli.door import explained
from store_client.errors import Forbidden, NotFound, ProtocolBroken, SwitchyardError, Unauthorized, Unreachable
from tests.cli.commands import switchyard

COMMANDS = {
    "up", "serve", "web", "orchestrate", "schedule", "work", "signin", "experiment", "task", "job", "gpu", "lease",
    "worker", "git-credential", "operator",
}  # fmt: skip


def test_every_command_is_there_and_explains_itself() -> None:
    context = click.Context(main)
    assert set(main.list_commands(context)) == COMMANDS
    for name in COMMANDS:
        result = CliRunner().invoke(main, [name, "--help"])
        assert result.exit_code == 0
        assert "Usage: switchyard" in result.output.replace("Usage: main", "Usage: switchyard")
        assert len(result.output.splitlines()) > 4


def test_up_starts_without_loading_what_it_does_not_need_yet() -> None:
    program = (
        "import sys, store_client.cli.up; "
        "print({'httpx', 'pydantic', 'rich', 'sqlalchemy', 'starlette'} & sys.modules.keys())"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (loaded.stdout.strip(), loaded.stderr) == ("set()", "")


def test_an_unknown_command_is_wrong_use() -> None:
    answer = switchyard("dance")
    assert answer.returncode == 2
    assert "dance" in answer.stderr


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Unreachable("gone"), 3),
        (Unauthorized(), 1),
        (Forbidden(), 1),
        (NotFound("no such job"), 1),
        (ProtocolBroken("odd"), 1),
        (SwitchyardError("other"), 1),
    ],
)
def test_every_error_has_an_exit_status_and_words(error: SwitchyardError, status: int) -> None:
    failed = explained(error)
    assert failed.exit_code == status
    assert failed.message.startswith(str(error))


@pytest.mark.parametrize(
    "command", [["experiment", "list"], ["job", "list"], ["job", "show", "1"], ["worker", "register"]]
)
def test_without_a_server_a_command_says_how_to_start_one(command: list[str], tmp_path: Path) -> None:
    answer = switchyard(*command, "--data", str(tmp_path))
    assert answer.returncode == 3
    assert f"switchyard up --data {tmp_path}" in answer.stderr


@pytest.mark.parametrize("command", ["orchestrate", "schedule"])
@pytest.mark.parametrize("url", [[], ["--database-url", "sqlite:///x.db"]])
def test_the_separate_loops_refuse_sqlite(command: str, url: list[str], tmp_path: Path) -> None:
    answer = switchyard(command, "--data", str(tmp_path), *url)
    assert answer.returncode == 1
    assert "needs PostgreSQL" in answer.stderr
    assert "switchyard up" in answer.stderr


def test_a_console_without_a_credential_says_where_it_would_be(tmp_path: Path) -> None:
    answer = switchyard("web", "--data", str(tmp_path))
    assert answer.returncode == 1
    assert "console-token" in answer.stderr


def test_hosting_an_experiment_needs_its_id_and_its_config(tmp_path: Path) -> None:
    answer = switchyard("serve", "--data", str(tmp_path), "--experiment-id", f"exp_{'0' * 26}")
    assert answer.returncode == 2
    assert "--experiment-config" in answer.stderr


def test_a_database_password_from_the_environment_stays_out_of_the_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    became: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda _program, words: became.append(words))
    url = "postgresql+psycopg://switchyard:secret@localhost/switchyard"
    CliRunner().invoke(main, ["schedule"], env={"SWITCHYARD_DATABASE_URL": url})
    CliRunner().invoke(main, ["schedule", "--database-url", url])
    assert [url in words for words in became] == [False, True]
