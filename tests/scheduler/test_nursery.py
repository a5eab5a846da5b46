"""Shims that are forked, and not each started as a program: they are as good, and outlive what forked them."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from control_plane.scheduler import nursery as nurseries
from control_plane.scheduler import processes
from control_plane.scheduler.leftovers import kill_leftovers
from control_plane.scheduler.nursery import Nursery, NurseryLostError
from control_plane.scheduler.processes import Launch
from control_plane.scheduler.shim import process_table
from store_client.wire.jobs import JobState
from tests.scheduler.attempts import Bench, bench, eventually, is_running
from tests.scheduler.queue_house import Yard


@pytest.fixture
def nursery(tmp_path: Path) -> Iterator[Nursery]:
    made = Nursery(tmp_path)
    made.open()
    yield made
    made.close()


@pytest.fixture
def attempt(tmp_path: Path, nursery: Nursery) -> Iterator[Bench]:
    with bench(tmp_path, nursery) as made:
        yield made


def pid_of(nursery: Nursery) -> int:
    """The process, once it has become what it was started as."""
    eventually(lambda: len(_pids_of(nursery)) == 1, "the nursery's process")
    (pid,) = _pids_of(nursery)
    return pid


def _pids_of(nursery: Nursery) -> list[int]:
    root = str(nursery.root).encode()
    ours = (each.pid for each in process_table.all_known() if each.parent == os.getpid())
    return [pid for pid in ours if root in arguments(pid)]


def arguments(pid: int) -> bytes:
    try:
        return process_table.read_bytes(f"/proc/{pid}/cmdline")
    except (FileNotFoundError, ProcessLookupError):
        return b""


def test_a_command_finds_what_it_finds_under_a_shim_of_its_own(attempt: Bench) -> None:
    leaked = os.open("/etc/passwd", os.O_RDONLY)
    os.set_inheritable(leaked, True)
    script = 'echo "$TOKEN" | wc -c; cat; ls /proc/$$/fd; grep SigIgn /proc/$$/status; env | sort; exit 3'
    handle = attempt.shell(script, stdin="read\n", secrets={"TOKEN": "s3cret"})
    ended = attempt.end(handle)
    os.close(leaked)
    assert (ended.cause, ended.exit_code) == ("exited", 3)
    length, read, *descriptors, _, ignored, path, pwd, marker, token = attempt.read("log").split()
    assert (length, read, descriptors) == ("7", "read", ["0", "1", "2"])
    assert int(ignored, 16) & 0x7FFFFFFF == 0
    assert path == "PATH=/usr/bin:/bin"
    assert (pwd, marker) == (f"PWD={attempt.cwd}", f"SWITCHYARD_ATTEMPT={attempt.plain.marker}")
    assert token == "TOKEN=s3cret"
    kept = [file.read_bytes() for file in attempt.directory.rglob("*") if file.name != "log"]
    assert kept
    assert not any(b"s3cret" in data for data in kept)


def test_attempts_outlive_the_nursery_and_the_next_is_started_by_another(attempt: Bench, nursery: Nursery) -> None:
    handle = attempt.shell("mkfifo go; touch ready; cat go; exit 6")
    attempt.await_file("ready")
    dead = pid_of(nursery)
    os.kill(dead, signal.SIGKILL)
    eventually(lambda: not is_running(dead), "its end")
    other = processes.launch(attempt.directory.with_name("other"), launch_of(attempt, "other/1"), nursery)
    assert processes.wait([other], 30) == {other}
    assert pid_of(nursery) != dead
    assert processes.find(attempt.directory) == handle
    (attempt.cwd / "go").write_text("on\n")
    assert attempt.end(handle).exit_code == 6


def launch_of(attempt: Bench, marker: str) -> Launch:
    return Launch(("/bin/true",), attempt.cwd, {}, marker)


def test_closing_ends_the_nursery_and_not_the_attempts(attempt: Bench, nursery: Nursery) -> None:
    handle = attempt.shell("touch ready; exec sleep 600")
    attempt.await_file("ready")
    pid = pid_of(nursery)
    nursery.close()
    assert not is_running(pid)
    assert processes.is_alive(handle)
    processes.ask_to_stop(attempt.directory)
    assert attempt.end(handle).cause == "cancelled"


def test_shims_leave_no_zombies(attempt: Bench, nursery: Nursery) -> None:
    attempt.end(attempt.shell("exit 0"))
    parent = pid_of(nursery)
    eventually(
        lambda: not [each for each in process_table.all_known() if each.parent == parent], "nothing below the nursery"
    )


def test_a_killed_shim_and_what_it_leaves_are_found(attempt: Bench) -> None:
    handle = attempt.shell("setsid sleep 600 & echo $! > pid.tmp; mv pid.tmp pid; wait")
    left = int(attempt.await_file("pid"))
    assert processes.find(attempt.directory) == handle
    assert kill_leftovers(attempt.plain.marker, attempt.directory) == frozenset()
    assert not processes.is_alive(handle)
    assert not is_running(left)


def test_many_are_started_at_once_and_each_is_its_own(tmp_path: Path, nursery: Nursery) -> None:
    def run(number: int) -> int | None:
        directory = tmp_path / str(number)
        directory.mkdir()
        script = ("/bin/sh", "-c", f"exit {number}")
        handle = processes.launch(directory, Launch(script, tmp_path, {}, f"many/{number}"), nursery)
        assert processes.wait([handle], 30) == {handle}
        ended = processes.read_exit(directory)
        return ended.exit_code if ended else None

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(run, range(30))) == list(range(30))


def test_without_an_answer_it_is_not_known_whether_an_attempt_was_started(
    attempt: Bench, nursery: Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    nursery.close()
    monkeypatch.setattr(nurseries, "ANSWER_SECONDS", 0.3)
    nursery.open()
    os.kill(pid_of(nursery), signal.SIGSTOP)
    with pytest.raises(NurseryLostError):
        attempt.shell("touch started")
    assert processes.fence(attempt.directory) is None
    assert attempt.end(attempt.start("/bin/true")).cause == "cancelled", "after the fence nothing runs here"
    assert not (attempt.cwd / "started").exists()


def test_a_shim_that_cannot_begin_ends_there_and_says_why(attempt: Bench, nursery: Nursery) -> None:
    attempt.directory.mkdir()
    nothing = os.open(os.devnull, os.O_RDONLY)
    handle = nursery.start(attempt.directory, nothing)
    os.close(nothing)
    assert processes.wait([handle], 30) == {handle}
    assert "launch.json is not readable" in attempt.read("shim.log")
    assert processes.read_exit(attempt.directory) is None
    assert attempt.end(attempt.shell("exit 3")).exit_code == 3, "the nursery goes on"


def test_jobs_of_a_queue_whose_nursery_is_killed_again_and_again_all_end_well(yard: Yard) -> None:
    root = str(yard.engine.root).encode()
    jobs = [yard.submit("/bin/true") for _ in range(15)]
    for count in (2, 6, 10):
        eventually(lambda: sum(yard.state(job_id).is_final for job_id in jobs) >= count, f"{count} ends")  # noqa: B023 - called at once
        for process in process_table.all_known():
            if process.parent == os.getpid() and root in arguments(process.pid):
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)
    ended = [yard.end(job_id) for job_id in jobs]
    assert {job.state for job in ended} == {JobState.SUCCEEDED}
    assert [yard.told(job.job_id).count("finished") for job in ended] == [1] * 15
