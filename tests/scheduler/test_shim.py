"""What becomes of one command under the shim."""

import hashlib
import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from control_plane.scheduler import processes
from control_plane.scheduler.shim import process_table
from tests.scheduler.attempts import DAEMON, Bench, bench, eventually, is_running


@pytest.fixture
def attempt(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as made:
        yield made


@pytest.mark.parametrize("code", [0, 3, 255])
def test_an_exit_code_is_recorded(attempt: Bench, code: int) -> None:
    ended = attempt.end(attempt.shell(f"exit {code}"))
    assert (ended.cause, ended.exit_code, ended.signal) == ("exited", code, None)


def test_a_signal_is_recorded_as_one_and_not_as_a_code(attempt: Bench) -> None:
    ended = attempt.end(attempt.shell("kill -SEGV $$"))
    assert (ended.cause, ended.exit_code, ended.signal) == ("exited", None, signal.SIGSEGV)


def test_times_and_usage_are_recorded(attempt: Bench) -> None:
    ended = attempt.end(attempt.python("b = bytearray(64 << 20)\nn = 0\nwhile n < 2_000_000: n += 1"))
    assert ended.started_at < ended.ended_at
    assert len(ended.ended_at) == len("2026-01-01T00:00:00.000000Z")
    assert ended.max_rss_bytes > 64 << 20
    assert ended.user_seconds > 0


def test_a_program_that_is_not_there_is_a_failed_start_with_its_name(attempt: Bench) -> None:
    ended = attempt.end(attempt.start("/nowhere/program"))
    assert (ended.cause, ended.exit_code, ended.error) == (
        "start_failed",
        None,
        "No such file or directory: /nowhere/program",
    )


def test_a_working_directory_that_is_not_there_is_a_failed_start(attempt: Bench) -> None:
    ended = attempt.end(attempt.start("/bin/true", cwd=Path("/nowhere")))
    assert (ended.cause, ended.error) == ("start_failed", "No such file or directory: /nowhere")


def test_the_environment_is_the_one_given_and_the_marker(attempt: Bench) -> None:
    attempt.end(attempt.start("/usr/bin/env", env={"A": "1", "B": "two words"}))
    assert sorted(attempt.read("log").splitlines()) == [
        "A=1",
        "B=two words",
        f"SWITCHYARD_ATTEMPT={attempt.plain.marker}",
    ]


def test_the_command_inherits_three_descriptors_and_default_signals(attempt: Bench) -> None:
    leaked = os.open("/etc/passwd", os.O_RDONLY)
    os.set_inheritable(leaked, True)
    before = signal.signal(signal.SIGQUIT, signal.SIG_IGN)  # as it is in what a shell starts behind itself
    attempt.end(attempt.shell("ls /proc/$$/fd; grep SigIgn /proc/$$/status"))
    signal.signal(signal.SIGQUIT, before)
    os.close(leaked)
    *descriptors, _, ignored = attempt.read("log").split()
    assert descriptors == ["0", "1", "2"]
    assert int(ignored, 16) & 0x7FFFFFFF == 0  # above are the C library's own


def test_the_command_is_niced(attempt: Bench) -> None:
    attempt.end(attempt.start("/usr/bin/nice", nice=7))
    assert attempt.read("log") == f"{os.nice(0) + 7}\n"


def test_stdin_text_is_delivered_and_ends(attempt: Bench) -> None:
    attempt.end(attempt.shell("cat; echo end", stdin="ein Gruß\n" * 20_000))
    assert attempt.read("log") == "ein Gruß\n" * 20_000 + "end\n"


def test_without_stdin_text_there_is_nothing_to_read(attempt: Bench) -> None:
    assert attempt.end(attempt.shell("cat")).exit_code == 0
    assert attempt.read("log") == ""


def test_merged_output_keeps_its_order(attempt: Bench) -> None:
    attempt.end(attempt.shell("i=0; while [ $i -lt 200 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done"))
    assert attempt.read("log") == "".join(f"out {i}\nerr {i}\n" for i in range(200))
    assert not (attempt.directory / "stdout").exists()


def test_separate_stdout_stands_alone_and_in_the_log(attempt: Bench) -> None:
    attempt.end(attempt.shell("echo result; echo remark >&2", separate_stdout=True))
    assert attempt.read("stdout") == "result\n"
    assert sorted(attempt.read("log").splitlines()) == ["remark", "result"]


def test_output_can_be_read_while_the_command_runs(attempt: Bench) -> None:
    handle = attempt.shell("mkfifo go; echo begun; touch ready; cat go")
    attempt.await_file("ready")
    eventually(lambda: attempt.read("log") == "begun\n", "the first line")
    (attempt.cwd / "go").write_text("on\n")
    attempt.end(handle)
    assert attempt.read("log") == "begun\non\n"


def test_a_log_beyond_its_limit_keeps_its_beginning_and_its_end_and_says_so(attempt: Bench) -> None:
    ended = attempt.end(attempt.shell("seq 1 200000", log_limit_bytes=40_000, separate_stdout=True))
    log = attempt.read("log")
    assert log.startswith("1\n2\n3\n")
    assert "[switchyard: log truncated; its last 10000 bytes follow at the end]" in log
    assert log.endswith("199999\n200000\n")
    assert len(log) < 40_000 + 200
    assert ended.log_left_out_bytes == sum(len(f"{n}\n") for n in range(1, 200_001)) - 40_000
    assert len(attempt.read("stdout")) == 40_000
    assert ended.stdout_left_out_bytes == ended.log_left_out_bytes


def test_a_log_just_at_its_limit_is_whole(attempt: Bench) -> None:
    ended = attempt.end(attempt.shell("printf %0100d 7", log_limit_bytes=100, separate_stdout=True))
    assert ended.stdout_left_out_bytes == ended.log_left_out_bytes == 0
    assert len(attempt.read("stdout")) == 100


def test_closing_stdout_early_is_not_the_end(attempt: Bench) -> None:
    handle = attempt.shell("mkfifo go; exec >&- 2>&-; touch closed; read line < go; exit 7", log_limit_bytes=1000)
    attempt.await_file("closed")
    assert processes.wait([handle], 0.3) == frozenset()
    assert processes.read_exit(attempt.directory) is None
    (attempt.cwd / "go").write_text("on\n")
    assert attempt.end(handle).exit_code == 7


def test_at_the_timeout_a_daemon_in_a_session_of_its_own_dies_too(attempt: Bench) -> None:
    ended = attempt.end(attempt.python(DAEMON + "time.sleep(600)", timeout_seconds=2.0, grace_seconds=5.0))
    assert ended.cause == "timed_out"
    assert not is_running(int(attempt.await_file("daemon")))


def test_a_command_that_ends_itself_leaves_nobody_behind(attempt: Bench) -> None:
    ended = attempt.end(attempt.python(DAEMON + "sys.exit(4)"))
    assert (ended.cause, ended.exit_code, ended.leftovers) == ("exited", 4, 1)
    assert not is_running(int(attempt.await_file("daemon")))


def test_a_command_that_ignores_sigterm_dies_after_the_grace(attempt: Bench) -> None:
    script = "trap 'echo asked' TERM; while :; do sleep 0.05; done"
    ended = attempt.end(attempt.shell(script, timeout_seconds=1.0, grace_seconds=0.5))
    assert (ended.cause, ended.exit_code, ended.signal) == ("timed_out", None, signal.SIGKILL)
    assert "asked\n" in attempt.read("log")


def test_a_command_that_obeys_sigterm_is_not_made_to_wait_for_the_grace(attempt: Bench) -> None:
    begun = time.monotonic()
    script = "trap 'echo tidied; exit 5' TERM; touch ready; while :; do sleep 0.05; done"
    ended = attempt.end(attempt.shell(script, timeout_seconds=1.0, grace_seconds=60.0))
    assert (ended.cause, ended.exit_code, ended.signal) == ("timed_out", 5, None)
    assert attempt.read("log").endswith("tidied\n")
    assert time.monotonic() - begun < 45


def test_a_family_that_forks_faster_than_anyone_can_look_dies(attempt: Bench) -> None:
    chain = "import os\nfor n in range(50_000):\n    if os.fork(): os._exit(0)\nopen('outlived', 'w')"
    ended = attempt.end(attempt.python(chain, grace_seconds=0.0))
    assert ended.cause == "exited"
    assert not (attempt.cwd / "outlived").exists()


def test_a_process_whose_first_thread_has_ended_still_dies(attempt: Bench) -> None:
    program = """
import ctypes, threading, time
threading.Thread(target=time.sleep, args=(600,)).start()
print("threads run", flush=True)
ctypes.CDLL(None).pthread_exit(None)
"""
    ended = attempt.end(attempt.python(program, timeout_seconds=2.0, grace_seconds=60.0))
    assert attempt.read("log") == "threads run\n"
    assert ended.cause == "timed_out"


def test_asking_to_stop_cancels_at_once(attempt: Bench) -> None:
    handle = attempt.shell("trap 'exit 0' TERM; touch ready; while :; do sleep 0.05; done", grace_seconds=60.0)
    attempt.await_file("ready")
    begun = time.monotonic()
    processes.ask_to_stop(attempt.directory)
    ended = attempt.end(handle)
    assert (ended.cause, ended.exit_code) == ("cancelled", 0)
    assert time.monotonic() - begun < 45


def test_the_cancel_file_alone_cancels(attempt: Bench) -> None:
    handle = attempt.shell("touch ready; exec sleep 600")
    attempt.await_file("ready")
    (attempt.directory / "cancel").touch()
    assert attempt.end(handle).cause == "cancelled"


def test_a_signal_to_the_shim_alone_cancels(attempt: Bench) -> None:
    handle = attempt.shell("touch ready; exec sleep 600")
    attempt.await_file("ready")
    os.kill(handle.pid, signal.SIGTERM)
    assert attempt.end(handle).cause == "cancelled"


def test_an_attempt_cancelled_before_its_start_never_starts(attempt: Bench) -> None:
    attempt.directory.mkdir()
    processes.ask_to_stop(attempt.directory)
    assert attempt.end(attempt.shell("touch started")).cause == "cancelled"
    assert not (attempt.cwd / "started").exists()


def test_secrets_reach_the_command_and_neither_disk_nor_argv(attempt: Bench) -> None:
    secret = "s3cret-" + os.urandom(8).hex()
    handle = attempt.shell('printf %s "$TOKEN" | sha256sum; mkfifo go; touch ready; cat go', secrets={"TOKEN": secret})
    attempt.await_file("ready")
    for arguments in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(FileNotFoundError, ProcessLookupError):
            assert secret.encode() not in process_table.read_bytes(str(arguments)), arguments
    assert secret.encode() not in process_table.read_bytes(f"/proc/{handle.pid}/environ")
    for descriptor in Path(f"/proc/{handle.pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # the shim closes what it has looked at
            assert "memfd" not in str(descriptor.readlink())
    (attempt.cwd / "go").write_text("")
    attempt.end(handle)
    assert attempt.read("log").split()[0] == hashlib.sha256(secret.encode()).hexdigest()
    kept = [path.read_bytes() for path in attempt.directory.parent.rglob("*") if path.is_file()]
    assert kept
    assert not any(secret.encode() in data for data in kept)
    assert secret not in repr(processes.Launch((), attempt.cwd, {}, "j/1", secrets={"TOKEN": secret}))


def test_a_kill_for_want_of_memory_is_told_from_others(attempt: Bench) -> None:
    cgroup = Path("/sys/fs/cgroup/memory") / attempt.directory.parent.name
    try:
        cgroup.mkdir()
        (cgroup / "memory.limit_in_bytes").write_text(str(48 << 20))
    except OSError:
        pytest.skip("no memory cgroup may be made here")
    try:
        program = f"open('{cgroup}/cgroup.procs', 'w').write('0')\nb = bytearray(256 << 20)"
        ended = attempt.end(attempt.python(program))
    finally:
        eventually(lambda: not (cgroup / "cgroup.procs").read_text(), "an empty cgroup")
        cgroup.rmdir()
    assert (ended.cause, ended.signal) == ("out_of_memory", signal.SIGKILL)
