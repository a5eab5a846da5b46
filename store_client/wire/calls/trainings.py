"""Calls about trainings, at ARC's addresses."""

from typing import Any

from store_client.wire.call import Call, Who
from store_client.wire.trainings import (
    CreateTraining,
    ScheduleTraining,
    TrainingCancelled,
    TrainingCreated,
    TrainingScheduled,
    TrainingStatus,
)

E = "/api/experiments"

CREATE_TRAINING = Call(
    "create_training", "POST", E + "/create", Who.ADMIN_OR_ADMINS, "Store a training spec under its own id",
    body=CreateTraining, answer=TrainingCreated, status=201, is_safe_to_repeat=True,
)  # fmt: skip
SCHEDULE_TRAINING = Call(
    "schedule_training", "POST", E + "/schedule", Who.ADMIN_OR_ADMINS, "Queue a training as a job of an experiment",
    body=ScheduleTraining, answer=TrainingScheduled, status=201, is_safe_to_repeat=True,
)  # fmt: skip
READ_TRAINING = Call(
    "read_training", "GET", E + "/status/{training_id}", Who.EITHER,
    "How a training stands, by its job's id or its spec's", answer=TrainingStatus,
)  # fmt: skip
CANCEL_TRAINING = Call(
    "cancel_training", "POST", E + "/cancel/{training_id}", Who.ADMIN_OR_ADMINS,
    "Cancel a training, by its job's id or its spec's", answer=TrainingCancelled,
)  # fmt: skip
LIST_SCHEMAS = Call(
    "list_schemas", "GET", "/api/schemas", Who.ANYONE, "Names of the published JSON Schemas", answer=tuple[str, ...]
)
READ_SCHEMA = Call(
    "read_schema", "GET", "/api/schemas/{name}", Who.ANYONE, "One JSON Schema, whole", answer=dict[str, Any]
)

CALLS = (CREATE_TRAINING, SCHEDULE_TRAINING, READ_TRAINING, CANCEL_TRAINING, LIST_SCHEMAS, READ_SCHEMA)
