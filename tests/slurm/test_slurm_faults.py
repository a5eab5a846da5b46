"""What goes wrong on a cluster: jobs that are taken back, servers that die, and nodes that are lost."""

from pathlib import Path

from store_client import JobDetail, JobState
from tests.acceptance import processes
from tests.slurm.lab import Lab

GATED = 'echo begun; until [ -e "$GATE" ]; do sleep 0.1; done; echo done'


def gated(lab: Lab, gate: Path) -> JobDetail:
    """A job that has begun, and ends when the gate is there."""
    job = lab.shell(GATED, environment={"GATE": str(gate)})
    lab.await_log(job, "begun")
    return job


def test_a_cancelled_job_is_ended_with_all_that_it_started(lab: Lab, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    job = lab.shell(f"setsid sh -c 'echo $$ >{pid}; exec sleep 600' & echo begun; wait; wait; sleep 600")
    lab.await_log(job, "begun")
    lab.deployment.until(pid.exists, "the grandchild")
    lab.worker.cancel_experiment_job(job.job_id)
    assert lab.end(job, 20).state is JobState.CANCELLED
    assert not processes.is_alive(int(pid.read_text()))
    lab.deployment.until(lambda: not lab.living_on_slurm(), "Slurm has nothing of it any more", 20)


def test_a_restarted_server_adopts_what_runs(lab: Lab, tmp_path: Path) -> None:
    job = gated(lab, tmp_path / "gate")
    lab.deployment.kill()
    lab.serve()
    assert lab.read(job).state is JobState.RUNNING
    (tmp_path / "gate").touch()
    ended = lab.succeed(job)
    assert [attempt.number for attempt in ended.attempts] == [1]
    assert lab.log(job) == "begun\ndone\n"
    assert lab.submissions(job) == 1


def test_a_job_that_ends_while_the_server_is_away_is_told_when_it_comes_back(lab: Lab, tmp_path: Path) -> None:
    job = gated(lab, tmp_path / "gate")
    lab.deployment.kill()
    (tmp_path / "gate").touch()
    lab.serve()
    ended = lab.succeed(job)
    assert [attempt.number for attempt in ended.attempts] == [1]
    assert lab.log(job) == "begun\ndone\n"


def test_a_job_whose_node_dies_runs_again_on_another_and_ends_once(lab: Lab, tmp_path: Path) -> None:
    job = gated(lab, tmp_path / "gate")
    first = lab.node(job)
    lab.cluster.kill_node(first)
    try:
        lab.cluster.tell(first, "DOWN", "test")
        lab.deployment.until(lambda: lab.read(job).attempt == 2, "a second attempt")
        lab.await_log(job, "begun")
        assert lab.node(job) != first
        assert lab.slots_of(first) == {"quarantined"}
        (tmp_path / "gate").touch()
        ended = lab.succeed(job)
    finally:
        lab.cluster.start_node(first)
    assert [(each.number, each.cause) for each in ended.attempts] == [(1, "node_lost"), (2, "finished")]
    assert lab.told(job).count("job.finished") == 1
