"""What becomes of the queue when its scheduler stops, dies at any moment, or loses an attempt."""

import os
import signal
from pathlib import Path

import pytest

from control_plane.scheduler import processes
from control_plane.scheduler.engines.engine import Placed
from control_plane.scheduler.operations import endings, submit
from control_plane.scheduler.rules import states
from control_plane.scheduler.rules.board import Grant
from store_client.wire.jobs import JobState
from tests.scheduler.attempts import eventually, is_running
from tests.scheduler.queue_house import Yard, open_yard
from tests.store.task_house import open_house

S = JobState
UNTIL_GO = "echo ready; while [ ! -e go ]; do sleep 0.05; done"


def let_go(yard: Yard, job_id: str, attempt: int = 1) -> None:
    (yard.directory(job_id, attempt) / "work" / "go").touch()


def shim_of(yard: Yard, job_id: str, attempt: int = 1) -> int:
    handle = processes.find(yard.directory(job_id, attempt))
    assert handle is not None
    return handle.pid


def test_a_new_scheduler_adopts_what_runs(database_url: str, tmp_path: Path) -> None:
    with open_yard(database_url, tmp_path) as yard:
        job_id = yard.shell(UNTIL_GO + "; exit 4", is_stdout_kept=True)
        yard.await_state(job_id, S.RUNNING)
        yard.await_log(job_id, "ready")
        yard.restart()
        other = yard.submit()
        assert yard.end(other).state is S.SUCCEEDED
        assert yard.state(job_id) is S.RUNNING
        let_go(yard, job_id)
        job = yard.end(job_id)
        assert (job.state, job.exit_code, job.attempt, job.stdout) == (S.FAILED, 4, 1, "ready\n")
        assert yard.told(job_id) == ["queued", "starting", "started", "finished"]


def test_a_job_that_ended_while_no_scheduler_lived_is_ended_by_the_next(yard: Yard) -> None:
    job_id = yard.shell(UNTIL_GO)
    yard.await_log(job_id, "ready")
    yard.scheduler.stop()
    let_go(yard, job_id)
    eventually((yard.directory(job_id) / "exit.json").exists, "the exit record")
    assert yard.state(job_id) in {S.STARTING, S.RUNNING}
    yard.new_scheduler().start()
    job = yard.end(job_id)
    assert (job.state, job.attempt) == (S.SUCCEEDED, 1)


def test_a_lost_attempt_is_cleared_and_tried_again(yard: Yard) -> None:
    once = "[ -e ../../tries ] && exit 0; touch ../../tries; echo $$ > ../pid; "
    job_id = yard.shell(once + UNTIL_GO)
    yard.await_log(job_id, "ready")
    command = int((yard.directory(job_id) / "pid").read_text())
    os.kill(shim_of(yard, job_id), signal.SIGKILL)
    job = yard.end(job_id)
    assert (job.state, job.attempt) == (S.SUCCEEDED, 2)
    assert [one.state for one in job.attempts] == [S.LOST, S.SUCCEEDED]
    assert not is_running(command)
    assert yard.told(job_id) == ["queued", "starting", "started", "requeued", "starting", "started", "finished"]
    assert yard.held() == {}


