"""The scheduler at work: real processes in real workspaces, brought back whole."""

import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, update

from control_plane.scheduler.operations import situation, submit
from control_plane.scheduler.tables import jobs
from control_plane.task_store.operations import claims
from store_client.wire.jobs import JobState, Reprioritise
from tests.scheduler.attempts import DAEMON, eventually, is_running
from tests.scheduler.queue_house import Yard
from tests.store.task_house import open_house

S = JobState


def test_a_job_runs_and_brings_back_files_output_and_its_commit(yard: Yard) -> None:
    branch = f"work/{yard.store.id_of('bob')}/idea"
    job_id = yard.shell(
        'read word; echo "said $word"; echo "for the log" >&2; mkdir -p out; echo 42 > out/answer; echo new > readme',
        stdin="hello\n",
        is_stdout_kept=True,
        collect=("out/answer", "never/made"),
        files={"given/task.txt": "a task"},
        publish=branch,
    )
    job = yard.end(job_id)
    assert (job.state, job.exit_code, job.cause) == (S.SUCCEEDED, 0, "finished")
    assert job.files == {"out/answer": "42\n"}
    assert job.stdout == "said hello\n"
    assert job.published_commit == yard.origin.tip(branch)
    assert yard.origin.text(branch, "readme") == "new"
    assert sorted((yard.directory(job_id) / "log").read_text().splitlines()) == ["for the log", "said hello"]
    assert yard.told(job_id) == ["queued", "starting", "started", "finished"]
    assert yard.held() == {}
    eventually(lambda: not (yard.directory(job_id) / "work").exists(), "the end of the workspace")


def test_a_command_that_fails_fails_its_job_and_publishes_nothing(yard: Yard) -> None:
    branch = f"work/{yard.store.id_of('bob')}/idea"
    job = yard.end(yard.shell("echo half > readme; exit 7", publish=branch, collect=("readme",)))
    assert (job.state, job.exit_code, job.cause) == (S.FAILED, 7, "user_error")
    assert job.files == {"readme": "half\n"}
    assert yard.origin.tip(branch) == ""


def test_a_result_that_cannot_be_published_fails_the_job_and_keeps_the_files(yard: Yard) -> None:
    branch = f"work/{yard.store.id_of('bob')}/idea"
    yard.end(yard.shell("echo 1 > readme", publish=f"{branch}/below"))
    job = yard.end(yard.shell("echo 2 > readme", publish=branch, collect=("readme",)))
    assert (job.state, job.cause, job.files) == (S.FAILED, "user_error", {"readme": "2\n"})
    assert "could not be published" in (job.attempts[0].detail or "")


def test_a_command_that_cannot_start_says_so(yard: Yard) -> None:
    job = yard.end(yard.submit("no-such-program"))
    assert (job.state, job.cause) == (S.FAILED, "start_failed")
    assert "no-such-program" in (job.attempts[0].detail or "")


def test_an_unknown_commit_says_so_and_holds_nobody_up(yard: Yard) -> None:
    broken = [yard.submit(commit_sha="dead" * 10) for _ in range(3)]
    good = yard.submit()
    assert yard.end(good).state is S.SUCCEEDED
    for job_id in broken:
        job = yard.end(job_id)
        assert (job.state, job.cause) == (S.FAILED, "start_failed")
        assert "dead" * 10 in (job.attempts[0].detail or "")


def test_a_time_limit_ends_even_a_child_that_left_its_session(yard: Yard) -> None:
    job_id = yard.submit(sys.executable, "-c", DAEMON + "\ntime.sleep(600)", timeout_seconds=3, collect=("daemon",))
    job = yard.end(job_id)
    assert (job.state, job.cause) == (S.TIMED_OUT, "timeout")
    assert not is_running(int(job.files["daemon"]))
    assert yard.held() == {}


def test_a_running_job_is_cancelled_with_all_its_processes(yard: Yard) -> None:
    job_id = yard.shell("sleep 600 & echo $! > child; echo ready; wait", collect=("child",))
    yard.await_log(job_id, "ready")
    yard.cancel(job_id)
    job = yard.end(job_id)
    assert (job.state, job.cause) == (S.CANCELLED, "cancelled")
    assert not is_running(int(job.files["child"]))
    assert yard.told(job_id) == ["queued", "starting", "started", "cancelling", "finished"]


def test_a_waiting_job_is_cancelled_at_once_and_never_runs(yard: Yard) -> None:
    wide = yard.submit("sleep", "600", resources={"cpus": 2})
    yard.await_state(wide, S.RUNNING)
    waiting = yard.shell("touch ran")
    eventually(lambda: yard.read(waiting).waiting_for, "a reason to wait")
    assert (yard.read(waiting).waiting_for or "").startswith("needs 1 CPU slot; job 1 holds what is missing")
    yard.cancel(waiting)
    assert yard.state(waiting) is S.CANCELLED
    yard.cancel(wide)
    yard.end(wide)
    assert not yard.directory(waiting).exists()


def test_jobs_start_by_priority_then_age(yard: Yard) -> None:
    wide = yard.shell("while [ ! -e go ]; do sleep 0.05; done", resources={"cpus": 2})
    yard.await_state(wide, S.RUNNING)
    wish: dict[str, Any] = {"resources": {"cpus": 2}}
    first, second, third = (yard.submit(priority=priority, **wish) for priority in (5, 5, 1))
    yard.write(submit.reprioritise, third, Reprioritise(priority=9))
    (yard.directory(wide) / "work" / "go").touch()
    ended = [yard.end(job_id) for job_id in (first, second, third)]
    assert sorted(ended, key=lambda job: job.started_at or "") == [ended[2], ended[0], ended[1]]


