"""The commands against a server: `switchyard serve`, as anybody starts it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import invoked, start, stop, switchyard

CONFIG = """
name: Smallest
parallel_variants: 1
evaluation_schema: {score: real}
objective: {expr: score, direction: maximize}
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The data directory of a running server."""
    directory = tmp_path_factory.mktemp("serve")
    process, _ = start("serve", "--data", str(directory), "--port", "0")
    yield directory
    stop(process)


@pytest.fixture(scope="module")
def slug(data: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An experiment on that server."""
    directory = tmp_path_factory.mktemp("smallest")
    (directory / "experiment.yaml").write_text(CONFIG)
    created = asked(data, "experiment", "create", str(directory), "--name", "The smallest [bold]one")
    assert created["name"] == "The smallest [bold]one"
    return str(created["slug"])


def asked(data: Path, *arguments: str) -> Any:
    answer = invoked(*arguments[:2], "--data", str(data), "--json", *arguments[2:])
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def told(data: Path, *arguments: str) -> str:
    answer = invoked(*arguments[:2], "--data", str(data), *arguments[2:])
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def test_experiments_are_listed_with_their_scores_for_programs(data: Path, slug: str) -> None:
    (listed,) = [summary for summary in asked(data, "experiment", "list") if summary["slug"] == slug]
    assert (listed["status"], listed["baseline"], listed["best"]) == ("running", None, None)
    assert listed["objective"] == {"expr": "score", "direction": "maximize"}
    assert {"ideas", "variants", "evaluated", "integrated"} <= listed["counts"].keys()


def test_experiments_are_listed_for_people_with_names_as_they_are(data: Path, slug: str) -> None:
    listing = told(data, "experiment", "list")
    assert slug in listing
    assert "The smallest [bold]one" in listing


def test_an_experiment_is_shown_by_slug_and_by_id(data: Path, slug: str) -> None:
    shown = asked(data, "experiment", "show", slug)
    assert asked(data, "experiment", "show", shown["experiment_id"]) == shown
    assert shown["experiment_id"] in told(data, "experiment", "show", slug)


def test_an_experiment_is_paused_and_resumed(data: Path, slug: str) -> None:
    assert told(data, "experiment", "pause", slug) == f"{slug} is paused.\n"
    assert asked(data, "experiment", "resume", slug)["status"] == "running"


def test_an_experiment_is_ended_once(data: Path, tmp_path: Path) -> None:
    (tmp_path / "experiment.yaml").write_text(CONFIG)
    slug = asked(data, "experiment", "create", str(tmp_path), "--name", "Short")["slug"]
    assert asked(data, "experiment", "end", slug, "--outcome", "cancelled")["status"] == "cancelled"
    again = invoked("experiment", "end", slug, "--data", str(data))
    assert again.returncode == 1


def test_leases_are_listed_with_the_experiments_they_are_on(data: Path, slug: str) -> None:
    (entry,) = [each for each in asked(data, "lease", "list") if each["name"] == "The smallest [bold]one"]
    assert (entry["last_known_state"], entry["lease"]) == ("running", None)
    assert entry["experiment_id"] in told(data, "lease", "list")
    assert asked(data, "experiment", "show", slug)["experiment_id"] == entry["experiment_id"]


def test_a_job_is_queued_watched_and_shown(data: Path, slug: str) -> None:
    queued = asked(data, "job", "submit", slug, "--timeout", "60", "--", "/bin/sh", "-c", "echo hello from the job")
    assert "hello from the job" in told(data, "job", "logs", "--follow", str(queued["number"]))
    shown = asked(data, "job", "show", str(queued["number"]))
    assert shown["job_id"] == queued["job_id"]
    assert shown["timeout_seconds"] == 60
    assert queued["job_id"] in [job["job_id"] for job in asked(data, "job", "list", "--all", "--experiment", slug)]


def test_a_job_is_cancelled(data: Path, slug: str) -> None:
    queued = asked(data, "job", "submit", slug, "--name", "long [red]", "--", "sleep", "600")
    assert "long [red]" in told(data, "job", "list")
    assert asked(data, "job", "cancel", queued["job_id"])["state"] in {"cancelling", "cancelled"}


