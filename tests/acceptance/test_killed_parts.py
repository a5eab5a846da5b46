"""`kill -9` of one part: a service, a worker host, the shim of a job, and everything that a job started."""

import json
import shlex
import time
from pathlib import Path
from typing import Any

import pytest

from store_client import ExperimentDetail, JobDetail, JobState, RetryPolicy, Status, SubmitJob
from tests.acceptance import audit, processes
from tests.acceptance.deployment import Deployment, Part
from tests.acceptance.experiments import MANUAL, Recipe

LEASE_SECONDS = 4.0
LATE_SECONDS = 20.0
"""Less than a lease lasts by itself, and more than a busy machine needs to see that one has lapsed."""


@pytest.fixture
def manual(running: Deployment, tmp_path: Path) -> ExperimentDetail:
    """An experiment without automatic workers."""
    return running.create(Recipe(automation=MANUAL).write(tmp_path / "manual"), tmp_path.name.replace("_", "-"))


@pytest.mark.parametrize("part", ["control plane", "worker host"])
def test_a_service_that_is_killed_comes_back_and_the_loop_goes_on(
    running: Deployment, tmp_path: Path, part: str
) -> None:
    name = part.replace(" ", "-")
    experiment = running.create(Recipe(4, meanwhile="sleep 0.4").write(tmp_path / name), name)
    began = running.position()
    running.event(began, "job.started", name=f"Execute {first_idea(running, experiment)}")
    killed = running.services[part]
    processes.kill(killed)
    running.until(lambda: running.services[part] != killed, f"the {part} comes back")
    store = running.store(experiment)
    running.until(lambda: store.read_experiment_detail().status is Status.COMPLETED, "the experiment ends")
    running.until(lambda: store.read_experiment_detail().counts.integrated == 4, "all is integrated")
    assert store.read_experiment_detail().counts.evaluated == 5
    assert audit.faults(f"sqlite:///{running.data / 'switchyard.db'}", running.data) == []


def first_idea(deployment: Deployment, experiment: ExperimentDetail) -> str:
    store = deployment.store(experiment)
    ideas = deployment.until(store.list_ideas, "the first ideas")
    return str(ideas[0].slug)


def start_host(deployment: Deployment, experiment: ExperimentDetail, role: str, credential: Path) -> Part:
    """A worker host as somebody starts it on a machine of their own."""
    where = ("--role", role, "--experiment", experiment.experiment_id, "--credential-file", str(credential))
    return deployment.run("work", *where, "--lease-seconds", str(LEASE_SECONDS), has_ready_line=False)


def write_credential(deployment: Deployment, experiment: ExperimentDetail, file: Path) -> Path:
    registered = deployment.store(experiment).register_experiment_worker("A host")
    file.touch(mode=0o600)
    file.write_text(f"{registered.worker_id}:{registered.registration_token}\n", encoding="utf-8")
    return file


def test_the_task_of_a_killed_worker_comes_back_within_its_lease_and_another_does_it(
    running: Deployment, tmp_path: Path
) -> None:
    recipe = Recipe(1, meanwhile=f"until [ -e {tmp_path / 'go'} ]; do sleep 0.1; done", automation=MANUAL)
    experiment = running.create(
        recipe.write(tmp_path / "mortal"),
        "mortal",
    )
    store, began = running.store(experiment), running.position()
    ideator, first, second = (write_credential(running, experiment, tmp_path / name) for name in ("i", "a", "b"))
    start_host(running, experiment, "ideator", ideator)
    running.until(lambda: store.list_tasks("execution"), "there is something to execute")
    host = start_host(running, experiment, "executor", first)
    started = running.event(began, "job.started", name=f"Execute {first_idea(running, experiment)}")
    task_id = started.data["task_id"]
    host.kill()
    killed = time.monotonic()
    reclaimed = running.event(started.position, "task.reclaimed", task_id=task_id)
    assert time.monotonic() - killed < LATE_SECONDS
    assert reclaimed.data["cause"] == "expired"
    running.event(started.position, "job.finished", job_id=started.data["job_id"], state="cancelled")
    (tmp_path / "go").touch()
    start_host(running, experiment, "executor", second)
    running.event(reclaimed.position, "task.completed", task_id=task_id)
    left, made = sorted(variant.status for variant in store.list_variants() if not variant.kind)
    assert (left, made) == ("error", "starting")


def job_of(deployment: Deployment, experiment: ExperimentDetail, command: str, **more: Any) -> JobDetail:
    body = SubmitJob(name="Test", command=("/bin/sh", "-c", command), **more)
    made: JobDetail = deployment.worker(experiment).submit_job(body)
    return made


def log_of(deployment: Deployment, job: JobDetail) -> str:
    return str(deployment.client.read_job_log(job.job_id).text)


def test_a_job_whose_shim_is_killed_is_tried_again(
    running: Deployment, manual: ExperimentDetail, tmp_path: Path
) -> None:
    gate = shlex.quote(str(tmp_path / "gate"))
    job = job_of(running, manual, f"echo attempt; until [ -e {gate} ]; do sleep 0.1; done")
    running.until(lambda: "attempt" in log_of(running, job), "the command runs")
    directory = running.data / "attempts" / job.job_id / "1"
    started = json.loads((directory / "started.json").read_text(encoding="utf-8"))
    processes.kill(started["pid"])
    assert processes.await_end([started["command_pid"]], 30) == []
    (tmp_path / "gate").touch()
    ended = ended_job(running, job)
    assert (ended.state, ended.attempt) == (JobState.SUCCEEDED, 2)
    assert [(attempt.state, attempt.cause) for attempt in ended.attempts] == [
        (JobState.LOST, "node_lost"),
        (JobState.SUCCEEDED, "finished"),
    ]


def ended_job(deployment: Deployment, job: JobDetail) -> JobDetail:
    def look() -> JobDetail | None:
        read: JobDetail = deployment.client.read_job(job.job_id)
        return read if read.state.is_final else None

    found = deployment.until(look, f"job {job.number} ends")
    assert found is not None
    return found


HANGS = """trap '' TERM
echo $$
setsid sh -c 'trap "" TERM; echo $$; sleep 600 & echo $!; wait' &
(setsid sleep 600 & echo $!) &
sleep 600
wait
"""


@pytest.mark.parametrize("is_cancelled", [False, True], ids=["timeout", "cancel"])
def test_a_command_that_hangs_is_ended_with_all_its_children(
    running: Deployment, manual: ExperimentDetail, is_cancelled: bool
) -> None:
    job = job_of(running, manual, HANGS, timeout_seconds=600 if is_cancelled else 8, retry=RetryPolicy(max_attempts=1))
    running.until(lambda: len(log_of(running, job).split()) == 4, "the command and its children run")
    children = [int(word) for word in log_of(running, job).split()]
    if is_cancelled:  # else its time may be over by now
        assert all(map(processes.is_alive, children))
        running.client.cancel_job(job.job_id)
    ended = ended_job(running, job)
    assert ended.state is (JobState.CANCELLED if is_cancelled else JobState.TIMED_OUT)
    assert [pid for pid in children if processes.is_alive(pid)] == []
