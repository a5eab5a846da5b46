"""What becomes of an attempt when the scheduler dies, or the shim does."""

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from control_plane.scheduler import processes
from control_plane.scheduler.leftovers import kill_leftovers
from control_plane.scheduler.processes import Handle
from control_plane.scheduler.shim import process_table
from tests.scheduler.attempts import DAEMON, Bench, bench, eventually, is_running

LAUNCHER = """
import sys, time
from pathlib import Path
from control_plane.scheduler.processes import Launch, launch
directory, cwd, marker, script = sys.argv[1:]
launch(Path(directory), Launch(("/bin/sh", "-c", script), Path(cwd), {"PATH": "/usr/bin:/bin"}, marker))
time.sleep(600)
"""


@pytest.fixture
def attempt(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as made:
        yield made


def test_an_attempt_outlives_the_scheduler_and_is_adopted(attempt: Bench) -> None:
    arguments = [
        str(attempt.directory),
        str(attempt.cwd),
        attempt.plain.marker,
        "mkfifo go; touch ready; cat go; exit 6",
    ]
    with subprocess.Popen([sys.executable, "-c", LAUNCHER, *arguments], cwd=Path.cwd()) as launcher:
        attempt.await_file("ready")
        launcher.kill()
    adopted = processes.find(attempt.directory)
    assert adopted is not None
    assert processes.wait([adopted], 0.2) == frozenset()
    (attempt.cwd / "go").write_text("on\n")
    assert attempt.end(adopted).exit_code == 6
    assert attempt.read("log") == "on\n"
    assert processes.find(attempt.directory) is None


@pytest.mark.parametrize(("field", "value"), [("start_ticks", 1), ("boot_id", "another boot"), ("pid", "none")])
def test_a_process_that_only_bears_the_pid_is_not_adopted(attempt: Bench, field: str, value: object) -> None:
    handle = attempt.shell("touch ready; exec sleep 600")
    attempt.await_file("ready")
    assert processes.find(attempt.directory) == handle
    started = json.loads(attempt.read("started.json"))
    (attempt.directory / "started.json").write_text(json.dumps({**started, field: value}))
    assert processes.find(attempt.directory) is None
    (attempt.directory / "started.json").write_text(json.dumps(started))


def test_a_shim_that_comes_after_the_fence_runs_nothing(attempt: Bench) -> None:
    attempt.directory.mkdir()
    assert processes.fence(attempt.directory) is None
    assert attempt.end(attempt.shell("touch started")).cause == "cancelled"
    assert not (attempt.cwd / "started").exists()


def test_a_shim_that_came_before_the_fence_is_found(attempt: Bench) -> None:
    handle = attempt.shell("touch ready; exec sleep 600")
    attempt.await_file("ready")
    assert processes.fence(attempt.directory) == handle
    assert attempt.end(handle).cause == "cancelled"


def test_a_killed_shim_takes_its_command_with_it(attempt: Bench) -> None:
    handle = attempt.shell("echo $$ > pid.tmp; mv pid.tmp pid; exec sleep 600")
    command = int(attempt.await_file("pid"))
    os.kill(handle.pid, signal.SIGKILL)
    eventually(lambda: not is_running(command), "the end of the command")
    assert processes.wait([handle], 60) == {handle}
    assert processes.read_exit(attempt.directory) is None


@pytest.mark.parametrize("disguise", ["", "env -i ", "setsid "])
def test_what_a_killed_shim_leaves_is_found_and_killed(attempt: Bench, disguise: str) -> None:
    """In the command's session, or with the marker in its environment; and whatever is below it."""
    inner = "env -i setsid /bin/sleep 601 & echo $PPID $$ $! > pids.tmp; mv pids.tmp pids; wait"
    handle = attempt.shell(f"{disguise} /bin/sh -c '{inner}' & wait")
    command, *pids = (int(pid) for pid in attempt.await_file("pids").split())
    os.kill(handle.pid, signal.SIGKILL)
    assert processes.wait([handle], 60) == {handle}
    eventually(lambda: not is_running(command), "the end of the command")
    assert all(is_running(pid) for pid in pids)
    assert kill_leftovers(attempt.plain.marker, attempt.directory) == frozenset()
    assert not any(is_running(pid) for pid in pids)


def test_an_orphan_whose_first_thread_has_ended_is_killed_too(attempt: Bench) -> None:
    program = """
import ctypes, os, threading, time
if os.fork() == 0:
    threading.Thread(target=time.sleep, args=(602,)).start()
    open("pid.tmp", "w").write(str(os.getpid()))
    os.rename("pid.tmp", "pid")
    ctypes.CDLL(None).pthread_exit(None)
time.sleep(602)
"""
    handle = attempt.python(program)
    orphan = Path(f"/proc/{attempt.await_file('pid')}/stat")
    eventually(lambda: ") Z " in orphan.read_text(), "the end of the first thread")
    os.kill(handle.pid, signal.SIGKILL)
    assert processes.wait([handle], 60) == {handle}
    assert orphan.exists()
    assert kill_leftovers(attempt.plain.marker, attempt.directory) == frozenset()
    eventually(lambda: not orphan.exists(), "the end of the other thread")


def test_a_daemon_of_a_killed_shim_is_found_by_the_marker(attempt: Bench) -> None:
    handle = attempt.python(DAEMON + "time.sleep(600)")
    daemon = int(attempt.await_file("daemon"))
    os.kill(handle.pid, signal.SIGKILL)
    assert processes.wait([handle], 60) == {handle}
    assert is_running(daemon)
    assert kill_leftovers("another/1", attempt.directory.parent) == frozenset()
    assert is_running(daemon)
    assert kill_leftovers(attempt.plain.marker, attempt.directory) == frozenset()
    assert not is_running(daemon)


def test_waiting_ends_when_the_caller_is_wanted_elsewhere(attempt: Bench) -> None:
    handle = attempt.shell("exec sleep 600")
    reader, writer = os.pipe()
    os.write(writer, b"!")
    assert processes.wait([handle], 60, wake_fd=reader) == frozenset()
    os.close(reader)
    os.close(writer)


def test_waiting_names_the_one_that_ended(attempt: Bench, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with bench(tmp_path / "other") as other:
        lasting, brief = attempt.shell("exec sleep 600"), other.shell("exit 0")
        assert processes.wait([lasting, brief], 30) == {brief}


def test_waiting_works_on_a_kernel_without_pidfd(attempt: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int) -> int:
        raise OSError(errno.ENOSYS, "pidfd_open")

    monkeypatch.setattr(os, "pidfd_open", refuse)
    assert attempt.end(attempt.shell("exit 3")).exit_code == 3


def test_a_pid_of_another_time_is_not_alive() -> None:
    here = process_table.look_up(os.getpid())
    assert here is not None
    assert processes.is_alive(Handle(here.pid, here.start_ticks, process_table.boot_id()))
    assert not processes.is_alive(Handle(here.pid, here.start_ticks + 1, process_table.boot_id()))
    assert not processes.is_alive(Handle(here.pid, here.start_ticks, "another boot"))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cause": "exited"}'])
def test_a_spoilt_exit_record_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "exit.json").write_text(text)
    assert processes.read_exit(tmp_path) is None
