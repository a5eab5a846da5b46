"""The table of calls: every row, read by client, server, documentation and tests."""

from store_client.wire.call import Call
from store_client.wire.calls import (
    artifacts,
    attempts,
    batches,
    checkpoints,
    control,
    events,
    experiments,
    gpus,
    ideas,
    implementation,
    jobs,
    policy,
    reports,
    scheduler,
    tasks,
    trainings,
    variants,
    workers,
)

CALLS: tuple[Call, ...] = (
    *implementation.CALLS,
    *experiments.CALLS,
    *tasks.CALLS,
    *ideas.CALLS,
    *variants.CALLS,
    *workers.CALLS,
    *control.CALLS,
    *events.CALLS,
    *artifacts.CALLS,
    *checkpoints.CALLS,
    *jobs.CALLS,
    *reports.CALLS,
    *batches.CALLS,
    *scheduler.CALLS,
    *policy.CALLS,
    *gpus.CALLS,
    *attempts.CALLS,
    *trainings.CALLS,
)
