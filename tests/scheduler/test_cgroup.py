"""Control groups over a tree of plain files, as the kernel would have it: what is written, and what is made of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from control_plane.scheduler.shim import cgroup
from control_plane.scheduler.shim.cgroup import Cgroup
from tests.scheduler.attempts import Bench, bench

MIB = 1024 * 1024
FAILS_FOR_WANT = "printf 'oom 1\\noom_kill 1\\n' >{group}/memory.events; echo 12345678 >{group}/memory.peak; kill -9 $$"


@pytest.fixture
def attempt(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as made:
        yield made


@pytest.fixture
def parent(tmp_path: Path) -> Path:
    """A group that has memory to hand down."""
    folder = tmp_path / "cgroups"
    folder.mkdir()
    (folder / "cgroup.subtree_control").write_text("")
    return folder


def group_of(attempt: Bench, parent: Path) -> Path:
    return parent / cgroup.name_of(attempt.plain.marker)


def test_a_limit_is_written_for_all_processes_together_and_for_swap_too(parent: Path) -> None:
    group = Cgroup(parent / "switchyard-job-1")
    assert group.make(300 * MIB)
    written = {path.name: path.read_text() for path in (parent / "switchyard-job-1").iterdir()}
    assert written == {"memory.max": str(300 * MIB), "memory.swap.max": "0", "memory.oom.group": "1"}
    assert group.limits_memory


def test_without_a_limit_nothing_is_bounded(parent: Path) -> None:
    group = Cgroup(parent / "switchyard-job-1")
    assert group.make(0)
    assert list((parent / "switchyard-job-1").iterdir()) == []
    assert not group.limits_memory


def test_a_group_without_the_controller_does_not_limit(parent: Path) -> None:
    (parent / "switchyard-job-1" / "memory.max").mkdir(parents=True)  # what cannot be written to
    group = Cgroup(parent / "switchyard-job-1")
    assert group.make(300 * MIB)
    assert not group.limits_memory


def test_the_controller_is_handed_down_to_the_groups_below(parent: Path) -> None:
    cgroup.hand_down(parent)
    assert (parent / "cgroup.subtree_control").read_text() == "+memory"


def test_what_the_kernel_counts_is_read_and_what_it_does_not_is_nothing(parent: Path) -> None:
    folder = parent / "switchyard-job-1"
    group = Cgroup(folder)
    assert (group.peak_bytes, group.oom_kills, group.pids()) == (0, 0, set())
    (folder / "below").mkdir(parents=True)
    (folder / "memory.peak").write_text("4096\n")
    (folder / "memory.events").write_text("low 0\nhigh 0\nmax 7\noom 2\noom_kill 3\noom_group_kill 1\n")
    (folder / "cgroup.procs").write_text("12\n13\n")
    (folder / "below" / "cgroup.procs").write_text("14\n")
    assert (group.peak_bytes, group.oom_kills, group.pids()) == (4096, 3, {12, 13, 14})


def test_a_command_is_born_in_its_group_and_an_end_for_want_of_its_memory_is_told_as_that(
    attempt: Bench, parent: Path
) -> None:
    group = group_of(attempt, parent)
    handle = attempt.shell(FAILS_FOR_WANT.format(group=group), cgroups=parent, memory_bytes=300 * MIB)
    ended = attempt.end(handle)
    assert ended.cause == "out_of_memory"
    assert ended.peak_memory_bytes >= 12345678
    assert (group / "memory.max").read_text() == str(300 * MIB)
    assert (group / "cgroup.procs").read_text() == "0", "the process that writes it goes there itself"


def test_a_kill_that_its_group_knows_nothing_of_is_a_kill(attempt: Bench, parent: Path) -> None:
    script = f"echo 'oom_kill 0' >{group_of(attempt, parent)}/memory.events; kill -9 $$"
    ended = attempt.end(attempt.shell(script, cgroups=parent, memory_bytes=300 * MIB))
    assert (ended.cause, ended.signal) == ("exited", 9)


@pytest.mark.parametrize("is_bounded", [True, False])
def test_who_is_bounded_by_the_kernel_is_not_looked_at_as_well(attempt: Bench, parent: Path, is_bounded: bool) -> None:
    if not is_bounded:
        (group_of(attempt, parent) / "memory.max").mkdir(parents=True)
    here = f"open({str(group_of(attempt, parent) / 'cgroup.procs')!r}, 'w').write(str(os.getpid()))"
    program = f"import os, time\n{here}\nb = bytearray(60 << 20)\ntime.sleep({0.8 if is_bounded else 600})"
    ended = attempt.end(attempt.python(program, cgroups=parent, memory_bytes=30 * MIB))
    assert ended.cause == ("exited" if is_bounded else "out_of_memory")
