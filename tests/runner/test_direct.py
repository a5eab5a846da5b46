"""A role's command on the host's own machine: what it is given, what ends it, and who goes on with it."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from store_client.roles.orders import Assignment
from store_client.runner.direct import ENGINE, Direct
from store_client.runner.mirror import GitFailed, Mirror
from store_client.wire.experiments import (
    AutomationMode,
    Counts,
    DispatchMode,
    ExperimentDetail,
    Objective,
    Status,
)
from store_client.wire.jobs import JobDetail, JobState, SubmitJob
from store_client.wire.tasks import Claim
from tests.runner.houses import PATIENCE, SECONDS, config, is_alive

EXPERIMENT, WORKER = f"exp_{'0' * 26}", f"wkr_{'1' * 26}"
NOW = "2030-01-01T00:00:00.000000Z"
BRANCH = f"work/{WORKER}/v1"
SAY = 'env | sort >told; echo "talk"; cat >>told; [ -e "$EDEN_EXPERIMENT_DIR/idea.txt" ]'


@dataclass
class Here:
    """A repository, and a host that works in it."""

    origin: Path
    direct: Direct

    async def run(self, command: str, **order: object) -> JobDetail:
        async def ordered() -> SubmitJob:
            return spec(command, **order)

        return await self.direct.run(assignment(), ordered)

    @property
    def work(self) -> Path:
        """Where the first attempt works."""
        (job,) = self.direct.root.iterdir()
        return job / job.name / "1" / "work"


def spec(command: str, **order: object) -> SubmitJob:
    return SubmitJob.model_validate({"name": "a job", "command": ("/bin/sh", "-c", command), **order})


def assignment() -> Assignment:
    experiment = ExperimentDetail(
        experiment_id=EXPERIMENT, slug="here", name="here", status=Status.RUNNING, counts=Counts(),
        objective=Objective(expr="score", direction="maximize"), automation=AutomationMode(), created_at=NOW,
        updated_at=NOW, config=config(), dispatch_mode=DispatchMode(), parallel_variants=1,
        evaluation_schema={"score": "real"}, commands={},
    )  # fmt: skip
    return Assignment(experiment, "t", Claim(worker_id=WORKER, claimed_at=NOW))


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=ada", "-c", "user.email=ada@example.invalid")
    done = subprocess.run(["git", "-C", folder, *who, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Here:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("SECRET", "of the host's owner")
    seed, origin = tmp_path / "seed", tmp_path / "origin.git"
    seed.mkdir()
    git(seed, "init", "--quiet", "--initial-branch=main")
    (seed / "idea.txt").write_text("nothing yet\n")
    git(seed, "add", ".")
    git(seed, "commit", "--quiet", "--message=Begin")
    git(tmp_path, "clone", "--quiet", "--bare", str(seed), str(origin))
    mirror = Mirror(tmp_path / "mirror.git", str(origin))
    return Here(origin, Direct(tmp_path / "attempts", mirror, gpus=("GPU-1",), patience=PATIENCE))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not condition():  # noqa: ASYNC110 - files and processes of others tell nobody when they change
            await asyncio.sleep(0.02)


async def test_a_command_gets_its_files_its_input_and_no_more_of_the_environment_than_it_is_owed(here: Here) -> None:
    order = {
        "stdin": "the question\n",
        "is_stdout_kept": True,
        "collect": ("told",),
        "files": {".eden/task.json": "{}"},
    }
    job = await here.run(SAY, **order)
    assert (job.state, job.exit_code, job.stdout) == (JobState.SUCCEEDED, 0, "talk\n")
    told = job.files["told"]
    assert "the question" in told
    assert "CUDA_VISIBLE_DEVICES=GPU-1" in told
    assert f"EDEN_WORKER_ID={WORKER}" in told
    assert "EDEN_TASK_JSON=" in told
    assert "SECRET" not in told
    assert job.commit_sha == git(here.origin, "rev-parse", "main")
    assert (await here.direct.end_of_log(job)) == "talk\n"
    await here.direct.forget(assignment())
    assert list(here.direct.root.iterdir()) == []


async def test_what_a_command_changes_is_pushed_to_its_branch_once(here: Here) -> None:
    job = await here.run("echo more >>idea.txt; echo ran >>../../../../ran", publish=BRANCH)
    assert git(here.origin, "rev-parse", BRANCH) == job.published_commit
    assert git(here.origin, "show", f"{BRANCH}:idea.txt") == "nothing yet\nmore"
    assert await here.run("exit 1", publish=BRANCH) == job
    assert (here.direct.root / "ran").read_text() == "ran\n"


async def test_a_commit_that_the_repository_refuses_is_a_failure_in_its_words(here: Here) -> None:
    hook = here.origin / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho not here >&2; exit 1\n")
    hook.chmod(0o700)
    job = await here.run("echo more >>idea.txt", publish=BRANCH)
    assert job.state is JobState.FAILED
    assert "could not be pushed" in (job.attempts[0].detail or "")
    assert "not here" in (job.attempts[0].detail or "")


async def test_a_command_that_takes_too_long_is_stopped(here: Here) -> None:
    assert (await here.run("sleep 600", timeout_seconds=0.2)).state is JobState.TIMED_OUT


async def test_a_commit_that_is_not_there_is_a_failure(here: Here) -> None:
    job = await here.run("true", commit_sha="d" * 40)
    assert (job.state, job.cause) == (JobState.FAILED, "start_failed")


async def test_all_that_a_command_started_ends_with_its_claim_and_the_next_host_begins_anew(here: Here) -> None:
    running = asyncio.create_task(here.run("setsid sleep 600 & echo $! >pid; sleep 600"))
    await until(lambda: here.direct.root.exists() and (here.work / "pid").exists() and bool(_read(here.work / "pid")))
    pid = int(_read(here.work / "pid"))
    assert is_alive(pid)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert not is_alive(pid)
    assert (await here.run("true")).attempt == 2


async def test_a_command_outlives_a_killed_host_and_the_next_one_goes_on_with_it(here: Here, tmp_path: Path) -> None:
    await here.direct.mirror.fetch()
    command = f"echo began >>{tmp_path}/began; while [ ! -e {tmp_path}/go ]; do sleep 0.02; done; exit 7"
    request = await here.direct._request(assignment(), spec(command))
    host = await asyncio.create_subprocess_exec(
        sys.executable, "-m", ENGINE, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL
    )
    assert host.stdin is not None
    host.stdin.write(json.dumps(request).encode())
    host.stdin.close()
    await until((tmp_path / "began").exists)
    host.kill()
    await host.wait()
    again = asyncio.create_task(here.run(command))
    (tmp_path / "go").touch()
    job = await again
    assert (job.exit_code, job.attempt) == (7, 1)
    assert (tmp_path / "began").read_text() == "began\n"


async def test_a_repository_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(GitFailed, match="nowhere"):
        await Mirror(tmp_path / "mirror.git", str(tmp_path / "nowhere.git")).fetch()


def _read(file: Path) -> str:
    return file.read_text().strip()
