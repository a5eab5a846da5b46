"""A deployment after years, made by bulk statements: many experiments, one of them with most of the work.

`async with open_yard(folder, 1_000_000) as yard` gives the real control plane and console over a million tasks, 200,000
variants and 1,000 experiments; `yard.big` is the slug of the experiment that has four fifths of them, and a work branch
of each variant.
"""

import asyncio
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from control_plane.db import log
from control_plane.db.tables import experiments
from control_plane.db.transaction import Tx
from control_plane.search.tables import search_places
from control_plane.task_store.operations import courses, scoring
from store_client.wire import stretches
from store_client.wire.stretches import Mark
from tests.web.world import World, open_world

TASKS_PER_VARIANT = 5
EXPERIMENTS_PER_TASKS = 1_000
FEWEST, MOST = 5, 1_000
SHARE = 0.8
WORKERS = 40
CONFIG: dict[str, Any] = {
    "parallel_variants": 4,
    "evaluation_schema": {"accuracy": "real", "log_loss": "real", "seconds": "real", "note": "text"},
    "objective": {"expr": "accuracy", "direction": "maximize"},
    "evaluation_command": "true",
}
AT = "strftime('%Y-%m-%dT%H:%M:%S', 1767225600 + {n}, 'unixepoch') || '.000000Z'"
STATUS = (
    "CASE WHEN i > {v} - 3 THEN 'starting' WHEN i % 11 = 0 THEN 'error' "
    "WHEN i % 37 = 0 THEN 'evaluation_error' ELSE 'success' END"
)
SCORE = "ROUND(0.5 + 0.45 * i / (i + {v} / 5.0) - ((i * 7919) % 1000) / 8000.0, 6)"
STATE = (
    "CASE WHEN i > {t} - 40 THEN 'pending' WHEN i > {t} - 50 THEN 'claimed' "
    "WHEN i % 97 = 0 THEN 'failed' ELSE 'completed' END"
)
MEASURED = (
    """'{{"accuracy": ' || {s} || ', "log_loss": ' || (1 - {s}) || ', "seconds": ' || (i % 60) || """
    """', "note": "run ' || i || '"}}'"""
)
NUMBERS = ("accuracy", "log_loss", "seconds")
BEST, HIGHEST = "SELECT variant_id, objective_value FROM variants", "ORDER BY objective_value DESC, number LIMIT 1"
ENDED = (
    "SELECT number, status, objective_value, evaluation ->> '$.accuracy', evaluation ->> '$.log_loss', "
    "evaluation ->> '$.seconds' FROM variants WHERE status <> 'starting' AND kind IS NULL"
)
MEASUREMENTS = (
    "INSERT INTO measurements (experiment_id, metric, number, {column}) SELECT experiment_id, '{metric}', number, "
    "evaluation ->> '$.{metric}' FROM variants WHERE {e} AND status = 'success'"
)
SCORES = "INSERT INTO scores (experiment_id, baseline_variant_id, baseline_value, best_variant_id, best_value)"
KIND = "CASE i % 5 WHEN 0 THEN 'execution' WHEN 1 THEN 'evaluation' ELSE 'ideation' END"
TOTALS = (
    "SELECT 'ideas', count(*) FROM ideas WHERE {e} UNION ALL SELECT 'variants', count(*) FROM variants WHERE {e} "
    "UNION ALL SELECT 'variants.integrated', count(variant_commit_sha) FROM variants WHERE {e} "
    "UNION ALL SELECT 'ideas.' || state, count(*) FROM ideas WHERE {e} GROUP BY state "
    "UNION ALL SELECT 'variants.' || status, count(*) FROM variants WHERE {e} GROUP BY status "
    "UNION ALL SELECT 'tasks.' || kind || '.' || state, count(*) FROM tasks WHERE {e} GROUP BY kind, state"
)


