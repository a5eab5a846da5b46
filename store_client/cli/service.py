"""One process of a deployment: started, waited for, started again when it ends, stopped."""

import asyncio
import json
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import IO, Any

from store_client.cli.door import Failed

TIED = Path(__file__).with_name("tied.py")
READY_SECONDS = 60.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, STEADY_SECONDS = 0.5, 30.0, 60.0
MAX_LOG_BYTES = 10_000_000


@dataclass(frozen=True)
class Plan:
    """What a service runs; `has_ready_line` when it prints a line of JSON once it serves."""

    name: str
    arguments: tuple[str, ...]
    has_ready_line: bool = True


class Service:
    """A child process that dies with this one; what it writes goes to its log."""

    def __init__(self, plan: Plan, logs: Path, parent: int) -> None:
        self.plan = plan
        self.log = logs / f"{plan.name.replace(' ', '-').lower()}.log"
        self._parent = parent
        self._process: asyncio.subprocess.Process | None = None
        self._copying: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    async def start(self) -> None:
        """Start the process and wait until it is ready; Failed, with the end of its log, when it does not get there."""
        _rotate(self.log)
        command = (sys.executable, "-I", "-S", str(TIED), str(self._parent), sys.executable, *self.plan.arguments)
        with self.log.open("ab") as log:
            out = asyncio.subprocess.PIPE if self.plan.has_ready_line else log
            self._process = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.DEVNULL, stdout=out, stderr=log, start_new_session=True
            )
        if self._process.stdout is not None:
            await self._wait_until_ready(self._process.stdout)
            self._copying = asyncio.create_task(_copy(self._process.stdout, self.log))

    async def _wait_until_ready(self, stdout: asyncio.StreamReader) -> None:
        try:
            line = await asyncio.wait_for(stdout.readline(), READY_SECONDS)
            ready: Any = json.loads(line)
            if ready["event"] != "ready":
                raise Failed(self._did_not_start())
        except (TimeoutError, ValueError, KeyError, TypeError) as error:
            await self.stop(0)
            raise Failed(self._did_not_start()) from error

    def _did_not_start(self) -> str:
        return f"the {self.plan.name} did not start; the end of {self.log}:\n{_tail(self.log)}"

    async def wait(self) -> int:
        """The exit status, once the process has ended."""
        return await self._process.wait() if self._process else 0

    async def keep(self, warn: Callable[[str], None], restarted: Callable[[], None]) -> None:
        """Start the process again whenever it ends, after a pause that grows while it keeps ending soon."""
        pause = FIRST_PAUSE_SECONDS
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            status = await self.wait()
            pause = FIRST_PAUSE_SECONDS if loop.time() - began > STEADY_SECONDS else pause
            warn(f"the {self.plan.name} ended with status {status} and is started again; its log is {self.log}")
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            with suppress(Failed):
                await self.start()
                restarted()

    async def stop(self, seconds: float) -> None:
        """Ask the process to end, and end it after so long."""
        if self._process is None or self._process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            self._process.send_signal(SIGTERM if seconds else SIGKILL)
        try:
            await asyncio.wait_for(self._process.wait(), seconds or None)
        except TimeoutError:
            with suppress(ProcessLookupError):
                self._process.send_signal(SIGKILL)
            await self._process.wait()
        if self._copying is not None:
            await self._copying


async def _copy(source: asyncio.StreamReader, log: Path) -> None:
    """Append the rest of a process's standard output to its log."""
    while chunk := await source.read(65_536):
        with log.open("ab") as file:
            _write(file, chunk)


def _write(file: IO[bytes], chunk: bytes) -> None:
    with suppress(OSError):  # a full disk must not stop the process behind the pipe
        file.write(chunk)
        file.flush()


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > MAX_LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))


def _tail(log: Path, lines: int = 12) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
