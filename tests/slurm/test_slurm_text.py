"""What Slurm's programs print, read; and what is made of it."""

from dataclasses import replace

import pytest

from control_plane.scheduler.engines.slurm_text import Entry, Node, gres, marker, read_nodes, read_queue, slots
from control_plane.scheduler.rules.board import Situation, Waiting
from control_plane.scheduler.rules.explain import explain
from control_plane.scheduler.rules.lines import lines_of
from control_plane.scheduler.rules.needs import Kind, Need
from control_plane.scheduler.rules.planning import plan
from store_client.wire.jobs import Resources

NODES = """\
NodeName=n1 Arch=x86_64 CoresPerSocket=1  CPUAlloc=3 CPUEfctv=4 CPUTot=4 CPULoad=3.14 Gres=gpu:2 \
GresUsed=gpu:1(IDX:0) NodeAddr=127.0.0.1 OS=Linux 6.1 #1 SMP @0  RealMemory=2000 State=MIXED Partitions=main \
CfgTRES=cpu=4,mem=2000M,billing=4
NodeName=n2 CPUAlloc=0 CPUTot=8 Gres=gpu:a100:4(S:0),gpu:t4:1,shard:8 GresUsed=gpu:a100:2(IDX:0-1),gpu:t4:0 \
RealMemory=1 State=DOWN*+DRAIN Partitions=main,big Reason=fan is loud [root@2026-11-21T08:37:47]
"""
NODE = Node("n1", "IDLE", "", cpus=4, cpus_taken=0, gpus={"": 2}, gpus_taken={"": 0}, memory_mib=2000)


def test_nodes_are_read_with_what_is_taken_of_them() -> None:
    first, second = read_nodes(NODES)
    assert first == Node("n1", "MIXED", "", 4, 3, {"": 2}, {"": 1}, 2000)
    assert (second.cpus, second.gpus) == (8, {"a100": 4, "t4": 1})
    assert second.gpus_taken == {"a100": 2, "t4": 0}
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
    text = "".join(f"{10 + at}|RUNNING|n1||2|gres:gpu:1|None|{name}\n" for at, name in enumerate(names))
    assert read_queue(text, "aaaa") == {("job_1", 2): Entry("10", "RUNNING", "n1", 2, {"": 1}, "None")}


def test_counts_that_slurm_shortens_or_leaves_without_a_type_are_counts() -> None:
    line = f"10|RUNNING|n1||1K|gpu:(null):2|None|{marker('aaaa', ('job_1', 1))}"
    assert read_queue(line, "aaaa")["job_1", 1] == Entry("10", "RUNNING", "n1", 1024, {"": 2}, "None")
    (node,) = read_nodes("NodeName=n1 State=MIXED CPUTot=4 Gres=gpu:2 GresUsed=gpu:(null):1(IDX:0) RealMemory=9")
    assert node.gpus_taken == {"": 1}


def test_of_two_jobs_of_one_attempt_the_living_counts() -> None:
    name = marker("aaaa", ("job_1", 1))
    lines = [f"9|RUNNING|n1||1|N/A|None|{name}", f"10|FAILED|n1||1|N/A|None|{name}"]
    for text in ("\n".join(lines), "\n".join(reversed(lines))):
        assert read_queue(text, "aaaa")["job_1", 1].number == "9"


def test_what_others_use_is_taken_off_and_what_we_use_is_not() -> None:
    node = replace(NODE, cpus_taken=3, gpus_taken={"": 2})
    ours = Entry("1", "RUNNING", "n1", cpus=1, gpus={"": 1})
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


TYPED = replace(NODE, gpus={"h100": 2, "4090": 1, "a100_1g.10gb": 2}, gpus_taken={"h100": 1})


def test_types_that_look_like_numbers_are_types() -> None:
    line = "NodeName=n1 CPUTot=4 Gres=gpu:4090:2(S:0-1),gpu:h100:no_consume:3 GresUsed=gpu:4090:1(IDX:0,2),gpu:h100:0"
    (node,) = read_nodes(line)
    assert (node.gpus, node.gpus_taken) == ({"4090": 2, "h100": 3}, {"4090": 1, "h100": 0})


def test_each_type_has_slots_of_its_own_and_what_is_taken_of_one_is_of_that_one() -> None:
    ours = Entry("1", "RUNNING", "n1", gpus={"4090": 1})
    found = {slot.slot_id: (slot.kind, slot.model, slot.profile, slot.state) for slot in slots([TYPED], [ours], ())}
    cards = {name: what for name, what in found.items() if "gpu" in name}
    assert cards == {
        "n1/gpu:h100:0": ("gpu", "h100", None, "usable"), "n1/gpu:h100:1": ("gpu", "h100", None, "foreign"),
        "n1/gpu:4090:0": ("gpu", "4090", None, "usable"),
        "n1/gpu:a100_1g.10gb:0": ("mig", "a100_1g.10gb", "1g.10gb", "usable"),
        "n1/gpu:a100_1g.10gb:1": ("mig", "a100_1g.10gb", "1g.10gb", "usable"),
    }  # fmt: skip


def test_slurm_is_asked_for_the_types_that_were_placed() -> None:
    assert gres(["n1/cpu:0"]) == ""
    assert gres(["n1/cpu:0", "n1/gpu:0", "n1/gpu:1"]) == "gpu:2"
    assert gres(["n1/gpu:t4:0", "n1/gpu:h100:0", "n1/gpu:h100:3"]) == "gpu:h100:2,gpu:t4:1"


def placed(**need: object) -> tuple[str, ...]:
    """The GPUs that a job gets on a node with several types."""
    job = Waiting("job_1", 1, "exp_a", "wkr_a", 5, 1, 0.0, Resources.model_validate(need), 60.0)
    made = plan(Situation(1.0, slots([TYPED], (), ()), lines_of([job]), ()))
    return tuple(slot for one in made.placements for slot in one.slots if "gpu" in slot)


def test_a_job_gets_the_type_that_it_names_and_a_slice_of_the_kind_that_it_names() -> None:
    assert placed(gpus=1, only_gpus=["4090"]) == ("n1/gpu:4090:0",)
    assert placed(gpus=1, only_gpus=["h100"]) == ("n1/gpu:h100:0",)
    assert placed(gpus=1, mig_profile="1g.10gb") == ("n1/gpu:a100_1g.10gb:0",)
    assert placed(gpus=2, only_gpus=["h100"]) == ()


@pytest.mark.parametrize(
    ("need", "why", "instead"),
    [
        ({"gpus": 1, "gpu_share": 0.5}, "the GPUs here are given out whole, not in shares", {"gpus": 1}),
        ({"gpus": 1, "mig_profile": "7g.80gb"}, "the slices here are 1g.10gb", {"gpus": 1}),
        (
            {"gpus": 1, "only_gpus": ["GPU-3", "b200"]},
            "none here is called GPU-3 or b200: there are 4090, a100_1g.10gb and h100",
            {"gpus": 1},
        ),
    ],
)
def test_what_a_cluster_can_never_give_is_said_with_what_it_has_and_what_to_ask_for_instead(
    need: dict[str, object], why: str, instead: dict[str, object]
) -> None:
    job = Waiting("job_1", 1, "exp_a", "wkr_a", 5, 1, 0.0, Resources.model_validate(need), 60.0)
    told = explain(Situation(1.0, slots([TYPED], (), ()), lines_of([job]), ()), job)
    assert [each.kind for each in told.constraints] == ["never_fits"]
    assert told.constraints[0].sentence.endswith(why)
    assert told.change is not None
    assert told.change.resources == Resources.model_validate(instead)
