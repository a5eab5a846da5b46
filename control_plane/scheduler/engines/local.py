"""The local engine: attempts as processes of this machine, each under its shim, in a workspace of its own."""

import fcntl
import os
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import RowMapping

from control_plane.scheduler import processes, workspace
from control_plane.scheduler.engines.engine import Key, Placed, Way, key_of
from control_plane.scheduler.inventory import Inventory
from control_plane.scheduler.operations.attempts import Ending
from control_plane.scheduler.operations.records import spec_of
from control_plane.scheduler.ports import RepositoryPaths
from control_plane.scheduler.processes import Exit, Handle
from control_plane.scheduler.rules.board import Slot
from control_plane.scheduler.shim import records
from control_plane.scheduler.workspace import WorkspaceError
from store_client.errors import SwitchyardError
from store_client.wire.jobs import ExitCause, SubmitJob

COLLECT_BYTES = 1024 * 1024
GRACE_SECONDS = 5.0
NICE = 5
CAUSES: Mapping[str, ExitCause] = {
    "timed_out": "timeout",
    "cancelled": "cancelled",
    "start_failed": "start_failed",
    "out_of_memory": "out_of_memory",
}


@dataclass
class LocalEngine:
    """Submit, status, cancel, logs and capacity on this machine."""

    root: Path
    repositories: RepositoryPaths
    handles: dict[Key, Handle] = field(default_factory=dict)
    inventory: Inventory = field(default_factory=lambda: Inventory(1))
    name: str = "local"
    _lock_fd: int | None = None
    _driver: ExitStack = field(default_factory=ExitStack, repr=False)

    def take(self) -> bool:
        """Whether this scheduler is the only one that works in `root`; it stays so until it lets go or ends."""
        if self._lock_fd is None:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock_fd = _locked(self.root / ".lock")
            if self._lock_fd is not None:
                self._driver.enter_context(self.inventory.open())
        return self._lock_fd is not None

    def let_go(self) -> None:
        if self._lock_fd is not None:
            self._driver.close()
            os.close(self._lock_fd)
            self._lock_fd = None

    def directory(self, job_id: str, attempt: int) -> Path:
        return self.root / job_id / str(attempt)

    def of(self, job: RowMapping) -> Path:
        return self.directory(job["job_id"], job["attempt"])

    def submit(self, placed: Placed) -> None:
        """Prepare the workspace and launch the attempt; what cannot be prepared raises WorkspaceError."""
        spec, directory = spec_of(placed.job), self.of(placed.job)
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        repository = self.repositories.path(placed.job["experiment_id"])
        made = workspace.prepare(
            directory, repository, placed.job["commit_sha"], placed.job["base_commit_sha"], spec.files
        )
        launch = processes.Launch(
            argv=spec.command,
            cwd=made.work,
            env=workspace.environment(made, {**spec.environment, **_variables(placed, spec)}),
            marker=placed.marker,
            timeout_seconds=spec.timeout_seconds,
            grace_seconds=GRACE_SECONDS,
            stdin=spec.stdin,
            separate_stdout=spec.is_stdout_kept,
            nice=NICE,
        )
        self.handles[key_of(placed.job)] = processes.launch(directory, launch)

    def status(self, job: RowMapping) -> Exit | bool | None:
        """The exit record of an ended attempt, True while it lives, None when it is gone without a record.

        A shim that an earlier scheduler started is found and adopted.
        """
        directory, handle = self.of(job), self.handles.get(key_of(job))
        if handle is None:
            handle = processes.find(directory)
        if handle is not None:
            self.handles[key_of(job)] = handle
        return True if handle is not None and processes.is_alive(handle) else processes.read_exit(directory)

    def has_begun(self, job: RowMapping) -> bool:
        """Whether the attempt's command was ever started."""
        return "command_pid" in (records.read_json(self.of(job) / records.STARTED) or {})

    def cancel(self, job: RowMapping, way: Way = "cancel") -> None:  # noqa: ARG002 - both are stopped alike so far
        """Ask an attempt to stop, also one that is yet to be launched; asking twice is asking once."""
        self.of(job).mkdir(mode=0o700, parents=True, exist_ok=True)
        processes.ask_to_stop(self.of(job))

    def clear(self, job: RowMapping) -> bool:
        """Whether nothing of an attempt without an exit record runs any more, or will; what is left is killed."""
        directory = self.of(job)
        if directory.is_dir():
            processes.fence(directory)
        return not processes.kill_leftovers(f"{job['job_id']}/{job['attempt']}", directory)

    def bring_back(self, job: RowMapping, exit_: Exit) -> Ending:
        """What an ended attempt left: collected files, kept output, and the commit it publishes."""
        spec, directory = spec_of(job), self.of(job)
        cause = CAUSES.get(exit_.cause) or ("finished" if exit_.exit_code == 0 else "user_error")
        result: dict[str, object] = {"files": workspace.collect(directory, spec.collect, COLLECT_BYTES)}
        if spec.is_stdout_kept:
            result["stdout"] = _text(directory / "stdout", COLLECT_BYTES)
        if cause == "finished" and spec.publish is not None:
            try:
                result["published_commit"] = self._publish(job, spec)
            except (WorkspaceError, SwitchyardError) as error:
                return Ending("user_error", exit_.exit_code, f"its result could not be published: {error}", result)
        return Ending(cause, exit_.exit_code, exit_.error, result)

    def _publish(self, job: RowMapping, spec: SubmitJob) -> str | None:
        repository = self.repositories.path(job["experiment_id"])
        return workspace.publish(self.of(job), repository, spec.publish or "", f"{spec.name}\n", job["submitted_by"])

    def tidy(self, job: RowMapping) -> None:
        """Remove the workspace; log and records stay."""
        self.handles.pop(key_of(job), None)
        self.remove(key_of(job))

    def workspaces(self) -> list[Key]:
        """The attempts that still have a workspace."""
        return [
            (found.parent.parent.name, int(found.parent.name))
            for found in self.root.glob("job_*/*/work")
            if found.parent.name.isdecimal()
        ]

    def remove(self, key: Key) -> None:
        workspace.remove(self.directory(*key))

    def wait_for_all(self, seconds: float) -> None:
        """Sleep until no attempt of ours lives, or the time is over."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            living = [handle for handle in list(self.handles.values()) if processes.is_alive(handle)]
            if not living:
                return
            processes.wait(living, left)

    def wait(self, seconds: float, wake_fd: int, leave: Callable[[Key], bool]) -> Collection[Key]:
        """Sleep until attempts end, save those to leave alone; the descriptor wakes us, or the time is over."""
        watched = {key: handle for key, handle in list(self.handles.items()) if not leave(key)}
        ended = set(processes.wait(list(watched.values()), seconds, wake_fd))
        return [key for key, handle in watched.items() if handle in ended]

    def log(self, job_id: str, attempt: int) -> Path:
        """Where the log of an attempt is, or will be."""
        return self.directory(job_id, attempt) / records.LOG

    def capacity(self, held: Collection[str]) -> list[Slot]:
        """Every slot of this machine; `held` are those that we gave out."""
        return self.inventory.look(held)[0]


def _locked(path: Path) -> int | None:
    """A descriptor that holds the lock of a file; None while somebody else does."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _variables(placed: Placed, spec: SubmitJob) -> dict[str, str]:
    """What the command is told about itself, beyond the fixed variables."""
    gpus = [slot for slot in placed.slots if not slot.startswith("cpu:")]
    written = next((name for name in (".eden/task.json", ".eden/eval-task.json") if name in spec.files), None)
    outcome = next((name for name in spec.collect if name.startswith(".eden/")), None)
    variables = {
        "EDEN_WORKER_ID": str(placed.job["submitted_by"]),
        "EDEN_EXPERIMENT_ID": str(placed.job["experiment_id"]),
        "OMP_NUM_THREADS": str(len(placed.slots) - len(gpus) or 1),
        "CUDA_VISIBLE_DEVICES": ",".join(gpus),
        "SWITCHYARD_JOB": str(placed.job["number"]),
    }
    if written is not None:
        variables["EDEN_TASK_JSON"] = written
    if outcome is not None:
        variables["EDEN_OUTPUT"] = outcome
    return variables


def _text(path: Path, limit: int) -> str:
    try:
        with path.open("rb") as file:
            return file.read(limit).decode("utf-8", "replace")
    except OSError:
        return ""
