"""What the wire is measured against: the same transactions by as many clients, through the bare driver, as durable."""

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from sqlalchemy.engine import make_url

from control_plane.db.engine import WRITER_LOCK
from store_client.wire.scalars import format_time, parse_time

AT = "2026-01-01T00:00:00.000000Z"
LATER = format_time(parse_time("2099-01-01T00:00:00Z"))

LOCK = "SELECT pg_advisory_xact_lock(?)"
PROOF = (
    "SELECT c.worker_id, c.scope, c.kind, c.expires_at, c.is_read_only, w.name FROM credentials c JOIN workers w "
    "ON w.scope = c.scope AND w.worker_id = c.worker_id "
    "WHERE c.digest = ? AND c.worker_id = ? AND w.disabled_at IS NULL"
)
MEMBERSHIP = (
    "WITH RECURSIVE holding(group_id) AS (SELECT group_id FROM members WHERE scope = ? AND member_id = ? UNION "
    "SELECT m.group_id FROM members m JOIN holding h ON m.member_id = h.group_id WHERE m.scope = ?) "
    "SELECT group_id FROM groups WHERE scope = ? AND name IN ('admins', 'orchestrators') "
    "AND group_id IN (SELECT group_id FROM holding) LIMIT 1"
)
EXPERIMENT = "SELECT * FROM experiments WHERE experiment_id = ?"
TASK = "SELECT * FROM tasks WHERE experiment_id = ? AND task_id = ?"
CREATE = (
    "INSERT INTO tasks (experiment_id, task_id, number, kind, state, payload, priority, created_by, created_at, "
    "updated_at) VALUES (?, ?, (SELECT coalesce(max(number), 0) + 1 FROM tasks WHERE experiment_id = ?), 'ideation', "
    "'pending', ?, 0, ?, ?, ?)"
)
CLAIM = (
    "UPDATE tasks SET state = 'claimed', updated_at = ?, claimed_by = ?, claimed_at = ?, expires_at = ?, lapses_at = ? "
    "WHERE experiment_id = ? AND task_id = ?"
)
RESULT = "INSERT INTO submissions (experiment_id, task_id, payload, submitted_at) VALUES (?, ?, ?, ?)"
SUBMIT = (
    "UPDATE tasks SET state = 'submitted', updated_at = ?, submitted_by = ? WHERE experiment_id = ? AND task_id = ?"
)
EVENT = (
    "INSERT INTO events (position, experiment_id, sequence, event_id, type, occurred_at, data) VALUES "
    "((SELECT coalesce(max(position), 0) + 1 FROM events), ?, "
    "(SELECT coalesce(max(sequence), 0) + 1 FROM events WHERE experiment_id = ?), ?, ?, ?, ?)"
)
COUNT = (
    "INSERT INTO tallies (experiment_id, name, total) VALUES (?, ?, ?) "
    "ON CONFLICT (experiment_id, name) DO UPDATE SET total = tallies.total + excluded.total"
)

Statement = tuple[str, tuple[Any, ...]]
Execute = Callable[[str, tuple[Any, ...]], Any]


