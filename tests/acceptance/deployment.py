"""A deployment of real processes, as an operator runs it: started, asked, killed, started again, cleaned up."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from store_client import (
    Blocking,
    CreateExperiment,
    ExperimentDetail,
    LogEvent,
    Patience,
    StaticBearer,
    Transport,
    Unreachable,
    connect_blocking,
)
from tests.acceptance import processes

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
SWITCHYARD = (sys.executable, "-m", "store_client.cli")
READY_SECONDS = 60.0
STOP_SECONDS = 30.0
LOOK_SECONDS = 0.5
"""What no event tells (a process, a file) is looked at this often."""
AWAY_SECONDS = 0.1
SOON_SECONDS = 120.0
"""Far more than anything here takes, on a slow and busy machine too."""
PATIENT = Patience(attempts=12, first_pause_seconds=0.2, longest_pause_seconds=1.0)
ENVIRONMENT = {
    name: value for name, value in os.environ.items() if not name.startswith(("SWITCHYARD_", "EDEN_", "GIT_"))
}


@dataclass
class Part:
    """One process of a deployment, started by hand."""

    process: subprocess.Popen[str]
    ready: dict[str, Any]

    def stop(self, seconds: float = STOP_SECONDS) -> int:
        """Ask it to stop; its exit status. Fails when it takes longer."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        finally:
            self.kill()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


