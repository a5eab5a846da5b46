"""A real house with one experiment, its real repository, and the queue over both."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select

from control_plane.db import log
from control_plane.scheduler.engines.local import LocalEngine
from control_plane.scheduler.inventory import Inventory
from control_plane.scheduler.loop import Scheduler
from control_plane.scheduler.nursery import Nursery
from control_plane.scheduler.operations import attempts, listing, submit
from control_plane.scheduler.operations.attempts import Ending
from control_plane.scheduler.rules.board import Placement
from control_plane.scheduler.tables import holds, jobs
from control_plane.wiring import ClaimsForScheduler
from store_client.wire.jobs import JobDetail, JobState, SubmitJob
from tests.scheduler.attempts import eventually
from tests.scheduler.repositories import Origin
from tests.store.task_house import TaskHouse, open_house

CLAIMS = ClaimsForScheduler()


@dataclass
class Repositories:
    """Where the one repository lies."""

    bare: Path

    def path(self, _experiment_id: str, /) -> Path:
        return self.bare


@dataclass
class Queue:
    """The queue's operations, called as people of the experiment."""

    store: TaskHouse
    at: int = field(default=0)

    def spec(self, *argv: str, **wish: Any) -> SubmitJob:
        return SubmitJob(**{"name": "a job", "command": argv or ("/bin/true",), **wish})

    def submit(self, *argv: str, name: str = "bob", **wish: Any) -> str:
        """Queue a job as somebody; its id."""
        row = self.store.act(name, submit.submit, self.spec(*argv, **wish), CLAIMS)
        return str(row["job_id"])

    def read(self, job_id: str) -> JobDetail:
        detail: JobDetail = self.store.see(listing.read, job_id)
        return detail

    def state(self, job_id: str) -> JobState:
        return self.read(job_id).state

    def place(self, job_id: str, *slots: str) -> int:
        """Give a job slots, as the scheduler does before it launches; the attempt's number."""
        wanted = Placement.on(job_id, *(slots or ("cpu:0",)))
        return int(self.write(attempts.place, wanted)["attempt"])

    def start(self, job_id: str, attempt: int) -> bool:
        return bool(self.write(attempts.start, job_id, attempt))

    def finish(self, job_id: str, attempt: int, ending: Ending) -> bool:
        return bool(self.write(attempts.finish, job_id, attempt, ending))

    def write(self, operation: Any, *arguments: Any) -> Any:
        """Run an operation as the scheduler: in the deployment's scope."""
        return self.store.house.writer.write(lambda tx: operation(tx, *arguments))

    def cancel(self, job_id: str, name: str = "bob") -> None:
        self.store.act(name, submit.cancel, job_id)

    def bring(self, state: JobState, **wish: Any) -> str:
        """A job in this state."""
        job_id = self.submit(**{"retry": {"max_attempts": 1}, **wish})
        if state is JobState.QUEUED:
            return job_id
        attempt = self.place(job_id)
        if state is JobState.STARTING:
            return job_id
        self.start(job_id, attempt)
        if state in {JobState.CANCELLING, JobState.CANCELLED}:
            self.cancel(job_id)
        causes: dict[JobState, Ending] = {
            JobState.SUCCEEDED: Ending("finished", 0),
            JobState.FAILED: Ending("user_error", 3),
            JobState.CANCELLED: Ending("cancelled"),
            JobState.TIMED_OUT: Ending("timeout"),
            JobState.OUT_OF_MEMORY: Ending("out_of_memory"),
            JobState.LOST: Ending("node_lost"),
        }
        if state in causes:
            self.finish(job_id, attempt, causes[state])
        return job_id

    def held(self) -> dict[str, str]:
        """Which job holds each held slot."""
        with self.store.house.database.reading() as connection:
            return {row.slot_id: row.job_id for row in connection.execute(select(holds))}

    def counted(self) -> dict[str, int]:
        """How many jobs are in each state, counted."""
        with self.store.house.database.reading() as connection:
            states = list(connection.scalars(select(jobs.c.state)))
        return {state: states.count(state) for state in states}

    def tallied(self) -> dict[str, int]:
        """How many jobs are in each state, as the counters have it."""
        found: dict[str, int] = self.store.see(listing.by_state)
        return {state: total for state, total in found.items() if total}

    def told(self, job_id: str) -> list[str]:
        """What the log tells of a job, in order, without the prefix."""
        with self.store.house.database.reading() as connection:
            rows = log.read_after(connection, 0, 100_000, None)
        return [row["type"].removeprefix("job.") for row in rows if row["data"].get("job_id") == job_id]


class Yard(Queue):
    """The queue with its scheduler: real processes in real workspaces."""

    def __init__(self, store: TaskHouse, folder: Path, *, cpu_slots: int = 2) -> None:
        super().__init__(store)
        self.origin, self.folder, self.cpu_slots = Origin(folder / "git"), folder, cpu_slots
        self.base = self.origin.seed(readme="the seed\n")
        store.set(base_commit_sha=self.base)
        self.engine = self.new_engine()
        self.scheduler = self.new_scheduler()

    def new_engine(self) -> LocalEngine:
        root = self.folder / "attempts"
        return LocalEngine(root, Repositories(self.origin.bare), Inventory(self.cpu_slots), nursery=Nursery(root))

    def new_scheduler(self) -> Scheduler:
        """A scheduler that is yet to be started, with an engine that knows of nothing."""
        self.engine = self.new_engine()
        self.scheduler = Scheduler(self.store.house, self.engine, CLAIMS)
        return self.scheduler

    def shell(self, script: str, **wish: Any) -> str:
        return self.submit("/bin/sh", "-c", script, **wish)

    def await_state(self, job_id: str, *states: JobState) -> JobDetail:
        eventually(lambda: self.state(job_id) in states, f"{states} of {self.read(job_id)}")
        return self.read(job_id)

    def end(self, job_id: str) -> JobDetail:
        """The job once it has ended."""
        eventually(lambda: self.state(job_id).is_final, f"the end of {self.read(job_id)}")
        return self.read(job_id)

    def directory(self, job_id: str, attempt: int = 1) -> Path:
        return self.engine.directory(job_id, attempt)

    def await_log(self, job_id: str, wanted: str, attempt: int = 1) -> None:
        path = self.directory(job_id, attempt) / "log"
        eventually(lambda: path.exists() and wanted in path.read_text(), f"{wanted!r} in the log")

    def restart(self, *, ends_attempts: bool = False) -> None:
        """Stop the scheduler, and start another that knows nothing but the database and the files."""
        self.scheduler.stop(ends_attempts=ends_attempts)
        self.new_scheduler().start()


@contextmanager
def open_yard(url: str, folder: Path, *, cpu_slots: int = 2) -> Iterator[Yard]:
    """A yard whose scheduler runs; nothing of it runs afterwards."""
    with open_house(url) as store:
        yard = Yard(store, folder, cpu_slots=cpu_slots)
        yard.scheduler.start()
        try:
            yield yard
        finally:
            yard.scheduler.stop(ends_attempts=True)