def test_slots_are_never_shared_and_always_used(yard: Yard) -> None:
    two = 'if [ "$(ls -d busy.* | wc -l)" -ge 2 ]; then mkdir -p two; fi'
    meet = f"until [ -e two ]; do {two}; sleep 0.02; done"  # the first waits for the second
    script = f"cd ../../..; mkdir busy.$$; {meet}; ls -d busy.* | wc -l; sleep 0.1; rmdir busy.$$"
    ended = [yard.end(job_id) for job_id in [yard.shell(script, is_stdout_kept=True) for _ in range(8)]]
    busy = [int(job.stdout or "0") for job in ended]
    assert max(busy) == 2
    assert all(job.state is S.SUCCEEDED for job in ended)
    assert {slot for job in ended for slot in job.attempts[0].slots} == {"cpu:0", "cpu:1"}


def test_a_job_that_can_never_fit_says_so_and_holds_nobody_up(yard: Yard) -> None:
    wide = yard.submit(resources={"cpus": 64}, priority=10)
    assert yard.end(yard.submit(priority=0)).state is S.SUCCEEDED
    eventually(lambda: yard.read(wide).waiting_for, "a reason to wait")
    assert (yard.read(wide).waiting_for or "").startswith("needs 64 CPU slots at once; no machine here has")


@pytest.mark.parametrize("is_running_already", [True, False])
def test_a_job_whose_claim_has_gone_is_cancelled(yard: Yard, is_running_already: bool) -> None:
    wide = None if is_running_already else yard.submit("sleep", "600", resources={"cpus": 2})
    if wide:
        yard.await_state(wide, S.RUNNING)
    task_id = yard.store.task()
    yard.store.claim(task_id)
    job_id = yard.submit("sleep", "600", task_id=task_id)
    if is_running_already:
        yard.await_state(job_id, S.RUNNING)
    yard.store.act("bob", claims.release, task_id)
    assert yard.end(job_id).state is S.CANCELLED
    assert yard.read(job_id).attempt == (1 if is_running_already else 0)
    if wide:
        yard.cancel(wide)


def test_a_claim_that_was_lost_and_made_again_is_another_claim(yard: Yard) -> None:
    task_id = yard.store.task()
    yard.store.claim(task_id)
    first = yard.submit("sleep", "600", task_id=task_id)
    yard.await_state(first, S.RUNNING)
    yard.store.act("bob", claims.release, task_id)
    yard.store.claim(task_id)
    second = yard.submit("true", task_id=task_id)
    assert yard.end(first).state is S.CANCELLED
    assert yard.end(second).state is S.SUCCEEDED


def test_a_repository_that_is_gone_fails_its_jobs_and_no_others(yard: Yard) -> None:
    hidden = yard.origin.bare.rename(yard.origin.bare.with_name("hidden.git"))
    job = yard.end(yard.submit())
    assert (job.state, job.cause) == (S.FAILED, "start_failed")
    hidden.rename(yard.origin.bare)
    assert yard.end(yard.submit()).state is S.SUCCEEDED


def test_an_attempt_that_cannot_be_looked_after_rests_and_the_others_go_on(yard: Yard) -> None:
    job_id = yard.shell("echo ready; sleep 600")
    yard.await_log(job_id, "ready")
    spec = yard.spec("/bin/true").to_wire()
    broken = update(jobs).where(jobs.c.job_id == job_id).values(spec={"no": "spec"})
    yard.write(lambda tx: tx.connection.execute(broken).close())
    yard.restart()
    yard.cancel(job_id)
    assert [yard.end(yard.submit()).state for _ in range(2)] == [S.SUCCEEDED] * 2
    assert yard.counted() == {"cancelling": 1, "succeeded": 2}
    mended = update(jobs).where(jobs.c.job_id == job_id).values(spec=spec)
    yard.write(lambda tx: tx.connection.execute(mended).close())
    assert yard.end(job_id).state is S.CANCELLED


def test_a_round_with_nothing_to_do_asks_little_and_writes_nothing(sqlite_url: str, tmp_path: Path) -> None:
    with open_house(sqlite_url) as store:
        idle = Yard(store, tmp_path)
        seen: list[str] = []
        event.listen(store.house.database.engine, "before_cursor_execute", lambda *given: seen.append(given[2]))
        idle.scheduler.tick()
        seen.clear()
        idle.scheduler.tick(everything=False)
        assert len(seen) == 1, seen
        idle.scheduler.tick(everything=True)
        assert len(seen) <= 8, seen
        assert {statement.split()[0] for statement in seen} == {"SELECT"}
        idle.scheduler.stop()


def test_a_long_queue_that_cannot_start_is_not_rewritten_with_each_round(yard: Yard) -> None:
    wide = yard.shell("sleep 600", resources={"cpus": 2})
    yard.await_state(wide, S.RUNNING)
    waiting = [yard.submit() for _ in range(20)]
    eventually(lambda: all(yard.read(job_id).waiting_for for job_id in waiting), "a reason for each")
    seen: list[str] = []
    event.listen(yard.store.house.database.engine, "before_cursor_execute", lambda *given: seen.append(given[2]))

    def rounds() -> int:
        yard.scheduler.wake()
        return sum(1 for statement in seen if "max(events.position)" in statement)

    eventually(lambda: rounds() >= 5, "five rounds")
    assert not [statement for statement in seen if statement.startswith("UPDATE")]


def test_a_job_behind_a_long_queue_of_jobs_that_never_fit_starts(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(situation, "CHUNK", 5)
    yard.scheduler.stop()
    for _ in range(12):
        yard.submit(resources={"gpus": 1}, priority=9)
    job_id = yard.submit(priority=0)
    yard.new_scheduler().start()
    assert yard.end(job_id).state is S.SUCCEEDED