@dataclass
class Deployment:
    """A data directory and the processes on it; `client` is its administrator's."""

    data: Path
    parts: list[Part] = field(default_factory=list)
    ready: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    """What its processes get beyond the surroundings of the tests."""
    _opened: ExitStack = field(default_factory=ExitStack)

    def up(self, *options: str, ports: tuple[int, int] = (0, 0)) -> "Deployment":
        """`switchyard up`, without the examples unless they are asked for."""
        examples = [] if "--examples" in options else ["--no-examples"]
        where = ["--port", str(ports[0]), "--control-plane-port", str(ports[1])]
        self.run("up", *where, *examples, *options)
        return self

    def run(self, *arguments: str, has_ready_line: bool = True) -> Part:
        """Start one command on this data directory and wait for its ready line."""
        command = [*SWITCHYARD, *arguments[:1], "--data", str(self.data), *arguments[1:]]
        return self._start(command, has_ready_line=has_ready_line)

    def run_module(self, module: str, *arguments: str, has_ready_line: bool = False) -> Part:
        """Start a part of which the command line says everything; most say nothing when they are ready."""
        return self._start([sys.executable, "-m", module, *arguments], has_ready_line=has_ready_line)

    def _start(self, command: list[str], *, has_ready_line: bool) -> Part:
        with self.errors.open("a", encoding="utf-8") as errors:
            process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd=ROOT,
                env=ENVIRONMENT | self.environment,
            )
        part = Part(process, {})
        self.parts.append(part)
        if has_ready_line:
            part.ready = self._ready_line(process)
            if "control_plane" in part.ready:
                self._connect(part.ready)
        return part

    @property
    def errors(self) -> Path:
        """What the processes said on standard error."""
        return self.data.with_name(self.data.name + ".errors")

    @property
    def client(self) -> Blocking:
        return self._client

    @property
    def services(self) -> dict[str, int]:
        """The processes of a running `up`, by name."""
        noted: dict[str, int] = json.loads((self.data / "services.json").read_text(encoding="utf-8"))["processes"]
        return noted

    def kill(self) -> None:
        """`kill -9` of the last process that was started; what it takes with it is not waited for."""
        self._opened.close()
        self.parts.pop().kill()

    def stop(self) -> int:
        """Ask every process to stop, the last first; the exit status of the first."""
        self._opened.close()
        statuses = [part.stop() for part in reversed(self.parts)]
        self.parts.clear()
        return statuses[-1]

    def clean_up(self) -> None:
        """Leave nothing running, whatever happened."""
        self._opened.close()
        for part in self.parts:
            part.kill()
        processes.end_all(self.data)

    def create(self, directory: Path, name: str, **more: Any) -> ExperimentDetail:
        """A new experiment from a directory."""
        body = CreateExperiment(directory=str(directory), name=name, slug=name, **more)
        made: ExperimentDetail = self.client.create_experiment(body)
        return made

    def store(self, experiment: ExperimentDetail | str) -> Any:
        """An experiment, as the administrator sees it."""
        return self.client.store(experiment if isinstance(experiment, str) else experiment.experiment_id)

    def worker(self, experiment: ExperimentDetail | str, *groups: str) -> Any:
        """An experiment, as a new worker of it in these groups sees it."""
        store = self.store(experiment)
        registered = store.register_experiment_worker("Somebody")
        for name in groups:
            (group,) = store.list_experiment_groups(name).groups
            store.add_to_experiment_group(group.group_id, registered.worker_id)
        bearer = StaticBearer(registered.worker_id, registered.registration_token)
        return self.client.store(store.experiment_id, bearer)

    def until(self, condition: Callable[[], T], what: str, seconds: float = SOON_SECONDS) -> T:
        """What the condition gives once it gives anything; asked again after every event."""
        deadline = time.monotonic() + seconds
        while True:
            cursor = _asked(self.position)
            found = _asked(condition)
            if found:
                return found
            left = deadline - time.monotonic()
            if left <= 0:
                raise AssertionError(f"not within {seconds} seconds: {what}\n{self.account()}")
            waited = cursor is not None and _asked(partial(self._wait, cursor, min(left, LOOK_SECONDS)))
            if not waited:  # nobody is there whose log could be awaited
                time.sleep(AWAY_SECONDS)

    def _wait(self, cursor: int, seconds: float) -> bool:
        self.client.read_deployment_log(cursor, seconds)
        return True

    def let_run(self, seconds: float) -> None:
        """Follow the log for so long."""
        deadline, cursor = time.monotonic() + seconds, self.position()
        while (left := deadline - time.monotonic()) > 0:
            cursor = self.client.read_deployment_log(cursor, min(left, LOOK_SECONDS)).cursor

    def event(self, after: int, type_: str, seconds: float = SOON_SECONDS, **data: Any) -> LogEvent:
        """The first event of a type, with this data, after a position."""

        def look() -> LogEvent | None:
            events = self.client.read_deployment_log(after, 0, 1000).events
            return next((each for each in events if each.type == type_ and data.items() <= each.data.items()), None)

        found = self.until(look, f"{type_} {data or ''}", seconds)
        assert found is not None
        return found

    def position(self) -> int:
        """The position of the newest event."""
        cursor: int = self.client.read_deployment_log().cursor
        return cursor

    def account(self) -> str:
        """What happened last, for whoever reads a failure."""
        events = reversed(self.client.read_deployment_log(None, 0, 15, is_newest_first=True).events)
        told = [f"{each.position} {each.type} {each.data}" for each in events]
        said = [f"{file.name}: {_tail(file)}" for file in [self.errors, *sorted(self.data.glob("logs/*"))]]
        return "\n".join([*told, *said])

    def _ready_line(self, process: subprocess.Popen[str]) -> dict[str, Any]:
        assert process.stdout is not None
        has_come, _, _ = select.select([process.stdout], [], [], READY_SECONDS)
        line = process.stdout.readline() if has_come else ""
        assert line, f"it was not ready within {READY_SECONDS} seconds, or ended before: {_tail(self.errors)}"
        said: dict[str, Any] = json.loads(line)
        self.ready = {**self.ready, **said}
        return said

    def _connect(self, ready: dict[str, Any]) -> None:
        self._opened.close()
        url = ready["control_plane"]
        bearer = StaticBearer("admin", (self.data / "admin-token").read_text(encoding="utf-8").strip())
        self._client = self._opened.enter_context(connect_blocking(url, bearer, Transport(url, PATIENT)))


def _asked(condition: Callable[[], T]) -> T | None:
    """The answer, or None while nobody is there to give one."""
    try:
        return condition()
    except Unreachable:
        return None


def _tail(file: Path, lines: int = 15) -> str:
    return "\n".join(file.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
