"""The memory of a machine is a budget that jobs share."""

from pathlib import Path

from control_plane.scheduler.inventory import Inventory
from control_plane.scheduler.memory import memory_of_machine
from control_plane.scheduler.rules.board import Node, nodes_of
from tests.scheduler.planning_cases import cpus


def test_the_memory_of_a_machine_comes_in_parts_with_its_cpu_slots() -> None:
    slots = Inventory(4, memory_bytes=400).capacity(())
    assert nodes_of(slots) == (Node("", 400),)
    assert nodes_of([*slots, *cpus(2, "other")]) == (Node("", 400),)


def test_a_machine_whose_memory_nobody_counts_has_no_budget() -> None:
    assert nodes_of(Inventory(4).capacity(())) == ()


def test_a_container_has_no_more_memory_than_its_limit(tmp_path: Path) -> None:
    limit = tmp_path / "memory.max"
    whole = memory_of_machine(limit)
    limit.write_text("1048576\n")
    assert memory_of_machine(limit) == 1_048_576
    limit.write_text("max\n")
    assert memory_of_machine(limit) == whole > 1_048_576
