"""GPUs of a cluster: Slurm gives them out whole, by GRES, and we never promise more than it has."""

from store_client import JobState
from tests.slurm.cluster import GPUS, NODES
from tests.slurm.lab import Lab

TELL = 'echo "gpus:$CUDA_VISIBLE_DEVICES:"; echo ready; until [ -e $GATE ]; do sleep 0.1; done'


def test_each_job_sees_the_gpus_that_it_was_given_and_no_other(lab: Lab) -> None:
    gate = {"GATE": str(lab.scratch / "gate")}
    jobs = [lab.shell(TELL, resources={"gpus": 1}, environment=gate) for _ in range(GPUS * len(NODES))]
    plain = lab.shell('echo "gpus:$CUDA_VISIBLE_DEVICES:"')
    late = lab.shell('echo "gpus:$CUDA_VISIBLE_DEVICES:"', resources={"gpus": GPUS})
    for job in jobs:
        lab.await_log(job, "ready")
    assert "gpus::" in lab.log(lab.succeed(plain))
    assert lab.read(late).state is JobState.QUEUED
    seen = [(lab.node(job), lab.log(job).splitlines()[0]) for job in jobs]
    assert sorted(seen) == [(node, f"gpus:{number}:") for node in NODES for number in range(GPUS)]
    (lab.scratch / "gate").touch()
    assert f"gpus:{','.join(map(str, range(GPUS)))}:" in lab.log(lab.succeed(late))


def test_a_share_of_a_gpu_is_not_promised_where_gpus_are_given_out_whole(lab: Lab) -> None:
    job = lab.shell("true", resources={"gpus": 1, "gpu_share": 0.5})
    lab.succeed(lab.shell("true", resources={"gpus": 1}))
    assert lab.read(job).state is JobState.QUEUED
    lab.worker.cancel_experiment_job(job.job_id)
