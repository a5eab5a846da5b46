"""Many rows at once, by one statement of the database: what a deployment has after years."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import create_engine, text

from control_plane.db.engine import Database

AT = "'2026-01-01T00:00:00.000000Z'"


@dataclass(frozen=True)
class Growth:
    """One experiment in a database that grows; `i` counts the rows of its tables."""

    database: Database
    experiment_id: str

    def events(self, total: int) -> None:
        """Let the experiment have so many of the protocol's events."""
        mine = f"SELECT max(sequence) FROM events WHERE experiment_id = '{self.experiment_id}'"  # noqa: S608 - a name and an id of ours
        ahead = self._number("SELECT max(position) FROM events") - self._number(mine)
        columns = {
            "position": f"{ahead} + i",
            "sequence": "i",
            "event_id": f"'evt_' || ({ahead} + i)",
            "type": "'task.created'",
            "occurred_at": AT,
            "data": self._json("""'{"task_id": "task-' || i || '", "kind": "ideation"}'"""),
        }
        self._fill("events", "sequence", total, columns)

    def tasks(self, total: int) -> None:
        """Let the experiment have so many tasks, one in ten of them pending."""
        columns = {
            "task_id": "'grown-' || i",
            "number": "i",
            "kind": "'ideation'",
            "state": "CASE WHEN i % 10 = 0 THEN 'pending' ELSE 'completed' END",
            "payload": self._json(f"""'{{"experiment_id": "{self.experiment_id}"}}'"""),
            "priority": "0",
            "created_at": AT,
            "updated_at": AT,
        }
        self._fill("tasks", "number", total, columns)

    def variants(self, total: int) -> None:
        """Let the experiment have so many variants, all integrated."""
        columns = {
            "variant_id": "'grown-' || i",
            "number": "i",
            "status": "'success'",
            "parent_commits": self._json("'[]'"),
            "commit_sha": "'a' || i",
            "variant_commit_sha": "'b' || i",
            "evaluation": self._json("""'{"accuracy": 1}'"""),
            "objective_value": "1.0",
            "started_at": AT,
            "completed_at": AT,
            "evaluation_attempts": "1",
            "integration_number": "i",
        }
        self._fill("variants", "number", total, columns)

    def _json(self, expression: str) -> str:
        return expression if self.database.is_sqlite else f"CAST({expression} AS JSON)"

    def _number(self, query: str) -> int:
        with self.database.reading() as connection:
            return int(connection.scalar(text(query)) or 0)

    def _fill(self, table: str, counter: str, total: int, columns: dict[str, str]) -> None:
        """Insert rows until the counter has reached the total."""
        here = f"WHERE experiment_id = '{self.experiment_id}'"
        have = self._number(f"SELECT max({counter}) FROM {table} {here}")  # noqa: S608 - names of ours
        rows = f"SELECT generate_series({have + 1}, {total}) AS i"
        if self.database.is_sqlite:
            step = f"SELECT i + 1 FROM n WHERE i < {total}"  # noqa: S608 - numbers of ours
            rows = f"WITH RECURSIVE n(i) AS (VALUES ({have + 1}) UNION ALL {step}) SELECT i FROM n"  # noqa: S608 - numbers of ours as well
        names = ", ".join(["experiment_id", *columns])
        values = ", ".join([f"'{self.experiment_id}'", *columns.values()])
        engine = create_engine(self.database.url)  # a connection of no pool, with no say about transactions
        with engine.begin() as connection:
            statement = f"INSERT INTO {table} ({names}) SELECT {values} FROM ({rows}) AS s"  # noqa: S608 - names and numbers of ours
            connection.execute(text(statement.replace(":", r"\:")))
            connection.exec_driver_sql("ANALYZE")
        engine.dispose()


def per_second(act: Callable[[], Any], seconds: float = 0.5) -> float:
    """How often in a second something can be done."""
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        act()
        count += 1
    return count / (time.perf_counter() - began)
