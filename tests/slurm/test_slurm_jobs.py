"""Jobs on a real cluster: what they need comes over the network, and what they make goes back the same way."""

from store_client import ExitCause, JobState
from tests.slurm.lab import Lab


def test_a_job_runs_on_a_node_and_its_log_result_and_commit_come_back(lab: Lab) -> None:
    script = "cat steps.txt; echo more >>steps.txt; echo 7 >answer.txt; echo kept"
    branch = f"work/{lab.worker.whoami().worker_id}/remote"
    job = lab.shell(script, collect=("answer.txt", "missing.txt"), publish=branch, is_stdout_kept=True)
    ended = lab.succeed(job)
    assert ended.files == {"answer.txt": "7\n"}
    assert ended.exit_code == 0
    assert ended.stdout is not None
    assert ended.stdout.endswith("the beginning\nkept\n")
    assert "the beginning" in lab.log(job)
    assert ended.published_commit is not None
    assert lab.published(branch) == ended.published_commit
    assert lab.branches() == {"main", branch}
    assert lab.nothing_is_left_on_the_node(job)


def test_an_ending_is_told_as_the_local_engine_tells_it(lab: Lab) -> None:
    failing = lab.shell("exit 3")
    slow = lab.shell("sleep 600", timeout_seconds=1)
    causes: dict[str, tuple[JobState, ExitCause, int | None]] = {
        failing.job_id: (JobState.FAILED, "user_error", 3),
        slow.job_id: (JobState.TIMED_OUT, "timeout", None),
    }
    for job in (failing, slow):
        ended = lab.end(job)
        assert (ended.state, ended.cause, ended.exit_code) == causes[job.job_id]
