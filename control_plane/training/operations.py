"""Storing specs, scheduling them as jobs, and following those."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping, insert, select

from control_plane.db.tables import experiments
from control_plane.db.transaction import Caller, Tx
from control_plane.training.ports import Entrance, Queue
from control_plane.training.rules import orders, results
from control_plane.training.tables import specs, trainings
from store_client.errors import AlreadyExists, IllegalTransition, InvalidPrecondition, NotFound
from store_client.wire.arc import ExperimentSpec, TrainingJobConfig
from store_client.wire.experiments import Status
from store_client.wire.gpus import GpuInfo
from store_client.wire.jobs import JobDetail, JobState
from store_client.wire.trainings import (
    CreateTraining,
    ScheduleTraining,
    TrainingCancelled,
    TrainingCreated,
    TrainingScheduled,
    TrainingStatus,
)

SAID_ANEW = {"submitted_at"}
"""What a client that repeats itself says differently."""


@dataclass(frozen=True)
class Trainings:
    """The operations, and what they ask of the other wings."""

    queue: Queue
    enter: Entrance
    default_experiment_id: str | None = None

    def create(self, tx: Tx, body: CreateTraining) -> TrainingCreated:
        """Store a spec; the same again is the one that is there."""
        _must_agree(body.cycle_id, body.experiment_spec)
        row = _store(tx, body.experiment_spec)
        return TrainingCreated(
            experiment_id=row["spec_id"],
            experiment_spec=ExperimentSpec.model_validate(row["spec"]),
            created_at=row["created_at"],
        )

    def schedule(self, tx: Tx, body: ScheduleTraining) -> TrainingScheduled:
        """Queue a training; the same again is the job that is there."""
        training = body.job_config
        _must_agree(body.cycle_id, training.experiment_spec)
        known, gpus = _find(tx, training.job_id), self.queue.gpus(tx)
        if known is not None:
            _must_be_the_same(known, body)
            return _scheduled(known, self.queue.read(tx, known["job_id"]), gpus)
        orders.must_have(training, gpus)
        inside = self._inside(tx, body.experiment)
        _store(tx, training.experiment_spec)
        job = self.queue.submit(inside, orders.job(body, inside.experiment["config"]))
        return _scheduled(_note(tx, body, job), job, gpus)

    def read(self, tx: Tx, training_id: str) -> TrainingStatus:
        row = _load(tx, training_id)
        return results.status(_config(row), self.queue.read(tx, row["job_id"]), self.queue.gpus(tx))

    def cancel(self, tx: Tx, training_id: str) -> TrainingCancelled:
        """Ask a training to end; one that has ended by itself is refused, one that was cancelled stays so."""
        row = _load(tx, training_id)
        job = self.queue.read(tx, row["job_id"])
        if job.state.is_final and job.state is not JobState.CANCELLED:
            raise IllegalTransition(f"training {row['training_id']} has ended: its job is {job.state}")
        state = self.queue.cancel(tx, row["job_id"]).state
        how = "cancelled" if state is JobState.CANCELLED else "cancelling"
        return TrainingCancelled(status=how, job_id=row["training_id"])

    def _inside(self, tx: Tx, named: str | None) -> Tx:
        """The experiment that was named by id or slug, else the default one, as its caller there."""
        wanted = named or self.default_experiment_id
        found = _experiment(tx, wanted) if wanted is not None else _first_running(tx)
        who = tx.caller.worker_id
        caller = tx.caller if tx.caller.is_admin else Caller(self.enter(tx, who, found), found)
        return tx.at(found, caller)


def _experiment(tx: Tx, named: str) -> str:
    query = select(experiments.c.experiment_id).where(
        (experiments.c.experiment_id == named) | (experiments.c.slug == named)
    )
    found = tx.connection.scalar(query)
    if found is None:
        raise NotFound(f"there is no experiment {named}")
    return str(found)


def _first_running(tx: Tx) -> str:
    """Where what names no experiment goes: the newest that runs."""
    query = select(experiments.c.experiment_id).where(experiments.c.status == Status.RUNNING)
    query = query.order_by(experiments.c.created_at.desc(), experiments.c.experiment_id.desc()).limit(1)
    found = tx.connection.scalar(query)
    if found is None:
        raise InvalidPrecondition("no experiment is running; create or resume one, and name it in `experiment`")
    return str(found)


def _must_agree(cycle_id: int | None, spec: ExperimentSpec) -> None:
    if cycle_id is not None and cycle_id != spec.cycle_id:
        raise InvalidPrecondition(f"cycle_id is {cycle_id}, and that of the spec {spec.cycle_id}; leave it out")


def _store(tx: Tx, spec: ExperimentSpec) -> RowMapping:
    """The stored spec, put there unless it is; AlreadyExists when its id has another."""
    query = select(specs).where(specs.c.spec_id == spec.experiment_id)
    known = tx.connection.execute(query).mappings().first()
    if known is not None:
        if known["spec"] != spec.to_wire():
            raise AlreadyExists(f"there is another spec {spec.experiment_id}; give this one an id of its own")
        return known
    row = {"spec_id": spec.experiment_id, "spec": spec.to_wire(), "created_by": tx.caller.worker_id}
    tx.connection.execute(insert(specs).values(**row, created_at=tx.now))
    tx.tell("training.created", spec_id=spec.experiment_id, by=tx.caller.worker_id)
    return tx.connection.execute(query).mappings().one()


def _note(tx: Tx, body: ScheduleTraining, job: JobDetail) -> RowMapping:
    training = body.job_config
    row = {
        "training_id": training.job_id,
        "spec_id": training.experiment_spec.experiment_id,
        "request": body.to_wire(),
        "experiment_id": job.experiment_id,
        "job_id": job.job_id,
        "number": job.number,
        "scheduled_by": tx.caller.worker_id,
        "scheduled_at": tx.now,
    }
    tx.connection.execute(insert(trainings).values(**row))
    return _load(tx, training.job_id)


def _find(tx: Tx, training_id: str) -> RowMapping | None:
    query = select(trainings).where(trainings.c.training_id == training_id)
    return tx.connection.execute(query).mappings().first()


def _load(tx: Tx, named: str) -> RowMapping:
    """A training by its own id, else the newest one of a spec, else by the id of the job that runs it."""
    found = _find(tx, named)
    if found is None:
        query = select(trainings).where(trainings.c.spec_id == named).order_by(trainings.c.number.desc()).limit(1)
        found = tx.connection.execute(query).mappings().first()
    if found is None:
        found = tx.connection.execute(select(trainings).where(trainings.c.job_id == named)).mappings().first()
    if found is None:
        is_spec = tx.connection.scalar(select(specs.c.spec_id).where(specs.c.spec_id == named)) is not None
        raise NotFound(f"spec {named} was never scheduled" if is_spec else f"there is no training {named}")
    return found


def _config(row: RowMapping) -> TrainingJobConfig:
    return ScheduleTraining.model_validate(row["request"]).job_config


def _must_be_the_same(known: RowMapping, body: ScheduleTraining) -> None:
    if _said(known["request"]) != _said(body.to_wire()):
        raise AlreadyExists(f"training {body.job_config.job_id} was scheduled before with another config; use a new id")


def _said(request: dict[str, Any]) -> dict[str, Any]:
    config = {key: value for key, value in request["job_config"].items() if key not in SAID_ANEW}
    return {**request, "job_config": config}


def _scheduled(row: RowMapping, job: JobDetail, gpus: Sequence[GpuInfo]) -> TrainingScheduled:
    return TrainingScheduled(
        job_id=row["training_id"],
        experiment_id=row["spec_id"],
        priority=job.priority,
        queue_position=job.position,
        available_gpus=orders.free(gpus),
        runs_in=row["experiment_id"],
        queue_job_id=row["job_id"],
    )
