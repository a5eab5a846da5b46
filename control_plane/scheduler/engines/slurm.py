"""The Slurm engine: attempts as jobs of a cluster, on nodes that share nothing with this machine but the network.

Our placement says which node. What Slurm gets is one script, the same for all, that starts an agent
(`store_client.runner.attempt`); the agent fetches the order of its attempt over HTTP and sends log and result back the
same way (`scheduler/spool.py`). Slurm is asked for two things only, in one call each for all jobs, by a thread beside
the loop: which of our jobs still live, and what the nodes have.
"""

import os
import select
import threading
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path

from sqlalchemy import RowMapping

from control_plane.scheduler import workspace
from control_plane.scheduler.engines.engine import Key, Placed, Way, key_of
from control_plane.scheduler.engines.lock import Lock
from control_plane.scheduler.engines.slurm_commands import Request, Slurm, SlurmFailed, SlurmSilent
from control_plane.scheduler.engines.slurm_home import Home
from control_plane.scheduler.engines.slurm_text import Entry, gres, marker, slots
from control_plane.scheduler.engines.slurm_watch import KILL_SECONDS, View, Watch
from control_plane.scheduler.operations import remote
from control_plane.scheduler.operations.attempts import Ending
from control_plane.scheduler.operations.records import spec_of
from control_plane.scheduler.ports import RepositoryPaths
from control_plane.scheduler.processes import Exit
from control_plane.scheduler.rules.board import Slot
from control_plane.scheduler.spool import Spool
from control_plane.scheduler.workspace import MachineFault, WorkspaceError
from store_client.wire.jobs import ExitCause

MARGIN_SECONDS = 900.0
"""Beyond the timeout of the command: to fetch what it needs, and to send home what it made."""
PREEMPT_SECONDS = 3600.0 + KILL_SECONDS
CLEAR_SECONDS = 2.0
PAUSE_SECONDS = 0.2
ENDED_BY_SLURM: Mapping[str, ExitCause] = {"OUT_OF_MEMORY": "out_of_memory", "TIMEOUT": "timeout"}


