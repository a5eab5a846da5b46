"""A real cluster of two nodes: what jobs need comes over the network, and what they make goes back the same way.

All that is quick stands in this one file, so that one worker of the test run starts one cluster.
"""

import shutil
from pathlib import Path

import pytest

from store_client import ExitCause, InvalidPrecondition, JobDetail, JobState
from tests.acceptance import processes
from tests.slurm.cluster import CPUS, GPUS, KINDS, NODES, Cluster
from tests.slurm.lab import Lab, open_lab

GATED = 'echo begun; until [ -e "$GATE" ]; do sleep 0.1; done; echo done'
TELL = f'echo "gpus:$CUDA_VISIBLE_DEVICES:"; {GATED}'


def gated(lab: Lab, gate: Path) -> JobDetail:
    """A job that has begun, and ends when the gate is there."""
    job = lab.shell(GATED, environment={"GATE": str(gate)})
    lab.await_log(job, "begun")
    return job


def test_a_job_runs_on_a_node_and_its_log_result_and_commit_come_back(lab: Lab) -> None:
    script = "cat steps.txt; echo more >>steps.txt; echo 7 >answer.txt; echo kept"
    branch = f"work/{lab.bearer_id}/remote"
    job = lab.shell(script, collect=("answer.txt", "missing.txt"), publish=branch, is_stdout_kept=True)
    ended = lab.succeed(job)
    assert ended.files == {"answer.txt": "7\n"}
    assert ended.exit_code == 0
    assert ended.stdout == lab.log(job) == "the beginning\nkept\n"
    assert ended.published_commit is not None
    assert lab.published(branch) == ended.published_commit
    lab.until(lambda: lab.branches() == {"main", branch}, "the attempt's own branch is gone")
    lab.until(lambda: lab.nothing_is_left_on_the_nodes(job), "nothing is left")


