"""A child process of `switchyard up`, for every way in which it can behave."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from store_client.cli.door import Failed
from store_client.cli.service import TIED, Plan, Service

READY = 'import json, sys, time; print(json.dumps({"event": "ready"}), flush=True); '
STAY = READY + "time.sleep(600)"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + STAY


@asynccontextmanager
async def started(program: str, logs: Path) -> AsyncIterator[Service]:
    service = Service(Plan("web UI", ("-c", program)), logs, os.getpid())
    await service.start()
    try:
        yield service
    finally:
        await service.stop(0)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - another process makes it true
            await asyncio.sleep(0.02)


async def test_a_service_is_started_when_it_says_so(tmp_path: Path) -> None:
    async with started(STAY, tmp_path) as service:
        assert is_running(service.pid)


async def test_what_a_service_writes_after_its_ready_line_is_in_its_log(tmp_path: Path) -> None:
    program = READY + 'print("to stdout", flush=True); print("to stderr", file=sys.stderr)'
    async with started(program, tmp_path) as service:
        await service.wait()
        await until(lambda: "to stdout" in service.log.read_text())
        assert "to stderr" in service.log.read_text()


@pytest.mark.parametrize("program", ["import sys; sys.exit('no such table')", "print('no such table')"])
async def test_a_service_that_does_not_start_is_reported_with_the_end_of_its_log(program: str, tmp_path: Path) -> None:
    with pytest.raises(Failed, match="web UI did not start"):
        async with started(program, tmp_path):
            pytest.fail("it never said that it is ready")


async def test_a_service_that_ends_is_started_again(tmp_path: Path) -> None:
    warnings: list[str] = []
    restarted = asyncio.Event()
    async with started(STAY, tmp_path) as service:
        first = service.pid
        keeping = asyncio.create_task(service.keep(warnings.append, restarted.set))
        os.kill(first, signal.SIGKILL)
        await asyncio.wait_for(restarted.wait(), 60)
        keeping.cancel()
        assert service.pid != first
        assert is_running(service.pid)
    assert len(warnings) == 1
    assert str(service.log) in warnings[0]


async def test_a_service_that_does_not_listen_is_ended_all_the_same(tmp_path: Path) -> None:
    async with started(DEAF, tmp_path) as service:
        await service.stop(0.2)
        assert not is_running(service.pid)


async def test_a_service_stops_when_asked(tmp_path: Path) -> None:
    async with started(STAY, tmp_path) as service:
        await asyncio.wait_for(service.stop(600), 60)
        assert await service.wait() == -signal.SIGTERM


async def test_a_service_dies_with_its_parent_whatever_killed_that() -> None:
    parent_program = (
        "import os, subprocess, sys, time\n"
        f"tied = [sys.executable, '-I', '-S', {str(TIED)!r}, str(os.getpid())]\n"
        f"child = subprocess.Popen([*tied, sys.executable, '-c', {STAY!r}], stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    pipe = asyncio.subprocess.PIPE
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", parent_program, stdout=pipe)
    assert parent.stdout is not None
    child = int(await parent.stdout.readline())
    assert is_running(child)
    parent.kill()
    await parent.wait()
    await until(lambda: not is_running(child))


async def test_a_long_log_is_put_aside_at_the_next_start(tmp_path: Path) -> None:
    log = tmp_path / "web-ui.log"
    log.write_bytes(b"x" * 10_000_001)
    async with started(STAY, tmp_path) as service:
        assert service.log == log
        assert log.stat().st_size == 0
        assert (tmp_path / "web-ui.log.1").stat().st_size == 10_000_001