def test_a_worker_is_registered_with_its_credential_in_a_file_of_its_own(data: Path, slug: str, tmp_path: Path) -> None:
    file = tmp_path / "credential"
    registered = asked(data, "worker", "register", "--experiment", slug, "--credential-file", str(file))
    assert file.read_text() == f"{registered['worker_id']}:{registered['registration_token']}\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert "registration_token" in asked(data, "worker", "register", "--name", "GPU host")


def test_a_worker_is_disabled_and_enabled_in_its_registry(data: Path, slug: str) -> None:
    for where in ([], ["--experiment", slug]):
        worker_id = asked(data, "worker", "register", "--name", "host", *where)["worker_id"]
        assert asked(data, "worker", "disable", worker_id, *where)["disabled_at"]
        assert told(data, "worker", "enable", worker_id, *where) == f"{worker_id} is enabled.\n"


def test_people_are_invited_changed_reset_and_disabled(data: Path, slug: str) -> None:
    link = told(data, "operator", "invite", "Ada", "--in", f"{slug}=administrator", "--web-url", "http://console/")
    assert link.startswith("http://console/join?code=")
    assert [one["name"] for one in asked(data, "operator", "list")] == ["Administrator"]
    assert "Administrator is viewer in" in told(data, "operator", "role", "Administrator", "viewer", "--in", slug)
    assert "Administrator is none in" in told(data, "operator", "role", "Administrator", "none", "--in", slug)
    for command, words in (
        (["role", "Administrator", "viewer"], "only administrator"),
        (["disable", "Administrator"], "only administrator"),
        (["reset", "Administrator", "--web-url", "http://console"], "sign-in name"),
        (["invite", "Bo", "--in", f"{slug}=boss", "--web-url", "http://console"], "and not boss"),
        (["reset", "Ada", "--web-url", "http://console"], "nobody signs in as Ada"),
    ):
        answer = invoked("operator", *command, "--data", str(data))
        assert (answer.returncode, words in answer.stderr) == (1, True), answer.stderr


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["experiment", "show", "nowhere"], "no experiment nowhere"),
        (["job", "show", "999999"], "no job 999999"),
        (["job", "show", "job_nothing"], "job_nothing"),
        (["job", "submit", "nowhere", "true"], "no experiment nowhere"),
    ],
)
def test_what_is_not_there_is_said_in_a_sentence(data: Path, command: list[str], words: str) -> None:
    answer = invoked(*command, "--data", str(data))
    assert answer.returncode == 1
    assert words in answer.stderr


def test_a_malformed_config_names_the_key_at_fault(data: Path, tmp_path: Path) -> None:
    (tmp_path / "experiment.yaml").write_text(CONFIG.replace("parallel_variants: 1", "parallel_variants: none"))
    answer = invoked("experiment", "create", str(tmp_path), "--data", str(data))
    assert answer.returncode == 1
    assert "parallel_variants" in answer.stderr


def test_a_second_server_on_the_same_data_is_refused(data: Path) -> None:
    for command in ("serve", "up"):
        answer = switchyard(command, "--data", str(data), "--port", "0")
        assert answer.returncode == 1
        assert "already running" in answer.stderr


def test_a_port_that_is_taken_is_named(data: Path, tmp_path: Path) -> None:
    services = json.loads((data / "services.json").read_text())
    port = services["control_plane"].rpartition(":")[2]
    answer = switchyard("serve", "--data", str(tmp_path), "--port", port)
    assert answer.returncode == 1
    assert f"127.0.0.1:{port}" in answer.stderr
    assert "--port" in answer.stderr


def test_git_gets_the_administrators_password_for_this_server_alone(data: Path) -> None:
    host = json.loads((data / "services.json").read_text())["control_plane"].removeprefix("http://")
    token = (data / "admin-token").read_text().strip()
    assert credential(data, f"protocol=http\nhost={host}\n\n") == f"username=admin\npassword={token}\n"
    assert credential(data, f"protocol=http\nhost={host}\nusername=admin\n\n") != ""
    assert credential(data, f"protocol=http\nhost={host}\nusername=wkr_1\n\n") == ""
    assert credential(data, f"protocol=https\nhost={host}\n\n") == ""
    assert credential(data, "protocol=http\nhost=127.0.0.1:1\n\n") == ""
    assert credential(data, f"protocol=http\nhost={host}\n\n", "store") == ""


def credential(data: Path, question: str, operation: str = "get") -> str:
    answer = invoked("git-credential", "--data", str(data), operation, stdin=question)
    assert answer.returncode == 0
    return answer.stdout
