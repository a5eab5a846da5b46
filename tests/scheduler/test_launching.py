"""A launch that the database interrupts, or that the machine has no room for, is no fault of its job."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import RowMapping

from control_plane.scheduler import workspace
from control_plane.scheduler.engines.local import no_secrets
from control_plane.scheduler.rules.breaker import MOST_FAILURES
from control_plane.scheduler.workspace import MachineFault
from store_client.errors import Unavailable
from store_client.wire.jobs import JobState
from tests.scheduler.queue_house import Yard


def test_a_job_whose_launch_finds_no_database_is_started_later(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def secrets(job: RowMapping) -> Mapping[str, str]:
        asked.append(job["attempt"])
        if len(asked) == 1:
            raise Unavailable("the database does not answer")
        return no_secrets(job)

    monkeypatch.setattr(yard.engine, "secrets", secrets)
    job = yard.end(yard.submit("/bin/true", retry={"max_attempts": 1}))
    assert job.state is JobState.SUCCEEDED
    assert (job.attempts[0].cause, job.attempts[0].state) == ("preempted", JobState.PREEMPTED)
    assert asked == [1, 2]


NO_ROOM = 'echo "error: unable to write file model.bin: No space left on device" >&2; exit 128'


class Full:
    """A git that finds no room on the disk so often, as the real one says it, or ends in another way."""

    def __init__(self, folder: Path, times: int, end: str = NO_ROOM) -> None:
        self.asked, git = folder / "asked", shutil.which("git")
        folder.mkdir()
        script = f"""#!/bin/sh
case " $* " in *" checkout "*)
  echo x >> {self.asked}
  if [ "$(wc -l < {self.asked})" -le {times} ]; then
    {end}
  fi;;
esac
exec {git} "$@"
"""
        (folder / "git").write_text(script)
        (folder / "git").chmod(0o755)
        self.path = f"{folder}{os.pathsep}{os.environ['PATH']}"


def test_a_full_disk_is_held_against_the_machine_and_costs_the_job_no_try(
    yard: Yard, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    full = Full(tmp_path / "bin", times=MOST_FAILURES - 1)
    monkeypatch.setenv("PATH", full.path)
    job = yard.end(yard.submit("/bin/true", retry={"max_attempts": 1}))
    assert (job.state, len(job.attempts)) == (JobState.SUCCEEDED, MOST_FAILURES)
    first = job.attempts[0]
    assert (first.state, first.cause) == (JobState.PREEMPTED, "preempted")
    assert "the machine could not start it" in (first.detail or "")
    assert "No space left on device" in (first.detail or "")
    assert yard.told(job.job_id).count("requeued") == MOST_FAILURES - 1


def test_a_name_too_long_for_any_disk_is_the_jobs_own_fault(yard: Yard) -> None:
    job = yard.end(yard.submit("/bin/true", files={"x" * 256: "text"}))
    assert (job.state, job.cause) == (JobState.FAILED, "start_failed")


def test_a_git_that_was_killed_costs_the_job_no_try(
    yard: Yard, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    full = Full(tmp_path / "bin", times=1, end="kill -KILL $$")
    monkeypatch.setenv("PATH", full.path)
    job = yard.end(yard.submit("/bin/true", retry={"max_attempts": 1}))
    assert (job.state, job.attempt) == (JobState.SUCCEEDED, 2)
    assert "git ended with -9" in str(job.attempts[0].detail)


def test_what_a_job_made_is_published_once_there_is_room(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    publish = workspace.publish

    def full(directory: Path, *rest: Any) -> str | None:
        asked.append(1)
        if len(asked) == 1:
            raise MachineFault("fatal: write error: No space left on device")
        return publish(directory, *rest)

    monkeypatch.setattr(workspace, "publish", full)
    branch = f"work/{yard.store.id_of('bob')}/made"
    job = yard.end(yard.shell("echo more > file", publish=branch))
    assert (job.state, job.attempt, len(asked)) == (JobState.SUCCEEDED, 1, 2)
    assert job.published_commit is not None