@dataclass(frozen=True)
class BigYard:
    """The deployment, how big it is, and how long it took to make."""

    world: World
    big: str
    experiment_id: str
    tasks: int
    variants: int
    experiments: int
    seconds: float


@asynccontextmanager
async def open_yard(folder: Path, tasks: int) -> AsyncIterator[BigYard]:
    """A deployment with so many tasks on a fresh SQLite in this folder."""
    async with open_world(folder / "data") as world:
        source = folder / "source"
        (source / ".eden").mkdir(parents=True)
        (source / ".eden" / "config.yaml").write_text(json.dumps(CONFIG))
        big = await world.experiment("Big", source)
        commit, branches = str(big.base_commit_sha), int(tasks * SHARE) // TASKS_PER_VARIANT
        _branch(world.repository(big.experiment_id), commit, branches)
        began, others = time.perf_counter(), min(max(tasks // EXPERIMENTS_PER_TASKS, FEWEST), MOST) - 1
        mine = int(tasks * SHARE)
        with _open(folder / "data" / "switchyard.db") as bulk:
            bulk.grow(big.experiment_id, mine)
            for number in range(others):
                bulk.add(number, (tasks - mine) // others)
        await world.parts.house.write(lambda tx: _score(tx, big.experiment_id))
        await _rest(world)
        seconds = time.perf_counter() - began
        yield BigYard(world, big.slug, big.experiment_id, tasks, tasks // TASKS_PER_VARIANT, others + 1, seconds)


async def _rest(world: World) -> None:
    """Until indexer and console have looked at all that happened: what is measured then has the machine to itself."""
    while not await world.parts.house.read(_is_at_rest):  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0.1)
    tip = await world.parts.house.read(lambda tx: log.tip(tx.connection))
    while world.app.state.live.marks().tip < tip:  # noqa: ASYNC110 - nor does the console
        await asyncio.sleep(0.1)


def _is_at_rest(tx: Tx) -> bool:
    place = tx.connection.scalar(select(search_places.c.position))
    return place is not None and place >= log.tip(tx.connection)


@contextmanager
def _open(file: Path) -> "Iterator[Bulk]":
    """The database without its indexes, which are made anew at the end."""
    connection = sqlite3.connect(file, timeout=60, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA cache_size = -200000")
    connection.execute("BEGIN IMMEDIATE")
    large = "'tasks', 'variants', 'ideas', 'events', 'measurements', 'variant_parents'"
    kept = connection.execute(
        f"SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ({large})"  # noqa: S608 - names of ours
    ).fetchall()
    for name, _ in kept:
        connection.execute(f"DROP INDEX {name}")
    yield Bulk(connection)
    for _, statement in kept:
        connection.execute(statement)
    connection.execute("INSERT OR REPLACE INTO search_places SELECT 'log', max(position) FROM events")  # all is quiet
    connection.execute("COMMIT")
    connection.execute("ANALYZE")
    connection.close()


@dataclass(frozen=True)
class Bulk:
    """Rows by the hundred thousand, each table by one statement."""

    connection: sqlite3.Connection

    def grow(self, experiment_id: str, tasks: int) -> None:
        """Let an experiment have so many tasks, a fifth as many variants, and what belongs to them."""
        variants = max(tasks // TASKS_PER_VARIANT, 1)
        self._workers(experiment_id)
        self._tasks(experiment_id, tasks)
        self._ideas(experiment_id, variants)
        self._variants(experiment_id, variants)
        self._events(experiment_id, variants)
        here = f"experiment_id = '{experiment_id}'"
        self.connection.execute(f"DELETE FROM tallies WHERE {here}")  # noqa: S608 - an id of ours
        for name, total in self.connection.execute(TOTALS.format(e=here)).fetchall():
            self.connection.execute("INSERT INTO tallies VALUES (?, ?, ?)", (experiment_id, name, total))

    def add(self, number: int, tasks: int) -> None:
        """One more experiment like the first, with so many tasks and its scores."""
        experiment_id, name = f"exp_{number:026d}", f"Experiment {number}"
        status = ("running", "running", "running", "paused", "completed", "draft")[number % 6]
        row = {
            "experiment_id": experiment_id,
            "slug": f"experiment-{number}",
            "name": name,
            "status": status,
            "config": json.dumps(CONFIG),
            "dispatch_mode": "{}",
            "automation": json.dumps({"executor": "manual" if number % 5 == 0 else "automatic"}),
            "base_commit_sha": "b" * 40,
            "created_at": f"2026-01-{number % 28 + 1:02d}T00:00:00.000000Z",
            "updated_at": "2026-02-01T00:00:00.000000Z",
        }
        marks = ", ".join("?" * len(row))
        self.connection.execute(f"INSERT INTO {experiments.name} ({', '.join(row)}) VALUES ({marks})", [*row.values()])  # noqa: S608 - names of ours
        self.grow(experiment_id, tasks)
        steps = json.dumps([[n, 0.5 + n / 100] for n in range(1, 12)])
        scored = (experiment_id, "var-1", 0.5, "var-11", 0.61, "idea-11", steps)
        columns = "experiment_id, baseline_variant_id, baseline_value, best_variant_id, best_value, best_label, steps"
        self.connection.execute(f"INSERT INTO scores ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", scored)  # noqa: S608 - names of ours

    def _workers(self, experiment_id: str) -> None:
        columns = {
            "worker_id": "printf('wkr_%026d', i)", "name": "'worker-' || i", "registered_at": AT.format(n="i"),
            "last_seen_at": AT.format(n="i"),
        }  # fmt: skip
        self._fill("workers", experiment_id, WORKERS, columns, "scope")

    def _tasks(self, experiment_id: str, total: int) -> None:
        state, about = STATE.format(t=total), "((i - 1) / 5 + 1)"
        held = f"CASE WHEN i > {total} - 50 AND i <= {total} - 40 THEN "
        columns = {
            "task_id": "'tsk-' || i", "number": "i", "kind": KIND, "state": state, "payload": "'{}'",
            "subject_id": f"CASE i % 5 WHEN 0 THEN 'ide-' || {about} WHEN 1 THEN 'var-' || {about} END",
            "priority": "1.0", "created_at": AT.format(n="i"), "updated_at": AT.format(n="i"),
            "claimed_by": held + "printf('wkr_%026d', i % 40 + 1) END", "claimed_at": held + AT.format(n="i") + " END",
        }  # fmt: skip
        self._fill("tasks", experiment_id, total, columns)

    def _ideas(self, experiment_id: str, total: int) -> None:
        columns = {
            "idea_id": "'ide-' || i", "number": "i", "slug": "'idea-' || i", "priority": "1.0",
            "parent_commits": "'[]'", "artifacts_uri": "'https://example.org/' || i", "state": "'completed'",
            "created_at": AT.format(n="i"), "created_by": "printf('wkr_%026d', i % 40 + 1)",
        }  # fmt: skip
        self._fill("ideas", experiment_id, total, columns)

    def _variants(self, experiment_id: str, total: int) -> None:
        status, score = STATUS.format(v=total), SCORE.format(v=total)
        scored = f"CASE WHEN {status} = 'success' THEN "
        parent = "max(1, i - 1 - (i * 7919) % 40)"
        measured, ended = MEASURED.format(s=score), AT.format(n="i + 30")
        columns = {
            "variant_id": "'var-' || i", "number": "i", "kind": "CASE i WHEN 1 THEN 'baseline' END",
            "idea_id": "'ide-' || i", "status": status, "commit_sha": "printf('%040x', i)",
            "parent_commits": f"'[\"' || printf('%040x', {parent}) || '\"]'",
            "branch": "'work/var-' || i", "description": "'what variant ' || i || ' changed'",
            "variant_commit_sha": f"CASE WHEN {status} = 'success' AND i % 3 = 0 THEN printf('%040x', i + 1000000) END",
            "integration_number": f"CASE WHEN {status} = 'success' AND i % 3 = 0 THEN i / 3 END",
            "evaluation": scored + measured + " END", "objective_value": scored + score + " END",
            "started_at": AT.format(n="i"),
            "completed_at": f"CASE WHEN {status} <> 'starting' THEN {ended} END",
            "executed_by": "printf('wkr_%026d', i % 40 + 1)", "evaluated_by": "printf('wkr_%026d', i % 40 + 1)",
            "evaluation_attempts": "1",
        }  # fmt: skip
        self._fill("variants", experiment_id, total, columns)
        here = f"experiment_id = '{experiment_id}'"
        for metric, kind in CONFIG["evaluation_schema"].items():
            column = "word" if kind == "text" else "value"
            self.connection.execute(MEASUREMENTS.format(e=here, metric=metric, column=column))
        columns = {"number": "i + 1", "place": "0", "commit_sha": "printf('%040x', i)", "parent_number": "i"}
        self._fill("variant_parents", experiment_id, total - 1, columns)

    def _events(self, experiment_id: str, total: int) -> None:
        (ahead,) = self.connection.execute("SELECT coalesce(max(position), 0) FROM events").fetchone()
        (mine,) = self.connection.execute(
            "SELECT coalesce(max(sequence), 0) FROM events WHERE experiment_id = ?", (experiment_id,)
        ).fetchone()
        columns = {
            "position": f"{ahead} + i", "sequence": f"{mine} + i", "event_id": f"'evt_' || ({ahead} + i)",
            "type": "'variant.succeeded'", "occurred_at": AT.format(n="i"),
            "data": """'{"variant_id": "var-' || i || '", "commit_sha": "' || printf('%040x', i) || '"}'""",
        }  # fmt: skip
        self._fill("events", experiment_id, total, columns)

    def _fill(
        self, table: str, experiment_id: str, total: int, columns: dict[str, str], scope: str = "experiment_id"
    ) -> None:
        step = f"SELECT i + 1 FROM n WHERE i < {total}"  # noqa: S608 - numbers of ours
        rows = f"WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL {step})"
        into = f"INSERT OR IGNORE INTO {table} ({scope}, {', '.join(columns)})"
        self.connection.execute(f"{into} {rows} SELECT '{experiment_id}', {', '.join(columns.values())} FROM n")  # noqa: S608 - names and numbers of ours


def _branch(repository: Path, commit: str, total: int) -> None:
    """So many work branches, packed as git packs them; most stand elsewhere than their variants."""
    refs = sorted(f"refs/heads/work/var-{number + 1}" for number in range(total))
    header = "# pack-refs with: peeled fully-peeled sorted \n"
    (repository / "packed-refs").write_text(header + "".join(f"{commit} {ref}\n" for ref in refs))


def _score(tx: Tx, experiment_id: str) -> None:
    """What the big experiment's variants measured; its best is the highest."""
    inside, here = tx.at(experiment_id), f"experiment_id = '{experiment_id}'"
    best = tx.connection.exec_driver_sql(f"{BEST} WHERE {here} {HIGHEST}").one()
    told = (experiment_id, "var-1", 0.5, *best)
    tx.connection.exec_driver_sql(f"{SCORES} VALUES (?, ?, ?, ?, ?)", told)
    marks: dict[str, list[Mark]] = {metric: [] for metric in ("", *NUMBERS)}
    for number, status, *values in tx.connection.exec_driver_sql(f"{ENDED} AND {here}"):
        for metric, value in zip(marks, values, strict=True):
            if value is not None or metric == "":
                marks[metric].append(Mark(number, f"var-{number}", f"idea-{number}", value, status))
    width = stretches.width_for(max(mark.number for mark in marks[""]))
    courses.write(inside, width, {metric: stretches.course_of(each, width) for metric, each in marks.items()})
    scoring.write_records(inside)
