"""A queue for benchmarks: a durable database, jobs by the thousand, and a scheduler over some engine."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, text

from control_plane.db.migrate import upgrade
from control_plane.db.transaction import Tx
from control_plane.scheduler.engines.engine import Engine
from control_plane.scheduler.loop import Scheduler
from control_plane.scheduler.operations import submit
from control_plane.scheduler.operations.making import Draft, make
from control_plane.scheduler.tables import jobs
from store_client.wire.jobs import SubmitJob
from tests.bench.durable import durable_database
from tests.scheduler.queue_house import CLAIMS
from tests.store.task_house import BASE, TaskHouse, open_house

AT_ONCE = 500
PATIENCE_SECONDS = 120.0


@dataclass
class QueueYard:
    """One experiment's jobs, and a scheduler."""

    store: TaskHouse
    engine: Any
    scheduler: Scheduler

    def fill(self, total: int, spec: SubmitJob) -> None:
        """Queue so many jobs that are alike."""
        facts = {
            "experiment_id": self.store.experiment_id, "commit_sha": BASE, "base_commit_sha": BASE, "claimed_at": None,
            "submitted_by": self.store.id_of("bob"),
        }  # fmt: skip
        for at in range(0, total, AT_ONCE):
            drafts = [Draft(spec, facts)] * min(AT_ONCE, total - at)
            self.store.write(lambda tx, drafts=drafts: make(tx, drafts) and None, self.store.caller("bob"))

    def put(self, spec: SubmitJob) -> str:
        return str(self.store.act("bob", submit.submit, spec, CLAIMS)["job_id"])

    def count(self, *states: str) -> int:
        query = select(func.count()).select_from(jobs).where(jobs.c.state.in_(states))
        return int(self.store.house.read_now(lambda tx: tx.connection.scalar(query)) or 0)

    def multiply(self, total: int) -> None:
        """Have so many waiting jobs like those that wait, by one statement."""
        self.store.house.writer.write(lambda tx: _multiply(tx, total))


def _multiply(tx: Tx, total: int) -> None:
    have = tx.connection.scalar(select(func.count()).select_from(jobs).where(jobs.c.state == "queued")) or 0
    last = tx.connection.scalar(select(func.max(jobs.c.number))) or 0
    names = [column.name for column in jobs.columns if column.name not in {"job_id", "number", "rank"}]
    step = f"SELECT i + 1 FROM n WHERE i < {last + total - have}"  # noqa: S608 - numbers of ours
    numbers = f"WITH RECURSIVE n(i) AS (VALUES ({last + 1}) UNION ALL {step})"
    first = "SELECT * FROM jobs WHERE number = (SELECT max(number) FROM jobs WHERE state = 'queued')"
    into = f"INSERT INTO jobs (job_id, number, rank, {', '.join(names)})"
    chosen = f"SELECT 'job_grown' || i, i, i, {', '.join(names)} FROM n, ({first})"  # noqa: S608 - names of ours
    tx.connection.execute(text(f"{into} {numbers} {chosen}".replace(":", r"\:")))


def until(look: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not look():
        assert time.monotonic() < deadline, f"never came: {what}"
        time.sleep(0.002)


@contextmanager
def open_queue(engine: Engine) -> Iterator[QueueYard]:
    """A queue on a fresh durable SQLite; its scheduler is yet to be started."""
    with (
        tempfile.TemporaryDirectory(prefix="switchyard-bench-") as folder,
        durable_database("sqlite", Path(folder)) as url,
        open_house(_migrated(url)) as store,
    ):
        store.set(base_commit_sha=BASE)
        scheduler = Scheduler(store.house, engine, CLAIMS)
        try:
            yield QueueYard(store, engine, scheduler)
        finally:
            scheduler.stop()


def _migrated(url: str) -> str:
    upgrade(url)
    return url
