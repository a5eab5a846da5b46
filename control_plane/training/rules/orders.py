"""A training as a job: its command, its limits, the GPU that it insists on, and the files it gets and leaves."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from store_client.errors import BadRequest, InvalidPrecondition
from store_client.wire.arc import TrainingJobConfig
from store_client.wire.gpus import GpuInfo
from store_client.wire.jobs import MAX_FILES_BYTES, Resources, RetryPolicy, SubmitJob
from store_client.wire.trainings import ScheduleTraining

SPEC, RESULT = ".switchyard/spec.json", ".switchyard/result.json"
GRACE_BYTES = 1024
KEPT_BACK = {"lost", "quarantined", "reserved", "draining"}
"""What a GPU does not leave by waiting."""
FIRST_REST_SECONDS = 30.0
NO_COMMAND = (
    "nothing says how to train: give the experiment's config a training_command, or the request a command (argv)"
)


def job(body: ScheduleTraining, config: Mapping[str, Any]) -> SubmitJob:
    """The job of a training, in an experiment with this config."""
    training, spec = body.job_config, body.job_config.experiment_spec
    text = json.dumps(training.to_wire(), indent=2)
    if len(text.encode()) > MAX_FILES_BYTES - GRACE_BYTES:
        raise BadRequest("job_config: it is larger than 1 MiB; put what is large into the repository")
    tags = ("training", f"novelty:{spec.novelty_class}", f"cycle:{spec.cycle_id}", *spec.tags)
    return SubmitJob(
        name=f"Train {spec.experiment_id}",
        command=_command(body, config),
        files={SPEC: text},
        collect=(RESULT,),
        environment={"SWITCHYARD_SPEC": SPEC, "SWITCHYARD_RESULT": RESULT},
        resources=_resources(training, config),
        priority=spec.priority if body.priority is None else body.priority,
        timeout_seconds=training.timeout,
        retry=RetryPolicy(max_attempts=training.max_retries + 1, delay_seconds=FIRST_REST_SECONDS),
        tags=tuple(dict.fromkeys(tags)),
        idempotency_key=f"training:{training.job_id}",
    )


def _command(body: ScheduleTraining, config: Mapping[str, Any]) -> tuple[str, ...]:
    """An argv; a shell string stands only in a config, whose author it belongs to."""
    if body.command is not None:
        return body.command
    configured = config.get("training_command")
    if not configured:
        raise InvalidPrecondition(NO_COMMAND)
    return ("/bin/sh", "-c", configured) if isinstance(configured, str) else tuple(configured)


def _resources(training: TrainingJobConfig, config: Mapping[str, Any]) -> Resources:
    """What the config gives to trainings, and the GPU that this one names; a GPU where there is one by default."""
    given = config.get("resources", {}).get("training") or {}
    wished = {key: value for key, value in given.items() if key in Resources.model_fields}
    if training.only_gpu is not None:
        allowed = wished.get("only_gpus")
        if allowed is not None and str(training.only_gpu) not in map(str, allowed):
            raise InvalidPrecondition(
                f"GPU {training.only_gpu} is asked for, and resources.training.only_gpus of the experiment's config "
                f"allows {', '.join(map(str, allowed))}"
            )
        wished |= {"gpus": 1, "gpus_where_present": 0, "only_gpus": (str(training.only_gpu),)}
    elif not {"gpus", "gpus_where_present"} & wished.keys():
        wished["gpus_where_present"] = 1
    try:
        return Resources.model_validate(wished)
    except ValidationError as error:
        raise InvalidPrecondition(
            f"resources.training of the experiment's config: {error.errors()[0]['msg']}"
        ) from error


def must_have(training: TrainingJobConfig, gpus: Sequence[GpuInfo]) -> None:
    """InvalidPrecondition unless the GPU that a training insists on is there and given out; it never gets another."""
    wanted = training.only_gpu
    if wanted is None:
        return
    found = [gpu for gpu in gpus if gpu.index == wanted]
    if not found:
        there = ", ".join(sorted({str(gpu.index) for gpu in gpus})) or "none"
        raise InvalidPrecondition(
            f"GPU {wanted} is asked for; the GPUs here: {there}. Ask for auto, or for one of these"
        )
    if all(gpu.state in KEPT_BACK or gpu.is_mig for gpu in found):
        why = found[0].why or ("it is cut into slices" if found[0].is_mig else f"it is {found[0].state}")
        raise InvalidPrecondition(f"GPU {wanted} is asked for and not given out: {why}. Ask for auto, or for another")


def free(gpus: Sequence[GpuInfo]) -> tuple[int, ...]:
    """The numbers of the GPUs that a job could have whole now."""
    return tuple(gpu.index for gpu in gpus if gpu.state == "usable" and not gpu.units_held and not gpu.is_mig)
