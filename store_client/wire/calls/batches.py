"""Calls about many jobs at once: submitted together, chosen by a filter, made from an array, put into another order."""

from store_client.wire.batches import (
    ArrayDetail,
    CancelJobs,
    ChangedJobs,
    MoveJob,
    QueueJob,
    QueueJobs,
    ReopenArrays,
    ReopenedArrays,
    ReprioritiseJobs,
    SubmitJobs,
    SubmittedJobs,
)
from store_client.wire.call import Call, Who
from store_client.wire.jobs import JobDetail

E = "/api/experiments/{experiment_id}"
A = "/api/jobs"

QUEUE_JOB = Call(
    "queue_job", "POST", A, Who.OF_NAMED, "Queue a command in the experiment that the body names",
    body=QueueJob, answer=JobDetail, status=201,
)  # fmt: skip
SUBMIT_JOBS = Call(
    "submit_jobs", "POST", E + "/jobs/bulk", Who.EITHER, "Queue up to a thousand commands, all or none",
    body=SubmitJobs, answer=SubmittedJobs, status=201,
)  # fmt: skip
QUEUE_JOBS = Call(
    "queue_jobs", "POST", A + "/bulk", Who.OF_NAMED, "Queue up to a thousand commands in experiments they name",
    body=QueueJobs, answer=SubmittedJobs, status=201,
)  # fmt: skip
CANCEL_JOBS = Call(
    "cancel_jobs", "POST", A + "/cancel", Who.ADMIN_OR_ADMINS, "Cancel the jobs that a filter chooses, or count them",
    body=CancelJobs, answer=ChangedJobs,
)  # fmt: skip
CANCEL_EXPERIMENT_JOBS = Call(
    "cancel_experiment_jobs", "POST", E + "/jobs/cancel", Who.EITHER,
    "Cancel one's own jobs (admins: all) that a filter chooses, or count them", body=CancelJobs, answer=ChangedJobs,
)  # fmt: skip
REPRIORITISE_JOBS = Call(
    "reprioritise_jobs", "POST", A + "/priority", Who.ADMIN_OR_ADMINS,
    "Change the priority of the waiting jobs that a filter chooses, or count them",
    body=ReprioritiseJobs, answer=ChangedJobs,
)  # fmt: skip
MOVE_JOB = Call(
    "move_job", "POST", A + "/{job_id}/move", Who.ADMIN_OR_ADMINS, "Move a waiting job among those of its priority",
    body=MoveJob, answer=JobDetail,
)  # fmt: skip
READ_ARRAY = Call("read_array", "GET", "/api/arrays/{array_id}", Who.EITHER, "Read an array", answer=ArrayDetail)
CANCEL_ARRAY = Call(
    "cancel_array", "POST", "/api/arrays/{array_id}/cancel", Who.ADMIN_OR_ADMINS,
    "Cancel all jobs of an array and make no more", answer=ArrayDetail,
)  # fmt: skip
REOPEN_ARRAYS = Call(
    "reopen_arrays", "POST", "/api/arrays/reopen", Who.ADMIN_OR_ADMINS,
    "Make the rest of the arrays that an act on many jobs cancelled, or count them", body=ReopenArrays,
    answer=ReopenedArrays, is_safe_to_repeat=True,
)  # fmt: skip
READ_EXPERIMENT_ARRAY = Call(
    "read_experiment_array", "GET", E + "/arrays/{array_id}", Who.EITHER, "Read an array", answer=ArrayDetail
)
CANCEL_EXPERIMENT_ARRAY = Call(
    "cancel_experiment_array", "POST", E + "/arrays/{array_id}/cancel", Who.EITHER,
    "Cancel all jobs of an array and make no more", answer=ArrayDetail,
)  # fmt: skip

CALLS = (
    QUEUE_JOB, SUBMIT_JOBS, QUEUE_JOBS, CANCEL_JOBS, CANCEL_EXPERIMENT_JOBS, REPRIORITISE_JOBS, MOVE_JOB, READ_ARRAY,
    CANCEL_ARRAY, REOPEN_ARRAYS, READ_EXPERIMENT_ARRAY, CANCEL_EXPERIMENT_ARRAY,
)  # fmt: skip
