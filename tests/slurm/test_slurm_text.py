"""What Slurm's programs print, read; and what is made of it."""

from dataclasses import replace

import pytest

from control_plane.scheduler.engines.slurm_text import Entry, Node, marker, read_nodes, read_queue, slots
from control_plane.scheduler.rules.needs import Kind, Need
from store_client.wire.jobs import Resources

NODES = """\
NodeName=n1 Arch=x86_64 CoresPerSocket=1  CPUAlloc=3 CPUEfctv=4 CPUTot=4 CPULoad=3.14 Gres=gpu:2 \
GresUsed=gpu:1(IDX:0) NodeAddr=127.0.0.1 OS=Linux 6.1 #1 SMP @0  RealMemory=2000 State=MIXED Partitions=main \
CfgTRES=cpu=4,mem=2000M,billing=4
NodeName=n2 CPUAlloc=0 CPUTot=8 Gres=gpu:a100:4(S:0),gpu:t4:1,shard:8 GresUsed=gpu:a100:2(IDX:0-1),gpu:t4:0 \
RealMemory=1 State=DOWN*+DRAIN Partitions=main,big Reason=fan is loud [root@2026-11-21T08:37:47]
"""
NODE = Node("n1", "IDLE", "", cpus=4, cpus_taken=0, gpus=2, gpus_taken=0, memory_mib=2000)


def test_nodes_are_read_with_what_is_taken_of_them() -> None:
    first, second = read_nodes(NODES)
    assert first == Node("n1", "MIXED", "", 4, 3, 2, 1, 2000)
    assert (second.cpus, second.gpus, second.gpus_taken) == (8, 5, 2)
    assert second.fault == "Slurm says down*+drain: fan is loud"
    assert [node.name for node in read_nodes(NODES, "big")] == ["n2"]


@pytest.mark.parametrize("state", ["IDLE", "MIXED", "ALLOCATED", "MIXED+COMPLETING", "IDLE+CLOUD+POWERED_DOWN"])
def test_a_node_that_slurm_uses_is_used(state: str) -> None:
    assert replace(NODE, state=state).fault is None


@pytest.mark.parametrize("state", ["DOWN", "IDLE+DRAIN", "IDLE*", "MIXED*", "UNKNOWN", "ALLOCATED+MAINT"])
def test_a_node_that_slurm_keeps_back_is_quarantined_with_its_reason(state: str) -> None:
    found = slots([replace(NODE, state=state, reason="why")], (), ())
    assert {slot.state for slot in found} == {"quarantined"}
    assert {slot.why for slot in found} == {f"Slurm says {state.lower()}: why"}


def test_our_attempts_are_told_from_other_jobs_and_other_deployments() -> None:
    names = [marker("aaaa", ("job_1", 2)), marker("bbbb", ("job_1", 2)), "a|name", "switchyard-aaaa-x"]
    text = "".join(f"{10 + at}|RUNNING|n1||2|gres:gpu:1|{name}\n" for at, name in enumerate(names))
    assert read_queue(text, "aaaa") == {("job_1", 2): Entry("10", "RUNNING", "n1", 2, 1)}


def test_of_two_jobs_of_one_attempt_the_living_counts() -> None:
    name = marker("aaaa", ("job_1", 1))
    lines = [f"9|RUNNING|n1||1|N/A|{name}", f"10|FAILED|n1||1|N/A|{name}"]
    for text in ("\n".join(lines), "\n".join(reversed(lines))):
        assert read_queue(text, "aaaa")["job_1", 1].number == "9"


def test_what_others_use_is_taken_off_and_what_we_use_is_not() -> None:
    node = replace(NODE, cpus_taken=3, gpus_taken=2)
    ours = Entry("1", "RUNNING", "n1", cpus=1, gpus=1)
    found = {slot.slot_id: slot.state for slot in slots([node], [ours], {"n1/cpu:0", "n1/gpu:0"})}
    assert found == {
        "n1/gpu:0": "usable", "n1/gpu:1": "foreign",
        "n1/cpu:0": "usable", "n1/cpu:1": "usable", "n1/cpu:2": "foreign", "n1/cpu:3": "foreign",
    }  # fmt: skip


def test_slots_that_slurm_has_not_given_us_yet_are_no_others() -> None:
    found = slots([NODE], (), {"n1/cpu:0"})
    assert {slot.state for slot in found} == {"usable"}


def test_a_gpu_of_a_cluster_is_given_out_whole_or_not_at_all() -> None:
    gpu = next(slot for slot in slots([NODE], (), ()) if slot.kind == "gpu")
    assert Need.of(Resources(gpus=1)).units_on(Kind.of(gpu)) == 1
    assert Need.of(Resources(gpus=1, gpu_share=0.5)).units_on(Kind.of(gpu)) is None
