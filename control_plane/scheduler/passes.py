"""The credential that a role's command gets: that of the worker whose claim it works under, until its attempt ends."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import RowMapping

from control_plane.db.identities import Issue, issue
from control_plane.db.transaction import Tx
from control_plane.edge.house import House
from control_plane.scheduler.operations.endings import pass_of
from store_client.wire.scalars import format_time, parse_time

VARIABLE = "EDEN_WORKER_CREDENTIAL"
BEYOND = timedelta(minutes=5)
"""So long after its command's time it ends by itself, should nobody end it."""


@dataclass(frozen=True)
class Passes:
    """Makes the secrets of attempts; only jobs that work on a task get any."""

    house: House

    def secrets(self, job: RowMapping) -> Mapping[str, str]:
        """What the command of an attempt is told beside its environment."""
        if job["task_id"] is None or job["submitted_by"] == "admin":
            return {}
        return {VARIABLE: self.house.writer.write(lambda tx: self._issue(tx, job))}

    def _issue(self, tx: Tx, job: RowMapping) -> str:
        until = parse_time(tx.now) + timedelta(seconds=job["spec"]["timeout_seconds"]) + BEYOND
        what = Issue(
            job["experiment_id"], "token", format_time(until), session_digest=pass_of(job["job_id"], job["attempt"])
        )
        return issue(tx.connection, self.house.keys, job["submitted_by"], tx.now, what)
