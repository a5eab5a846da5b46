"""`switchyard up`, and the commands around it, as an operator and a program meet them."""

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from store_client import Status, SubmitJob
from tests.acceptance import processes
from tests.acceptance.deployment import ROOT, STOP_SECONDS, SWITCHYARD, Deployment
from tests.acceptance.experiments import MANUAL, Recipe
from tests.cli.commands import invoked, switchyard
from tests.git.stock import Stock

READY_KEYS = {"event", "web", "control_plane", "signin"}
SUMMARY_KEYS = {"experiment_id", "slug", "name", "status", "objective", "baseline", "best", "counts"}
COUNT_KEYS = {"ideas", "variants", "evaluated", "integrated"}


def asked(data: Path, *arguments: str) -> Any:
    answer = invoked(*arguments[:2], "--data", str(data), "--json", *arguments[2:])
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def is_listening(url: str) -> bool:
    where = urlsplit(url)
    with socket.socket() as client:
        return client.connect_ex((where.hostname, where.port)) == 0


def test_the_ready_line_says_where_everything_is(running: Deployment) -> None:
    ready = running.ready
    assert set(ready) == READY_KEYS
    assert ready["event"] == "ready"
    assert ready["signin"].startswith(f"{ready['web']}/signin?code=")
    assert is_listening(ready["web"])
    assert is_listening(ready["control_plane"])


HANGS = "trap '' TERM; setsid sleep 600 & sleep 600"


@pytest.mark.parametrize(("number", "command"), [(signal.SIGINT, "sleep 600"), (signal.SIGTERM, HANGS)])
def test_a_signal_stops_everything_and_leaves_nothing(
    deployment: Deployment, tmp_path: Path, number: signal.Signals, command: str
) -> None:
    experiment = deployment.up().create(Recipe(automation=MANUAL).write(tmp_path / "source"), "stopped")
    began = deployment.position()
    job = SubmitJob(name="Hang", command=("/bin/sh", "-c", command))
    deployment.worker(experiment).submit_job(job)
    deployment.event(began, "job.started", name="Hang")
    (part,) = deployment.parts
    assert set(deployment.services) == {"control plane", "web UI", "worker host"}
    asked_at = time.monotonic()
    part.process.send_signal(number)
    out, _ = part.process.communicate(timeout=STOP_SECONDS)
    assert time.monotonic() - asked_at < STOP_SECONDS
    assert (part.process.returncode, out) == (0, "")
    assert not (deployment.data / "services.json").exists()
    assert processes.await_end(processes.of_directory(deployment.data), STOP_SECONDS) == []
    assert not is_listening(part.ready["web"])
    assert not is_listening(part.ready["control_plane"])
    assert "Traceback" not in deployment.errors.read_text(encoding="utf-8")


def test_a_second_up_on_the_same_data_is_refused_and_the_first_goes_on(running: Deployment) -> None:
    answer = switchyard("up", "--data", str(running.data), "--port", "0", "--control-plane-port", "0")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert f"already running on {running.data} at {running.ready['web']}" in answer.stderr
    assert "--data" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert is_listening(running.ready["web"])
    assert running.position() >= 0


def test_experiments_are_listed_for_programs(running: Deployment, tmp_path: Path) -> None:
    experiment = running.create(Recipe(2).write(tmp_path / "source"), "listed")
    store = running.store(experiment)
    running.until(lambda: store.read_experiment_detail().status is Status.COMPLETED, "the experiment ends")
    running.until(lambda: store.read_experiment_detail().counts.integrated == 2, "all is integrated")
    (summary,) = [each for each in asked(running.data, "experiment", "list") if each["slug"] == "listed"]
    assert summary.keys() >= SUMMARY_KEYS
    assert {name: summary["counts"][name] for name in COUNT_KEYS} == {
        "ideas": 4, "variants": 3, "evaluated": 3, "integrated": 2,
    }  # fmt: skip
    scores = [variant.evaluation["score"] for variant in store.list_variants()]
    (baseline,) = [variant.evaluation["score"] for variant in store.list_variants() if variant.kind]
    assert (summary["baseline"], summary["best"]) == (baseline, max(scores))
    assert summary["objective"] == {"expr": "score", "direction": "maximize"}


