"""What is told of jobs beside what is in their rows: whose they are, by name, and what they hold."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import RowMapping, Select, select, tuple_

from control_plane.db.tables import DEPLOYMENT, experiments, workers
from control_plane.db.transaction import Tx
from control_plane.scheduler.tables import attempts
from store_client.wire.jobs import JobState

Person = tuple[str, str]
"""A scope and a worker in it."""


@dataclass(frozen=True)
class Naming:
    """Names as the wire has them: of experiments, of who submitted, and of slots."""

    experiments: dict[str, dict[str, Any]] = field(default_factory=dict)
    people: dict[Person, dict[str, Any]] = field(default_factory=dict)
    slots: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, tx: Tx, rows: Sequence[RowMapping]) -> "Naming":
        """Three questions, however many jobs there are; the third only where some are on slots, none about no job."""
        on_slots = [(row["job_id"], row["attempt"]) for row in rows if JobState(row["state"]).is_on_a_slot]
        return replace(cls.of_submitters(tx, rows), slots=_slots(tx, on_slots))

    @classmethod
    def of_submitters(cls, tx: Tx, rows: Sequence[RowMapping]) -> "Naming":
        """The same without slots."""
        people = {(scope, row["submitted_by"]) for row in rows for scope in (row["experiment_id"], DEPLOYMENT)}
        return cls(_experiments(tx, {row["experiment_id"] for row in rows}), _people(tx, people))

    def told(self, row: RowMapping) -> dict[str, Any]:
        """What is told of one of these jobs."""
        return {
            **self.whose(row["experiment_id"], row["submitted_by"]),
            **self.slots.get(row["job_id"], {}),
        }

    def whose(self, experiment_id: str, submitted_by: str) -> dict[str, Any]:
        """The experiment of a job, and who submitted it; somebody of the deployment may have."""
        person = self.people.get((experiment_id, submitted_by)) or self.people.get((DEPLOYMENT, submitted_by), {})
        return {**self.experiments.get(experiment_id, {}), **person}


def _experiments(tx: Tx, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    if not (wanted := list(ids)):
        return {}
    of = experiments.c
    query = select(of.experiment_id, of.name, of.slug).where(of.experiment_id.in_(wanted))
    return {row.experiment_id: {"experiment_name": row.name, "experiment_slug": row.slug} for row in _all(tx, query)}


def _people(tx: Tx, wanted: Iterable[Person]) -> dict[Person, dict[str, Any]]:
    if not (named := list(wanted)):
        return {}
    who = workers.c
    query = select(who.scope, who.worker_id, who.name, who.deployment_worker_id)
    query = query.where(tuple_(who.scope, who.worker_id).in_(named))
    return {
        (row.scope, row.worker_id): {
            "submitter_name": row.name,
            "operator_id": row.worker_id if row.scope == DEPLOYMENT else row.deployment_worker_id,
        }
        for row in _all(tx, query)
    }


def _slots(tx: Tx, keys: Sequence[tuple[str, int]]) -> dict[str, dict[str, Any]]:
    if not keys:
        return {}
    of = attempts.c
    query = select(of.job_id, of.slots, of.node).where(tuple_(of.job_id, of.number).in_(keys))
    return {row.job_id: {"slots": row.slots, "node": row.node or None} for row in _all(tx, query)}


def _all(tx: Tx, query: Select[Any]) -> Iterable[Any]:
    return tx.connection.execute(query)
