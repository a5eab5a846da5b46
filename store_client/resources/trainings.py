"""Trainings: stored specs, run as jobs."""

from typing import Any

from store_client.resources.resource import Resource
from store_client.wire.arc import ExperimentSpec, TrainingJobConfig
from store_client.wire.calls import trainings as calls
from store_client.wire.trainings import (
    CreateTraining,
    ScheduleTraining,
    TrainingCancelled,
    TrainingCreated,
    TrainingScheduled,
    TrainingStatus,
)


class Trainings(Resource):
    """Calls about trainings, each named by the id of its job or of its spec."""

    async def create_training(self, spec: ExperimentSpec) -> TrainingCreated:
        """Store a spec; the same one again changes nothing, another under its id is refused."""
        answer: TrainingCreated = await self._send(calls.CREATE_TRAINING, CreateTraining(experiment_spec=spec))
        return answer

    async def schedule_training(
        self,
        config: TrainingJobConfig,
        experiment: str | None = None,
        *,
        priority: int | None = None,
        command: tuple[str, ...] | None = None,
    ) -> TrainingScheduled:
        """Queue a training; the same config again gives the same job."""
        body = ScheduleTraining(job_config=config, experiment=experiment, priority=priority, command=command)
        answer: TrainingScheduled = await self._send(calls.SCHEDULE_TRAINING, body)
        return answer

    async def read_training(self, training_id: str) -> TrainingStatus:
        answer: TrainingStatus = await self._send(calls.READ_TRAINING, training_id=training_id)
        return answer

    async def cancel_training(self, training_id: str) -> TrainingCancelled:
        answer: TrainingCancelled = await self._send(calls.CANCEL_TRAINING, training_id=training_id)
        return answer

    async def list_schemas(self) -> tuple[str, ...]:
        answer: tuple[str, ...] = await self._send(calls.LIST_SCHEMAS)
        return answer

    async def read_schema(self, name: str) -> dict[str, Any]:
        answer: dict[str, Any] = await self._send(calls.READ_SCHEMA, name=name)
        return answer
