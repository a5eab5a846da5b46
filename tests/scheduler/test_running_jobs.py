"""What a job is told while it runs, what it is held to, and what it keeps from one attempt to the next."""

import sys

import pytest

from control_plane.scheduler.operations import attempts
from store_client.wire.jobs import JobState
from tests.scheduler.attempts import eventually
from tests.scheduler.queue_house import Yard

S = JobState

COUNT = """
import sys, time
from store_client.report import checkpoint_directory, report, should_resume, should_stop
should_stop()
count = checkpoint_directory() / "count"
done = int(count.read_text()) if should_resume() else 0
for step in range(done + 1, 11):
    print("step", step, flush=True)
    draft = count.with_name("draft")
    draft.write_text(str(step))
    draft.rename(count)
    report(step=step, steps=10, loss=1 / step)
    while step in (3, 7) and not should_stop():
        time.sleep(0.01)
    if should_stop():
        sys.exit(0)
"""


def preempt(yard: Yard, job_id: str) -> None:
    """Have the job's attempt give way, as the scheduler does for a job of higher priority."""
    job = next(row for row in yard.store.house.read_now(attempts.placed) if row["job_id"] == job_id)
    yard.write(attempts.give_way, job_id, job["attempt"])
    yard.engine.cancel(job, "preempt")


def test_a_job_that_gives_way_twice_goes_on_from_its_checkpoint_and_loses_no_step(yard: Yard) -> None:
    job_id = yard.submit(sys.executable, "-c", COUNT, preemption={"signal": "SIGUSR1", "grace_seconds": 60})
    for attempt, last in ((1, 3), (2, 7)):
        yard.await_log(job_id, f"step {last}\n", attempt)
        preempt(yard, job_id)
    job = yard.end(job_id)
    assert (job.state, job.attempt) == (S.SUCCEEDED, 3)
    assert [each.cause for each in job.attempts] == ["preempted", "preempted", "finished"]
    assert [each.exit_code for each in job.attempts] == [0, 0, 0], "who gives way may end well, and runs again"
    logs = [(yard.directory(job_id, attempt) / "log").read_text().split() for attempt in (1, 2, 3)]
    assert [int(word) for log in logs for word in log if word != "step"] == list(range(1, 11))


def test_a_cancel_while_a_job_gives_way_ends_it_for_good(yard: Yard) -> None:
    script = "trap 'echo asked' USR1; echo ready; while :; do sleep 0.05; done"
    job_id = yard.shell(script, preemption={"signal": "SIGUSR1", "grace_seconds": 600})
    yard.await_log(job_id, "ready")
    preempt(yard, job_id)
    yard.await_log(job_id, "asked")
    yard.cancel(job_id)
    job = yard.end(job_id)
    assert (job.state, job.cause, job.attempt) == (S.CANCELLED, "cancelled", 1)


def test_a_lost_job_finds_its_checkpoints_and_one_without_any_begins_anew(yard: Yard) -> None:
    script = 'echo "resumed ${SWITCHYARD_RESUME:-no}"; echo kept > "$SWITCHYARD_CHECKPOINT_DIR/model"; %s'
    job_id = yard.shell(
        script % 'while ! grep resumed ../log; do sleep 0.01; done; [ "$SWITCHYARD_RESUME" ] || kill -KILL $PPID'
    )
    job = yard.end(job_id)
    assert [each.cause for each in job.attempts] == ["node_lost", "finished"]
    logs = [(yard.directory(job_id, attempt) / "log").read_text() for attempt in (1, 2)]
    assert [log.splitlines()[0] for log in logs] == ["resumed no", "resumed 1"]


def test_a_job_is_told_where_to_report_and_what_is_its_own(yard: Yard) -> None:
    job = yard.end(yard.submit("env", resources={"gpu_memory_bytes": 5}, is_stdout_kept=True))
    told = dict(line.split("=", 1) for line in (job.stdout or "").splitlines())
    home = yard.directory(job.job_id)
    assert told["SWITCHYARD_PROGRESS"] == str(home / "progress.jsonl")
    assert told["SWITCHYARD_CHECKPOINT_DIR"] == str(home.parent / "checkpoints")
    assert (told["SWITCHYARD_JOB"], told["SWITCHYARD_ATTEMPT"]) == (str(job.number), f"{job.job_id}/1")
    assert (told["SWITCHYARD_GPU_MEMORY_BYTES"], told["CUDA_DEVICE_ORDER"]) == ("5", "PCI_BUS_ID")
    assert told["CUDA_VISIBLE_DEVICES"] == ""
    assert "SWITCHYARD_RESUME" not in told


@pytest.mark.parametrize(
    ("script", "wish", "state", "said"),
    [
        ("exec sleep 600", {"idle_timeout_seconds": 0.3}, S.TIMED_OUT, "idle: no output"),
        ("exec sleep 600", {"timeout_seconds": 0.3}, S.TIMED_OUT, "it ran for longer than 0.3 s"),
        ("echo 'torch.OutOfMemoryError: CUDA out of memory.'; exit 1", {}, S.OUT_OF_MEMORY, "CUDA out of memory"),
        (
            f"exec {sys.executable} -c 'import time; held = bytearray(200 << 20); time.sleep(60)'",
            {"resources": {"memory_bytes": 100 << 20}},
            S.OUT_OF_MEMORY,
            "",
        ),
        ("echo 'CUDA out of memory, but smaller batches will do'", {}, S.SUCCEEDED, ""),
    ],
    ids=["idle", "too long", "GPU memory", "memory", "survived"],
)
def test_the_end_of_a_job_says_what_it_came_to(
    yard: Yard, script: str, wish: dict[str, object], state: JobState, said: str
) -> None:
    job = yard.end(yard.shell(script, **wish))
    assert job.state is state
    assert said in (job.attempts[0].detail or "")
    assert job.peak_memory_bytes
    eventually(lambda: not (yard.directory(job.job_id) / "work").exists(), "the end of the workspace")


ASIDE = """
export GIT_AUTHOR_DATE=2026-01-01T00:00:00Z GIT_COMMITTER_DATE=2026-01-01T00:00:00Z
echo aside >readme; git commit --quiet --all --message=aside; aside=$(git rev-parse HEAD)
git checkout --quiet HEAD^; echo ahead >readme; git commit --quiet --all --message=ahead
mkdir -p .eden; printf '{"status": "success", "commit_sha": "%s"}' "$aside" >.eden/outcome.json
echo "$aside"
"""


def test_the_commit_that_an_outcome_names_is_the_one_that_is_published(yard: Yard) -> None:
    branch = f"work/{yard.store.id_of('bob')}/aside"
    job_id = yard.shell(ASIDE, publish=branch, collect=(".eden/outcome.json",), is_stdout_kept=True)
    job = yard.end(job_id)
    assert job.published_commit == (job.stdout or "").strip() == yard.origin.tip(branch)


def test_an_outcome_that_names_no_commit_of_its_workspace_fails_and_says_so(yard: Yard) -> None:
    script = ASIDE.replace('"$aside" >', f"{'d' * 40} >")
    branch = f"work/{yard.store.id_of('bob')}/nowhere"
    job = yard.end(yard.shell(script, publish=branch, collect=(".eden/outcome.json",)))
    assert (job.state, job.cause) == (S.FAILED, "user_error")
    assert "there is no such commit" in (job.attempts[-1].detail or "")
    assert yard.origin.tip(branch) == ""