@dataclass(frozen=True)
class Raw:
    """The database of a server, and what a worker there would prove and send."""

    url: str
    experiment_id: str
    worker_id: str
    digest: str
    turn: threading.Lock = field(default_factory=threading.Lock)
    """Bare SQLite clients take turns: left to find the file busy they would sleep through most of them."""

    def create(self, name: str) -> Sequence[Statement]:
        here, payload = self.experiment_id, json.dumps({"experiment_id": self.experiment_id})
        gate = (MEMBERSHIP, (here, self.worker_id, here, here))
        row = (here, name, here, payload, self.worker_id, AT, AT)
        counted = self._told(name, "task.created", ("tasks.ideation.pending", 1))
        return (*self._alone, self._proof, gate, (EXPERIMENT, (here,)), self._task(name), (CREATE, row), *counted)

    def claim(self, name: str) -> Sequence[Statement]:
        here = self.experiment_id
        change = (AT, self.worker_id, AT, LATER, LATER, here, name)
        counted = self._told(name, "task.claimed", ("tasks.ideation.pending", -1), ("tasks.ideation.claimed", 1))
        return (*self._alone, self._proof, (EXPERIMENT, (here,)), self._task(name), (CLAIM, change), *counted)

    def submit(self, name: str) -> Sequence[Statement]:
        here, payload = self.experiment_id, json.dumps({"idea_ids": [], "status": "success"})
        change = (AT, self.worker_id, here, name)
        counted = self._told(name, "task.submitted", ("tasks.ideation.claimed", -1), ("tasks.ideation.submitted", 1))
        return (
            *self._alone,
            self._proof,
            self._task(name),
            (RESULT, (here, name, payload, AT)),
            (SUBMIT, change),
            *counted,
        )

    def read(self, name: str) -> Sequence[Statement]:
        return (self._proof, self._task(name))

    @property
    def _is_sqlite(self) -> bool:
        return self.url.startswith("sqlite")

    @property
    def _alone(self) -> Sequence[Statement]:
        """What keeps other writers waiting; SQLite's transactions do it as they begin."""
        return () if self._is_sqlite else ((LOCK, (WRITER_LOCK,)),)

    @property
    def _proof(self) -> Statement:
        return PROOF, (self.digest, self.worker_id)

    def _task(self, name: str) -> Statement:
        return TASK, (self.experiment_id, name)

    def _told(self, name: str, type_: str, *counted: tuple[str, int]) -> Sequence[Statement]:
        here, data = self.experiment_id, json.dumps({"task_id": name, "worker_id": self.worker_id})
        event = (here, here, f"evt_raw_{type_}_{name}", type_, AT, data)
        return ((EVENT, event), *((COUNT, (here, tally, amount)) for tally, amount in counted))

    def rate(self, clients: int, scripts: Sequence[Sequence[Sequence[Statement]]]) -> float:
        """Scripts a second: each is some transactions, one after the other, by one of so many clients."""
        left, start = iter(scripts), threading.Barrier(clients + 1)

        def work() -> None:
            with self._client() as transact:
                start.wait()
                for script in left:
                    for statements in script:
                        transact(statements)
                start.wait()

        for _ in range(clients):
            threading.Thread(target=work, daemon=True).start()
        start.wait()
        began = time.perf_counter()
        start.wait()
        return len(scripts) / (time.perf_counter() - began)

    @contextmanager
    def _client(self) -> Iterator[Callable[[Sequence[Statement]], None]]:
        """One connection, which runs statements as one transaction and returns when they are durable."""
        url = make_url(self.url)
        if self._is_sqlite:
            with closing(sqlite3.connect(str(url.database), isolation_level=None, timeout=60)) as lite:
                lite.execute("PRAGMA synchronous=FULL")
                yield lambda statements: self._in_turn(lite, statements)
        else:
            target = url.set(drivername="postgresql").render_as_string(hide_password=False)
            with psycopg.connect(target) as connection:
                yield lambda statements: _together(connection, statements)

    def _in_turn(self, connection: sqlite3.Connection, statements: Sequence[Statement]) -> None:
        with self.turn:
            connection.execute("BEGIN IMMEDIATE")
            run(connection.execute, statements)
            connection.execute("COMMIT")


def _together(connection: "psycopg.Connection[Any]", statements: Sequence[Statement]) -> None:
    with connection.transaction():
        run(lambda sql, values: connection.execute(sql.replace("?", "%s").encode(), values), statements)


def run(execute: Execute, statements: Sequence[Statement]) -> None:
    """Run statements and fetch what they find."""
    for sql, values in statements:
        cursor = execute(sql, values)
        if cursor.description:
            cursor.fetchall()
