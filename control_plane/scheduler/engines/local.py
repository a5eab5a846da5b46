"""The local engine: attempts as processes of this machine, each under its shim, in a workspace of its own."""

import os
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import RowMapping

from control_plane.scheduler import processes, workspace
from control_plane.scheduler.engines.engine import Key, Placed, Way, key_of
from control_plane.scheduler.engines.lock import Lock
from control_plane.scheduler.engines.outcomes import named_commit
from control_plane.scheduler.engines.variables import Places, variables
from control_plane.scheduler.inventory import Inventory
from control_plane.scheduler.keeping import CHECKPOINTS, Keeping, trim
from control_plane.scheduler.leftovers import kill_leftovers
from control_plane.scheduler.nursery import Nursery
from control_plane.scheduler.operations.attempts import Ending
from control_plane.scheduler.operations.records import spec_of
from control_plane.scheduler.ports import RepositoryPaths
from control_plane.scheduler.processes import Exit, Handle
from control_plane.scheduler.rules.board import Slot
from control_plane.scheduler.rules.exits import memory_complaint
from control_plane.scheduler.shim import records
from control_plane.scheduler.shim.cgroup import hand_down, own_folder, sweep
from control_plane.scheduler.workspace import MachineFault, WorkspaceError
from store_client.errors import SwitchyardError
from store_client.wire.jobs import ExitCause, SubmitJob

COLLECT_BYTES = 1024 * 1024
TAIL_BYTES = 16 * 1024
GRACE_SECONDS = 5.0
NICE = 5
CAUSES: Mapping[str, ExitCause] = {
    "timed_out": "timeout",
    "cancelled": "cancelled",
    "start_failed": "start_failed",
    "out_of_memory": "out_of_memory",
    "preempted": "preempted",
}


def no_secrets(_job: RowMapping) -> Mapping[str, str]:
    """What a command is told in secret where nobody makes secrets."""
    return {}