def test_a_job_that_is_lost_each_time_ends_lost(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (states, endings):
        monkeypatch.setattr(module, "MOST_LOSSES", 1)
    job_id = yard.shell(UNTIL_GO, retry={"max_attempts": 2})
    for attempt in (1, 2):
        yard.await_log(job_id, "ready", attempt)
        os.kill(shim_of(yard, job_id, attempt), signal.SIGKILL)
    job = yard.end(job_id)
    assert (job.state, job.cause, job.attempt) == (S.LOST, "node_lost", 2)
    assert yard.held() == {}


def test_an_attempt_that_was_placed_and_never_launched_is_queued_again_whatever_its_policy(
    sqlite_url: str, tmp_path: Path
) -> None:
    with open_house(sqlite_url) as store:
        yard = Yard(store, tmp_path)
        job_id = yard.submit(retry={"max_attempts": 1, "on": ()})
        yard.place(job_id)
        yard.scheduler.start()
        job = yard.end(job_id)
        yard.scheduler.stop()
    assert (job.state, job.attempt) == (S.SUCCEEDED, 2)
    assert [one.state for one in job.attempts] == [S.PREEMPTED, S.SUCCEEDED]
    assert job.attempts[0].detail == "the server stopped before it began"


def test_a_job_cancelled_between_its_placing_and_a_launch_that_never_came_ends_cancelled(
    sqlite_url: str, tmp_path: Path
) -> None:
    with open_house(sqlite_url) as store:
        yard = Yard(store, tmp_path)
        job_id = yard.submit()
        yard.place(job_id)
        yard.cancel(job_id)
        yard.scheduler.start()
        job = yard.end(job_id)
        assert yard.end(yard.submit()).state is S.SUCCEEDED
        yard.scheduler.stop()
    assert (job.state, job.attempt) == (S.CANCELLED, 1)


def test_a_launched_attempt_whose_row_still_says_starting_is_adopted(sqlite_url: str, tmp_path: Path) -> None:
    with open_house(sqlite_url) as store:
        yard = Yard(store, tmp_path)
        job_id = yard.shell(UNTIL_GO)
        yard.place(job_id)
        yard.engine.submit(Placed(yard.store.see(submit.load, job_id), (Grant("cpu:0"),)))
        yard.await_log(job_id, "ready")
        yard.new_scheduler().start()
        yard.await_state(job_id, S.RUNNING)
        let_go(yard, job_id)
        job = yard.end(job_id)
        yard.scheduler.stop()
    assert (job.state, job.attempt) == (S.SUCCEEDED, 1)


def test_attempts_that_end_with_the_server_are_queued_again_by_the_next(yard: Yard) -> None:
    jobs = [yard.shell(UNTIL_GO, retry={"max_attempts": 1}) for _ in range(3)]
    for job_id in jobs[:2]:
        yard.await_log(job_id, "ready")
    shims = [shim_of(yard, job_id) for job_id in jobs[:2]]
    yard.scheduler.stop(ends_attempts=True)
    assert not any(is_running(shim) for shim in shims)
    yard.new_scheduler().start()
    for job_id in jobs[:2]:
        yard.await_log(job_id, "ready", 2)
        let_go(yard, job_id, 2)
        job = yard.end(job_id)
        assert (job.state, job.attempt) == (S.SUCCEEDED, 2)
        assert [one.state for one in job.attempts] == [S.PREEMPTED, S.SUCCEEDED]
    yard.await_log(jobs[2], "ready")
    let_go(yard, jobs[2])
    assert yard.end(jobs[2]).attempt == 1


def test_a_job_cancelled_before_the_server_stops_stays_cancelled(yard: Yard) -> None:
    job_id = yard.shell(f"trap '' TERM; {UNTIL_GO}")
    yard.await_log(job_id, "ready")
    yard.cancel(job_id)
    yard.restart(ends_attempts=True)
    assert yard.end(job_id).state is S.CANCELLED


def test_a_workspace_that_a_dead_scheduler_left_behind_is_removed_and_its_log_kept(yard: Yard) -> None:
    ended, running = yard.shell("echo done"), yard.shell(UNTIL_GO)
    yard.end(ended)
    yard.await_log(running, "ready")
    yard.scheduler.stop()
    left = yard.directory(ended) / "work" / "some" / "folder"
    left.mkdir(parents=True)
    yard.new_scheduler().start()
    eventually(lambda: not (yard.directory(ended) / "work").exists(), "the end of the workspace")
    assert (yard.directory(ended) / "log").read_text() == "done\n"
    let_go(yard, running)
    assert yard.end(running).state is S.SUCCEEDED


def test_only_one_scheduler_works_in_a_data_directory_and_the_other_stands_by(yard: Yard) -> None:
    first = yard.scheduler
    second = yard.new_scheduler()
    second.start()
    job_id = yard.submit()
    assert yard.end(job_id).state is S.SUCCEEDED
    assert yard.engine.handles == {}, "the one that stands by has touched nothing"
    first.stop()
    assert yard.end(yard.submit()).state is S.SUCCEEDED


def test_a_scheduler_that_has_stopped_writes_into_no_file_that_took_its_place(yard: Yard, tmp_path: Path) -> None:
    yard.scheduler.stop()
    files = [(tmp_path / f"file-{number}").open("wb") for number in range(20)]
    yard.scheduler.wake()
    yard.submit()
    for file in files:
        file.close()
    assert {Path(file.name).read_bytes() for file in files} == {b""}


@pytest.mark.parametrize("name", ["exit.json", "started.json"])
def test_a_command_that_writes_over_our_records_ends_all_the_same(yard: Yard, name: str) -> None:
    job_id = yard.shell(f"echo '{{\"pid\": 1}}' > ../{name}; exit 3")
    job = yard.end(job_id)
    assert (job.state, job.exit_code) == (S.FAILED, 3)