def test_a_cancelled_job_is_ended_with_all_that_it_started(lab: Lab, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    job = lab.shell(f"setsid sh -c 'echo $$ >{pid}; exec sleep 600' & echo begun; sleep 600")
    lab.await_log(job, "begun")
    lab.until(pid.exists, "the grandchild")
    lab.worker.cancel_experiment_job(job.job_id)
    assert lab.end(job).state is JobState.CANCELLED
    assert not processes.is_alive(int(pid.read_text()))
    lab.until(lambda: not lab.living_on_slurm(), "Slurm has nothing of it any more")


def test_gpus_are_slurms_to_give_and_a_restarted_server_adopts_who_has_them(lab: Lab, tmp_path: Path) -> None:
    gate = {"GATE": str(tmp_path / "gate")}
    wishes: list[dict[str, object]] = [{"gpus": 1, "only_gpus": ["h100"]}, {"gpus": 1}]
    jobs = [lab.shell(TELL, resources=wish, environment=gate) for wish in wishes]
    for job in jobs:
        lab.await_log(job, "begun")
    assert lab.node(jobs[0]) == "n2", "whose GPUs are called that"
    seen = {(lab.node(job), lab.log(job).splitlines()[0]) for job in jobs}
    assert len(seen) == 2
    assert seen <= {(node, f"gpus:{number}:") for node in NODES for number in range(GPUS)}
    lab.deployment.kill()
    lab.serve()
    assert [lab.read(job).state for job in jobs] == [JobState.RUNNING, JobState.RUNNING]
    (tmp_path / "gate").touch()
    for job in jobs:
        assert [attempt.number for attempt in lab.succeed(job).attempts] == [1]
        assert lab.log(job).endswith("begun\ndone\n")
        assert lab.submissions(job) == 1


def test_a_job_whose_node_dies_runs_again_on_another_and_ends_once(lab: Lab, tmp_path: Path) -> None:
    job = gated(lab, tmp_path / "gate")
    first = lab.node(job)
    lab.cluster.kill_node(first)
    try:
        lab.cluster.tell(first, "DOWN", "test")
        lab.until(lambda: lab.read(job).attempt == 2, "a second attempt")
        lab.await_log(job, "begun")
        assert lab.node(job) != first
        assert lab.slots_of(first) == {"quarantined"}
        (tmp_path / "gate").touch()
        ended = lab.succeed(job)
    finally:
        lab.cluster.start_node(first)
    assert [(each.number, each.cause) for each in ended.attempts] == [(1, "node_lost"), (2, "finished")]
    assert [each.node for each in ended.attempts] == [first, next(node for node in NODES if node != first)]
    assert lab.told(job).count("job.finished") == 1


@pytest.mark.long
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


@pytest.mark.long
def test_all_gpus_are_used_and_none_twice(lab: Lab, tmp_path: Path) -> None:
    gate = {"GATE": str(tmp_path / "gate")}
    jobs = [lab.shell(TELL, resources={"gpus": 1}, environment=gate) for _ in range(GPUS * len(NODES))]
    for job in jobs:
        lab.await_log(job, "begun")
    both = lab.shell('echo "gpus:$CUDA_VISIBLE_DEVICES:"', resources={"gpus": GPUS})
    assert "gpus::" in lab.log(lab.succeed(lab.shell('echo "gpus:$CUDA_VISIBLE_DEVICES:"')))
    assert lab.read(both).state is JobState.QUEUED
    seen = [(lab.node(job), lab.log(job).splitlines()[0]) for job in jobs]
    assert sorted(seen) == [(node, f"gpus:{number}:") for node in NODES for number in range(GPUS)]
    (tmp_path / "gate").touch()
    assert f"gpus:{','.join(map(str, range(GPUS)))}:" in lab.log(lab.succeed(both))


@pytest.mark.long
def test_a_job_that_ends_while_the_server_is_away_is_told_when_it_comes_back(lab: Lab, tmp_path: Path) -> None:
    job = gated(lab, tmp_path / "gate")
    lab.deployment.kill()
    (tmp_path / "gate").touch()
    lab.serve()
    ended = lab.succeed(job)
    assert [attempt.number for attempt in ended.attempts] == [1]
    assert lab.log(job) == "begun\ndone\n"


@pytest.mark.long
def test_what_the_cluster_never_gives_is_refused_at_once_or_fails_with_its_word(lab: Lab) -> None:
    lab.until(lambda: lab.slots_of("n1"), "the cluster was seen")
    with pytest.raises(InvalidPrecondition, match="given out whole, not in shares"):
        lab.shell("true", resources={"gpus": 1, "gpu_share": 0.5})
    ended = lab.end(lab.shell("true", timeout_seconds=11 * 86_400))
    assert (ended.state, ended.cause) == (JobState.FAILED, "start_failed")
    assert ended.detail == "Slurm took it and would never start it: PartitionTimeLimit"
    lab.until(lambda: not lab.living_on_slurm(), "Slurm has nothing of it any more")


@pytest.mark.long
def test_jobs_of_others_take_room_and_drained_nodes_give_none(lab: Lab) -> None:
    lab.cluster.ask(
        "sbatch",
        "--nodelist=n1",
        "--output=/dev/null",
        "--exclusive",
        "--job-name=other",
        stdin="#!/bin/sh\nsleep 600\n",
    )
    try:
        lab.cluster.tell("n2", "DRAIN", "its fan is loud")
        lab.until(lambda: lab.slots_of("n1") == {"foreign"}, "n1 is full")
        lab.until(lambda: lab.slots_of("n2") == {"quarantined"}, "n2 gives nothing")
        job = lab.shell("true")
        lab.until(lambda: lab.read(job).waiting_for, "why it waits")
        assert lab.read(job).state is JobState.QUEUED
    finally:
        lab.cluster.ask("scancel", "--name=other")
    assert lab.node(lab.succeed(job)) == "n1"


@pytest.mark.long
def test_elements_of_an_array_run_each_by_itself(lab: Lab) -> None:
    array = lab.shell("true", array=4)
    lab.until(lambda: lab.ended_of(array) == 4, "all have ended")


@pytest.mark.long
def test_a_job_that_gives_way_goes_on_from_its_checkpoint(lab: Lab, tmp_path: Path) -> None:
    script = (
        "trap 'echo half >\"$SWITCHYARD_CHECKPOINT_DIR/step\"; echo kept; exit 0' USR1\n"
        'if [ -n "$SWITCHYARD_RESUME" ]; then cat "$SWITCHYARD_CHECKPOINT_DIR/step"; exit 0; fi\n'
        "echo begun $SWITCHYARD_ATTEMPT; while :; do sleep 0.1; done"
    )
    whole = {"resources": {"cpus": CPUS}}
    gives = lab.shell(script, preemption={"signal": "SIGUSR1", "grace_seconds": 30}, **whole)
    lab.await_log(gives, f"begun {gives.job_id}/1")
    other = lab.shell(GATED, environment={"GATE": str(tmp_path / "gate")}, **whole)
    lab.await_log(other, "begun")
    urgent = lab.shell("echo urgent", priority=10, **whole)
    lab.succeed(urgent)
    ended = lab.succeed(gives)
    (tmp_path / "gate").touch()
    assert [(each.number, each.cause) for each in ended.attempts] == [(1, "preempted"), (2, "finished")]
    assert lab.log(gives, 1).endswith("kept\n")
    assert lab.log(gives, 2) == "half\n"
    lab.succeed(other)
    assert lab.nothing_is_left_on_the_nodes(gives)


@pytest.mark.long
def test_a_job_whose_node_dies_with_its_disk_resumes_elsewhere_from_what_it_had_sent(lab: Lab, tmp_path: Path) -> None:
    script = (
        'if [ -n "$SWITCHYARD_RESUME" ]; then cat "$SWITCHYARD_CHECKPOINT_DIR/deep/step"; exit 0; fi\n'
        'mkdir "$SWITCHYARD_CHECKPOINT_DIR/deep"; echo half >"$SWITCHYARD_CHECKPOINT_DIR/deep/step"\n'
        "echo begun; while :; do sleep 0.1; done"
    )
    job = lab.shell(script)
    lab.await_log(job, "begun")
    kept = lab.deployment.client.list_job_checkpoints
    lab.until(lambda: [file.name for file in kept(job.job_id).items] == ["deep/step"], "what it keeps")
    first = lab.node(job)
    lab.cluster.kill_node(first)
    shutil.rmtree(lab.scratch / "checkpoints")
    try:
        lab.cluster.tell(first, "DOWN", "test")
        ended = lab.succeed(job)
    finally:
        lab.cluster.start_node(first)
    assert [(each.number, each.cause) for each in ended.attempts] == [(1, "node_lost"), (2, "finished")]
    assert lab.log(job) == "half\n"


@pytest.mark.long
def test_a_gpu_of_a_node_that_somebody_keeps_back_is_not_given_out(lab: Lab) -> None:
    client = lab.deployment.client
    names = [f"{node}/{KINDS[node]}:{number}" for node in NODES for number in range(GPUS)]
    lab.until(lambda: sorted(gpu.uuid for gpu in client.list_gpus().gpus) == names, "all GPUs")
    assert {(gpu.units, gpu.memory_total_bytes) for gpu in client.list_gpus().gpus} == {(1, None)}
    for name in names:
        client.quarantine_gpu(name, "it is looked at")
    lab.until(lambda: {gpu.state for gpu in client.list_gpus().gpus} == {"quarantined"}, "all are kept back")
    lab.succeed(lab.shell("true"))
    job = lab.shell("true", resources={"gpus": 1})
    lab.succeed(lab.shell("true"))
    assert lab.read(job).state is JobState.QUEUED
    for name in names:
        client.readmit_gpu(name)
    lab.succeed(job)


@pytest.mark.long
def test_an_attempt_on_a_node_that_was_cut_off_ends_when_it_hears_of_the_other(lab: Lab, tmp_path: Path) -> None:
    script = (
        f'echo $$ >{tmp_path}/pid-${{SWITCHYARD_ATTEMPT##*/}}; echo begun; until [ -e "$GATE" ]; do sleep 0.1; done'
    )
    job = lab.shell(script, environment={"GATE": str(tmp_path / "gate")}, publish=f"work/{lab.bearer_id}/cut-off")
    lab.await_log(job, "begun")
    first = lab.node(job)
    with lab.cluster.cut_off(first):
        lab.cluster.tell(first, "DOWN", "cut off")
        lab.until(lambda: lab.read(job).attempt == 2, "a second attempt")
        lab.await_log(job, "begun")
        old, new = (int((tmp_path / f"pid-{number}").read_text()) for number in (1, 2))
        lab.until(lambda: not processes.is_alive(old), "the end of the first attempt")
        assert processes.is_alive(new)
        (tmp_path / "gate").touch()
        ended = lab.succeed(job)
    assert [(each.number, each.cause) for each in ended.attempts] == [(1, "node_lost"), (2, "finished")]


@pytest.mark.long
@pytest.mark.postgres
def test_on_postgresql_the_scheduler_of_a_cluster_is_a_process_of_its_own(
    cluster: Cluster, postgresql_url: str, tmp_path: Path
) -> None:
    with open_lab(cluster, tmp_path, postgresql_url) as lab:
        branch = f"work/{lab.bearer_id}/apart"
        ended = lab.succeed(lab.shell("echo 7 >answer.txt", collect=("answer.txt",), publish=branch))
        assert ended.files == {"answer.txt": "7\n"}
        assert lab.published(branch) == ended.published_commit
        job = gated(lab, tmp_path / "gate")
        lab.worker.cancel_experiment_job(job.job_id)
        assert lab.end(job).state is JobState.CANCELLED