@dataclass
class LocalEngine:
    """Submit, status, cancel, logs and capacity on this machine."""

    root: Path
    repositories: RepositoryPaths
    inventory: Inventory = field(default_factory=lambda: Inventory(1))
    keeping: Keeping = field(default_factory=Keeping)
    nursery: Nursery | None = None
    """What starts the shims; None where one at a time is started, and a fresh interpreter does as well."""
    handles: dict[Key, Handle] = field(default_factory=dict)
    cgroups: Path | None = field(default_factory=own_folder)
    """Where the control group of each attempt is made, if the machine lets us."""
    secrets: Callable[[RowMapping], Mapping[str, str]] = no_secrets
    """What the command of an attempt is told beside its environment; it lies in no file."""
    url: str | None = None
    """Where commands reach the API, as far as it is known."""
    name: str = "local"
    _is_open: bool = False
    _driver: ExitStack = field(default_factory=ExitStack, repr=False)

    def __post_init__(self) -> None:
        self._lock = Lock(self.root)

    def take(self) -> bool:
        """Whether this scheduler is the only one that works in `root`; it stays so until it lets go or ends."""
        if not self._is_open and self._lock.take():
            self._is_open = True
            self._driver.enter_context(self.inventory.open())
            if self.nursery is not None:
                self.nursery.open()
            if self.cgroups is not None:
                hand_down(self.cgroups)
                sweep(self.cgroups)
        return self._is_open

    def let_go(self) -> None:
        if self.nursery is not None:
            self.nursery.close()
        self._driver.close()
        self._lock.let_go()
        self._is_open = False

    def directory(self, job_id: str, attempt: int) -> Path:
        return self.root / job_id / str(attempt)

    def of(self, job: RowMapping) -> Path:
        return self.directory(job["job_id"], job["attempt"])

    def submit(self, placed: Placed) -> None:
        """Prepare the workspace and launch the attempt; what cannot be prepared raises WorkspaceError."""
        spec, directory = spec_of(placed.job), self.of(placed.job)
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        places = self._places(placed.job)
        places.checkpoints.mkdir(mode=0o700, exist_ok=True)
        repository = self.repositories.path(placed.job["experiment_id"])
        made = workspace.prepare(
            directory, repository, placed.job["commit_sha"], placed.job["base_commit_sha"], spec.files
        )
        told = {**spec.environment, **variables(placed, spec, places, self._gpu_memory(spec)), **self._ways(placed.job)}
        launch = processes.Launch(
            argv=spec.command,
            cwd=made.work,
            env=workspace.environment(made, told),
            marker=placed.marker,
            timeout_seconds=spec.timeout_seconds,
            idle_timeout_seconds=spec.idle_timeout_seconds,
            grace_seconds=GRACE_SECONDS,
            preempt_signal=told["SWITCHYARD_PREEMPT_SIGNAL"],
            preempt_grace_seconds=spec.preemption.grace_seconds if spec.preemption else GRACE_SECONDS,
            memory_bytes=spec.resources.memory_bytes,
            cgroups=self.cgroups,
            stdin=spec.stdin,
            separate_stdout=spec.is_stdout_kept,
            nice=NICE,
            secrets=self.secrets(placed.job),
        )
        self.inventory.occupied(key_of(placed.job), placed.slots)
        self.handles[key_of(placed.job)] = processes.launch(directory, launch, self.nursery)

    def _ways(self, job: RowMapping) -> dict[str, str]:
        """Where a role's command, which has a credential, may leave files, and look around."""
        if self.url is None or job["task_id"] is None:
            return {}
        store = f"{self.url}/v0/experiments/{job['experiment_id']}"
        return {"EDEN_ARTIFACT_URL": f"{store}/artifacts", "EDEN_READONLY_STORE_URL": store}

    def _places(self, job: RowMapping) -> Places:
        return Places(self.of(job) / records.PROGRESS, self.root / job["job_id"] / CHECKPOINTS)

    def _gpu_memory(self, spec: SubmitJob) -> Mapping[str, int | None]:
        """The memory of each slot, looked at only for one who gets a part of it."""
        slots = self.inventory.sight().slots if spec.resources.gpu_share is not None else ()
        return {slot.slot_id: slot.memory_bytes for slot in slots}

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

    def cancel(self, job: RowMapping, way: Way = "cancel") -> None:
        """Ask an attempt to stop, also one that is yet to be launched; asking twice is asking once."""
        self.of(job).mkdir(mode=0o700, parents=True, exist_ok=True)
        ask = processes.ask_to_give_way if way == "preempt" else processes.ask_to_stop
        ask(self.of(job))

    def clear(self, job: RowMapping) -> bool:
        """Whether nothing of an attempt without an exit record runs any more, or will; what is left is killed."""
        directory = self.of(job)
        if directory.is_dir():
            processes.fence(directory)
        is_clear = not kill_leftovers(f"{job['job_id']}/{job['attempt']}", directory)
        if is_clear:
            self.inventory.left(key_of(job))
        return is_clear

    def bring_back(self, job: RowMapping, exit_: Exit) -> Ending:
        """What an ended attempt left: collected files, kept output, and the commit it publishes."""
        self.inventory.left(key_of(job))
        spec, directory = spec_of(job), self.of(job)
        cause, detail = self._how(job, exit_)
        found = workspace.collect(directory, spec.collect, COLLECT_BYTES)
        stdout = _text(directory / "stdout", COLLECT_BYTES) if spec.is_stdout_kept else None
        cited = workspace.cited(directory, [*found.values(), stdout or ""], COLLECT_BYTES)
        result: dict[str, object] = {"files": found | cited, "peak_memory_bytes": exit_.peak_memory_bytes or None}
        if stdout is not None:
            result["stdout"] = stdout
        if cause == "finished" and spec.publish is not None:
            try:
                result["published_commit"] = self._publish(job, spec, named_commit(found))
            except MachineFault:  # what it made is kept, and published once the machine lets us
                raise
            except (WorkspaceError, SwitchyardError) as error:
                return Ending("user_error", exit_.exit_code, f"its result could not be published: {error}", result)
        return Ending(cause, exit_.exit_code, detail, result)

    def _how(self, job: RowMapping, exit_: Exit) -> tuple[ExitCause, str | None]:
        """The cause of an end and what there is to say about it; a command that fails may tell it by its last words."""
        if exit_.cause in CAUSES:
            return CAUSES[exit_.cause], exit_.error
        if exit_.exit_code == 0:
            return "finished", exit_.error
        complaint = memory_complaint(_tail(self.log(*key_of(job)), TAIL_BYTES))
        return ("out_of_memory", complaint) if complaint else ("user_error", exit_.error)

    def _publish(self, job: RowMapping, spec: SubmitJob, named: str | None) -> str | None:
        """The commit that the command named, where it is another than HEAD; else HEAD with what is uncommitted."""
        repository, branch, author = (
            self.repositories.path(job["experiment_id"]),
            spec.publish or "",
            job["submitted_by"],
        )
        commit = named and workspace.publish_named(self.of(job), repository, branch, named)
        commit = commit or workspace.publish(self.of(job), repository, branch, f"{spec.name}\n", author)
        return commit and workspace.join(repository, branch, commit, spec.parents, author)

    def tidy(self, job: RowMapping) -> None:
        """Remove the workspace; log, records and checkpoints stay, the last up to their limit."""
        self.handles.pop(key_of(job), None)
        self.remove(key_of(job))
        trim(self._places(job).checkpoints, self.keeping.checkpoint_bytes)

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

    def capacity(self, held: Collection[str]) -> Sequence[Slot]:
        """Every slot of this machine; `held` are those that we gave out."""
        return self.inventory.capacity(held)


def _tail(path: Path, most_bytes: int) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - most_bytes, 0))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def _text(path: Path, limit: int) -> str:
    try:
        with path.open("rb") as file:
            return file.read(limit).decode("utf-8", "replace")
    except OSError:
        return ""