def test_stock_git_clones_an_experiment_as_the_local_administrator(running: Deployment, tmp_path: Path) -> None:
    experiment = running.create(Recipe(1, parallel=1).write(tmp_path / "source"), "cloned")
    store = running.store(experiment)
    running.until(lambda: store.read_experiment_detail().counts.integrated, "something is integrated")
    url = asked(running.data, "experiment", "show", "cloned")["git_url"]
    command = " ".join((*SWITCHYARD, "git-credential", "--data", str(running.data)))
    git = Stock(tmp_path / "home", {"PYTHONPATH": str(ROOT)})
    ask = ("-c", "credential.helper=", "-c", f"credential.helper=!{command}")
    git(*ask, "clone", "--quiet", url, "clone", cwd=tmp_path)
    (variant,) = store.list_variants("success")[1:]
    branches = git("branch", "--remotes", "--format=%(refname:lstrip=3) %(objectname)", cwd=tmp_path / "clone")
    (integrated,) = [line.split() for line in branches.splitlines() if line.startswith("variant/")]
    assert integrated[0].startswith(f"variant/{variant.variant_id}-")
    assert integrated[1] == variant.variant_commit_sha
    refused = git.tried("-c", "credential.helper=", "clone", "--quiet", url, "other", cwd=tmp_path)
    assert refused.returncode != 0


def test_a_job_is_submitted_watched_and_cancelled_on_the_command_line(running: Deployment, tmp_path: Path) -> None:
    running.create(Recipe(automation=MANUAL).write(tmp_path / "source"), "jobs")
    echo = asked(running.data, "job", "submit", "jobs", "--", "/bin/sh", "-c", "echo said; exit 3")
    log = invoked("job", "logs", "--data", str(running.data), "--follow", str(echo["number"]))
    assert "said" in log.stdout
    shown = asked(running.data, "job", "show", str(echo["number"]))
    assert (shown["state"], shown["exit_code"]) == ("failed", 3)
    long = asked(running.data, "job", "submit", "jobs", "--", "sleep", "600")
    assert long["job_id"] in [job["job_id"] for job in asked(running.data, "job", "list")]
    asked(running.data, "job", "cancel", str(long["number"]))
    running.until(lambda: running.client.read_job(long["job_id"]).state == "cancelled", "the job is cancelled")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("experiment", "show", "nowhere"), "switchyard experiment list"),
        (("experiment", "create", "/nonexistent"), "/nonexistent"),
        (("job", "show", "999999"), "999999"),
        (("job", "submit", "nowhere", "true"), "switchyard experiment list"),
        (("job", "submit"), "Usage"),
        (("up", "--port", "many"), "--port"),
        (("serve", "--experiment-id", "exp_1"), "--experiment-config"),
    ],
)
def test_bad_input_is_answered_with_what_to_do(running: Deployment, command: tuple[str, ...], words: str) -> None:
    call = switchyard if command[0] in {"up", "serve"} else invoked  # what serves becomes another program
    answer = call(*command, "--data", str(running.data))
    assert answer.returncode != 0
    assert answer.stdout == ""
    assert words in answer.stderr


def test_a_config_that_is_wrong_is_refused_key_by_key(running: Deployment, tmp_path: Path) -> None:
    for key, value in (("objective", {"expr": "speed", "direction": "maximize"}), ("parallel_variants", 0)):
        directory = Recipe().write(tmp_path / key, **{key: value})
        answer = invoked("experiment", "create", "--data", str(running.data), str(directory))
        assert answer.returncode == 1
        assert key in answer.stderr
    (directory / "experiment.yaml").write_text("a: [1", encoding="utf-8")
    answer = invoked("experiment", "create", "--data", str(running.data), str(directory))
    assert answer.returncode == 1
    assert "YAML" in answer.stderr


def test_a_data_directory_without_a_server_says_how_to_start_one(tmp_path: Path) -> None:
    answer = switchyard("experiment", "list", "--data", str(tmp_path))
    assert answer.returncode == 3
    assert "switchyard up" in answer.stderr


def test_the_console_script_is_the_command(running: Deployment) -> None:
    script = Path(SWITCHYARD[0]).with_name("switchyard")
    done = subprocess.run(
        [str(script), "experiment", "list", "--json", "--data", str(running.data)],
        capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    assert isinstance(json.loads(done.stdout), list)
