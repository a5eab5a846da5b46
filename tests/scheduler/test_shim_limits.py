"""What ends an attempt from outside: silence, a preemption, too much memory; and that all of it ends."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from control_plane.scheduler import processes
from control_plane.scheduler.leftovers import kill_leftovers
from control_plane.scheduler.shim import cgroup, process_table
from tests.scheduler.attempts import DAEMON, Bench, bench, eventually, is_running

SAVES = """
import os, signal, sys, time
def save(*_):
    time.sleep(0.3)
    os.write(1, b"saved\\n")
    sys.exit(0)
signal.signal(signal.{signal}, save)
os.write(1, b"ready\\n")
time.sleep(600)
"""

#: A grandchild that has left its session, its parent and its environment behind.
STRANGER = DAEMON.replace("time.sleep(600)", 'os.execve("/bin/sleep", ["sleep", "603"], {})')


@pytest.fixture
def attempt(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as made:
        yield made


@pytest.fixture
def cgroups() -> Path:
    """The folder in which control groups may be made."""
    own = cgroup.own_folder() or Path("/nowhere")
    probe = cgroup.Cgroup(own / f"switchyard-probe-{os.getpid()}")
    if not probe.make(0):
        pytest.skip("no control group may be made here")
    probe.remove()
    return own


def await_line(attempt: Bench, line: str) -> None:
    log = attempt.directory / "log"
    eventually(lambda: log.exists() and line in log.read_text(), line)


def test_a_silent_command_is_ended_and_one_that_speaks_is_not(attempt: Bench) -> None:
    script = "i=0; while [ $i -lt 20 ]; do sleep 0.1; echo .; i=$((i+1)); done; exec sleep 600"
    ended = attempt.end(attempt.shell(script, idle_timeout_seconds=1.5))
    assert (ended.cause, ended.error) == ("timed_out", "idle: no output and no progress for 1.5 s")
    assert attempt.read("log") == ".\n" * 20


def test_progress_is_a_sign_of_life_too(attempt: Bench) -> None:
    progress = attempt.directory / "progress.jsonl"
    script = f"i=0; while [ $i -lt 20 ]; do sleep 0.1; echo '{{}}' >> {progress}; i=$((i+1)); done"
    assert attempt.end(attempt.shell(script, idle_timeout_seconds=1.5)).cause == "exited"


def test_a_time_limit_says_what_it_was(attempt: Bench) -> None:
    ended = attempt.end(attempt.shell("exec sleep 600", timeout_seconds=0.2))
    assert ended.error == "it ran for longer than 0.2 s"


@pytest.mark.parametrize("number", ["SIGTERM", "SIGUSR1"])
def test_a_preempted_command_gets_its_signal_and_its_time(attempt: Bench, number: str) -> None:
    handle = attempt.python(SAVES.format(signal=number), preempt_signal=number, preempt_grace_seconds=60)
    await_line(attempt, "ready")
    processes.ask_to_give_way(attempt.directory)
    ended = attempt.end(handle)
    assert (ended.cause, ended.exit_code) == ("preempted", 0)
    assert attempt.read("log") == "ready\nsaved\n"


def test_the_shell_around_a_command_may_end_before_it_has_saved(attempt: Bench) -> None:
    (attempt.cwd / "save.py").write_text(SAVES.format(signal="SIGUSR1"))
    handle = attempt.shell("/usr/bin/env python3 save.py; true", preempt_signal="SIGUSR1", preempt_grace_seconds=60)
    await_line(attempt, "ready")
    processes.ask_to_give_way(attempt.directory)
    ended = attempt.end(handle)
    assert (ended.cause, ended.signal) == ("preempted", signal.SIGUSR1)
    assert attempt.read("log").splitlines()[-1] == "saved"


@pytest.mark.parametrize("number", ["SIGTERM", "SIGUSR1"])
def test_one_that_does_not_give_way_is_ended_after_its_time(attempt: Bench, number: str) -> None:
    script = "trap 'echo asked' TERM USR1; echo ready; while :; do sleep 0.05; done"
    handle = attempt.shell(script, preempt_signal=number, preempt_grace_seconds=0.3, grace_seconds=0.3)
    await_line(attempt, "ready")
    processes.ask_to_give_way(attempt.directory)
    ended = attempt.end(handle)
    assert (ended.cause, ended.signal) == ("preempted", signal.SIGKILL)
    assert "asked" in attempt.read("log")


def test_a_cancel_during_a_preemption_wins(attempt: Bench) -> None:
    handle = attempt.shell(
        "trap 'echo asked' USR1; trap 'exit 5' TERM; echo ready; while :; do sleep 0.05; done",
        preempt_signal="SIGUSR1",
        preempt_grace_seconds=600,
    )
    await_line(attempt, "ready")
    processes.ask_to_give_way(attempt.directory)
    await_line(attempt, "asked")
    processes.ask_to_stop(attempt.directory)
    ended = attempt.end(handle)
    assert (ended.cause, ended.exit_code) == ("cancelled", 5)


def test_an_attempt_that_is_to_give_way_before_its_start_never_starts(attempt: Bench) -> None:
    attempt.directory.mkdir()
    processes.ask_to_give_way(attempt.directory)
    assert attempt.end(attempt.shell("touch started")).cause == "preempted"
    assert not (attempt.cwd / "started").exists()


def test_what_had_ended_before_it_was_asked_has_ended_by_itself(attempt: Bench) -> None:
    """The command is gone, and a child of it that takes its time to tidy up is not."""
    child = "trap 'sleep 0.3; exit' TERM; touch ready; while :; do sleep 0.05; done"
    handle = attempt.shell(f'setsid sh -c "{child}" & while [ ! -e ready ]; do sleep 0.01; done; exit 4')
    attempt.await_file("ready")
    eventually(lambda: len(process_table.pids_below(handle.pid)) <= 2, "the end of the command")
    processes.ask_to_give_way(attempt.directory)
    ended = attempt.end(handle)
    assert (ended.cause, ended.exit_code, ended.leftovers > 0) == ("exited", 4, True)


def test_a_family_that_holds_too_much_memory_is_ended(attempt: Bench) -> None:
    """Each of the two holds less than the limit; what they share after a fork counts once."""
    program = "import os, time\nb = bytearray(%d << 20)\nos.fork()\n%s\ntime.sleep(%s)"
    limit = 200 << 20
    shared = attempt.end(attempt.python(program % (120, "", 1.2), memory_bytes=limit))
    assert (shared.cause, shared.exit_code) == ("exited", 0)
    ended = attempt.end(attempt.python(program % (1, "c = bytearray(120 << 20)", 600), memory_bytes=limit))
    assert ended.cause == "out_of_memory"
    assert "it asked for 200" in (ended.error or "")
    assert ended.peak_memory_bytes > limit


def test_in_a_control_group_a_stranger_that_a_killed_shim_leaves_is_found(attempt: Bench, cgroups: Path) -> None:
    handle = attempt.python(STRANGER + "time.sleep(600)", cgroups=cgroups)
    stranger = int(attempt.await_file("daemon"))
    eventually(lambda: process_table.read_bytes(f"/proc/{stranger}/environ") == b"", "the end of its environment")
    os.kill(handle.pid, signal.SIGKILL)
    assert processes.wait([handle], 60) == {handle}
    assert is_running(stranger)
    assert kill_leftovers("another/1", attempt.directory) == frozenset()
    assert is_running(stranger), "the record of one attempt may not be read as another's"
    assert kill_leftovers(attempt.plain.marker, attempt.directory) == frozenset()
    assert not is_running(stranger)
    assert not (cgroups / cgroup.name_of(attempt.plain.marker)).exists()


def test_a_shim_ends_a_stranger_and_takes_its_control_group_away(attempt: Bench, cgroups: Path) -> None:
    ended = attempt.end(attempt.python(STRANGER, cgroups=cgroups))
    assert (ended.cause, ended.leftovers) == ("exited", 1)
    assert not is_running(int(attempt.await_file("daemon")))
    assert not (cgroups / cgroup.name_of(attempt.plain.marker)).exists()


def test_groups_that_nobody_took_away_are_swept_once_they_are_old(cgroups: Path) -> None:
    old, young, used = (cgroup.Cgroup(cgroups / f"switchyard-sweep-{os.getpid()}-{name}") for name in "abc")
    assert all(group.make(0) for group in (old, young, used))
    with subprocess.Popen(["/bin/sleep", "600"]) as sleeper:
        folders = sorted(cgroups.glob(f"switchyard-sweep-{os.getpid()}-*"))
        (folders[2] / "cgroup.procs").write_text(str(sleeper.pid))
        for folder in (folders[0], folders[2]):
            os.utime(folder, (1e9, 1e9))
        cgroup.sweep(cgroups)
        left = [folder for folder in folders if folder.exists()]
        used.kill()
    young.remove()
    used.remove()
    assert left == folders[1:]
    assert not any(folder.exists() for folder in folders)


def test_without_a_place_for_control_groups_an_attempt_goes_without(attempt: Bench) -> None:
    assert attempt.end(attempt.shell("exit 3", cgroups=Path("/proc/nowhere"))).exit_code == 3