class SlurmEngine:
    """Submit, status, cancel, logs and capacity on a cluster."""

    name = "slurm"

    def __init__(self, slurm: Slurm, home: Home, spool: Spool, repositories: RepositoryPaths) -> None:
        self._slurm, self._home, self._spool, self._repositories = slurm, home, spool, repositories
        self._watch = Watch(
            slurm, home.deployment, self._tell, home.book.heed if home.book is not None else lambda: None
        )
        self._submitted: dict[Key, float] = {}
        self._news: set[Key] = set()
        self._lock = threading.Lock()
        self._news_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._only = Lock(spool.root)

    def take(self) -> bool:
        if not self._only.take():
            return False
        self._watch.start()
        return True

    def let_go(self) -> None:
        self._watch.stop()
        self._only.let_go()

    def arrived(self, key: Key) -> None:
        """An attempt has sent its last word."""
        self._tell([key])

    def _tell(self, keys: Collection[Key]) -> None:
        with self._lock:
            self._news.update(keys)
        with suppress(BlockingIOError):
            os.eventfd_write(self._news_fd, 1)

    def submit(self, placed: Placed) -> None:
        """Hand the attempt to Slurm, unless it is there already or is to stop.

        When Slurm is silent nobody is to blame: the attempt ends as one that we took back.
        """
        key = key_of(placed.job)
        self._spool.open(key)
        if self._spool.wish(key) is not None:
            return self._spool.conclude(key, "cancelled", "its end was asked for before it was submitted")
        wanted = self._request(placed)
        with self._lock:
            self._submitted[key] = time.monotonic()
        try:
            if not self._spool.mark_tried(key) or self._slurm.find(wanted.marker) is None:
                self._slurm.submit(wanted)
        except SlurmSilent as error:
            self._spool.stop(key, "cancel")
            self._spool.conclude(key, "preempted", f"Slurm did not answer: {error}")
        except SlurmFailed as error:
            raise WorkspaceError(f"Slurm refused it: {error}") from error
        finally:
            with self._lock:
                self._submitted[key] = time.monotonic()
        return None

    def _request(self, placed: Placed) -> Request:
        spec, key = spec_of(placed.job), key_of(placed.job)
        name = placed.slots[0].rpartition("/")[0]
        cpus = sum(1 for slot in placed.slots if slot.rpartition("/")[2].startswith("cpu:"))
        return Request(
            marker=marker(self._home.deployment, key),
            node=name,
            cpus=max(cpus, 1),
            gres=gres(placed.slots),
            memory_mib=self._memory_mib(name, max(cpus, 1), spec.resources.memory_bytes),
            seconds=spec.timeout_seconds + MARGIN_SECONDS,
            variables={
                "SWITCHYARD_PYTHON": self._home.python,
                "SWITCHYARD_URL": self._home.url,
                "SWITCHYARD_SCRATCH": self._home.scratch,
                "SWITCHYARD_JOB": key[0],
                "SWITCHYARD_ATTEMPT": str(key[1]),
                "SWITCHYARD_TICKET": self._home.ticket(*key),
            },
        )

    def _memory_mib(self, name: str, cpus: int, wanted_bytes: int) -> int:
        """What was asked for; else the node's memory in proportion to the CPUs, for without a word it is all given."""
        if wanted_bytes:
            return -(-wanted_bytes // 2**20)
        node = next((node for node in self._watch.view.nodes if node.name == name), None)
        return max(1, node.memory_mib * cpus // max(node.cpus, 1)) if node is not None else 1

    def status(self, job: RowMapping) -> Exit | bool | None:
        """By what the attempt sent last; without that, by whether Slurm still has it.

        Slurm's silence says nothing, and neither does a look that is older than the attempt.
        """
        key = key_of(job)
        view = self._watch.view
        if self._spool.has_result(key):
            return _exit()
        with self._lock:
            submitted_at = self._submitted.get(key, float("-inf"))
        if view.at <= submitted_at:
            return True
        entry = view.entries.get(key)
        if entry is not None and entry.lives:
            return self._waits_in_vain(key, entry, view) or True
        if self._spool.has_result(key):
            return _exit()
        return self._without_a_word(key, entry)

    def _waits_in_vain(self, key: Key, entry: Entry, view: View) -> Exit | None:
        """Take back what was placed on a node that gives nothing out any more, and what Slurm never starts."""
        fault = next((node.fault for node in view.nodes if node.name == entry.node), None)
        if entry.state != "PENDING" or not (fault or entry.never_starts):
            return None
        self._spool.stop(key, "cancel")
        self._watch.end(key)
        if self._spool.begun(key) is not None:
            return None
        if entry.never_starts:
            self._spool.conclude(key, "start_failed", f"Slurm took it and would never start it: {entry.reason}")
        else:
            self._spool.conclude(key, "preempted", f"it waited for {entry.node}: {fault}")
        return _exit()

    def _without_a_word(self, key: Key, entry: Entry | None) -> Exit | None:
        """What Slurm makes of an attempt that left no result; None where it does not know better either."""
        if entry is None or self._spool.begun(key) is None:
            return None
        cause = ENDED_BY_SLURM.get(entry.state)
        if cause is None:
            return None
        self._spool.conclude(key, cause, f"Slurm ended it: {entry.state.lower().replace('_', ' ')}")
        return _exit()

    def has_begun(self, job: RowMapping) -> bool:
        """Whether its agent has fetched the order."""
        return self._spool.begun(key_of(job)) is not None

    def cancel(self, job: RowMapping, way: Way = "cancel") -> None:
        self._spool.stop(key_of(job), way)
        self._watch.end(key_of(job), KILL_SECONDS if way == "cancel" else PREEMPT_SECONDS)

    def clear(self, job: RowMapping) -> bool:
        """Whether Slurm has nothing of it any more; from now on its order is refused, however late it asks.

        On a node that Slurm has lost something may run on; all that it sends is refused.
        """
        key = key_of(job)
        self._spool.stop(key, "cancel")
        deadline = time.monotonic() + CLEAR_SECONDS
        try:
            while (entry := self._watch.look().entries.get(key)) is not None and entry.lives:
                self._slurm.cancel([entry.number])
                if time.monotonic() > deadline:
                    return False
                time.sleep(PAUSE_SECONDS)
        except SlurmFailed:
            return False
        return True

    def bring_back(self, job: RowMapping, exit_: Exit) -> Ending:  # noqa: ARG002 - the result says more
        """What the attempt sent; a commit of its own branch becomes the branch that the job publishes."""
        key, spec = key_of(job), spec_of(job)
        told = self._spool.result(key)
        files = {name: text for name, text in told.files.items() if name in spec.collect or name.startswith("file://")}
        result: dict[str, object] = {"files": files}
        if told.stdout is not None:
            result["stdout"] = told.stdout
        if told.cause == "finished" and spec.publish is not None and told.published_commit is not None:
            repository, commit = self._repositories.path(job["experiment_id"]), told.published_commit
            try:
                workspace.accept(repository, remote.branch(*key), spec.publish, commit)
                commit = workspace.join(repository, spec.publish, commit, spec.parents, job["submitted_by"])
            except MachineFault:  # what it made is kept, and published once there is room
                raise
            except WorkspaceError as error:
                return Ending("user_error", told.exit_code, f"its result could not be published: {error}", result)
            result["published_commit"] = commit
        return Ending(told.cause, told.exit_code, told.detail, result)

    def tidy(self, job: RowMapping) -> None:
        self.remove(key_of(job))

    def workspaces(self) -> list[Key]:
        """The attempts whose result or branch is still kept."""
        return list(self._spool.untidy())

    def remove(self, key: Key) -> None:
        begun = self._spool.begun(key)
        if begun is not None:
            workspace.drop(self._repositories.path(str(begun["experiment_id"])), remote.branch(*key))
        self._spool.tidy(key)
        with self._lock:
            self._submitted.pop(key, None)

    def log(self, job_id: str, attempt: int) -> Path:
        return self._spool.of((job_id, attempt)) / "log"

    def wait(self, seconds: float, wake_fd: int, leave: Callable[[Key], bool]) -> Collection[Key]:
        """Sleep until attempts have sent their last word or vanished; the descriptor wakes us, or the time is over."""
        poll = select.poll()
        for descriptor in (wake_fd, self._news_fd):
            poll.register(descriptor, select.POLLIN)
        poll.poll(1000 * seconds)
        with suppress(BlockingIOError):
            os.eventfd_read(self._news_fd)
        with self._lock:
            told = {key for key in self._news if not leave(key)}
            self._news -= told
        return told

    def wait_for_all(self, seconds: float) -> None:
        """Sleep until none of ours lives, or the time is over."""
        deadline = time.monotonic() + seconds
        while any(entry.lives for entry in self._watch.view.entries.values()) and time.monotonic() < deadline:
            time.sleep(PAUSE_SECONDS)

    def capacity(self, held: Collection[str]) -> list[Slot]:
        """Every slot of the cluster as it was last seen; none is given out while Slurm does not answer."""
        view = self._watch.view
        found = slots(view.nodes, view.entries.values(), held)
        if self._watch.is_stale:
            found = [_withheld(slot) for slot in found]
        found = self._home.book.keep_back(found)
        if view.nodes:
            self._home.book.note(found)
        return found


def _withheld(slot: Slot) -> Slot:
    return Slot(slot.slot_id, slot.kind, None, "quarantined", slot.node, why="Slurm does not answer")


def _exit() -> Exit:
    """That there is a result; all it says is read when it is brought back."""
    return Exit("exited", None, None, None, "", "", 0.0, 0.0, 0, 0, 0, 0)
