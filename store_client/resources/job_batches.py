"""Many jobs at once: of one experiment, and of the whole queue."""

from collections.abc import Sequence

from store_client.resources.resource import Resource
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
from store_client.wire.calls import batches as calls
from store_client.wire.jobs import JobDetail, SubmitJob


class ExperimentJobBatches(Resource):
    """Calls about many jobs of one experiment."""

    async def submit_jobs(self, jobs: Sequence[SubmitJob]) -> SubmittedJobs:
        """Queue up to a thousand commands, all or none; safe to repeat where each has an idempotency key."""
        answer: SubmittedJobs = await self._send(calls.SUBMIT_JOBS, SubmitJobs(jobs=tuple(jobs)))
        return answer

    async def cancel_experiment_jobs(self, body: CancelJobs) -> ChangedJobs:
        """Cancel a part of the jobs that a filter chooses; again until none is left."""
        answer: ChangedJobs = await self._send(calls.CANCEL_EXPERIMENT_JOBS, body)
        return answer

    async def read_experiment_array(self, array_id: str) -> ArrayDetail:
        answer: ArrayDetail = await self._send(calls.READ_EXPERIMENT_ARRAY, array_id=array_id)
        return answer

    async def cancel_experiment_array(self, array_id: str) -> ArrayDetail:
        answer: ArrayDetail = await self._send(calls.CANCEL_EXPERIMENT_ARRAY, array_id=array_id)
        return answer


class JobBatches(Resource):
    """Calls about many jobs of any experiment, and about their order."""

    async def queue_job(self, body: QueueJob) -> JobDetail:
        """Queue a command in the experiment that the body names."""
        answer: JobDetail = await self._send(calls.QUEUE_JOB, body)
        return answer

    async def queue_jobs(self, jobs: Sequence[QueueJob]) -> SubmittedJobs:
        """Queue up to a thousand commands, all or none; safe to repeat where each has an idempotency key."""
        answer: SubmittedJobs = await self._send(calls.QUEUE_JOBS, QueueJobs(jobs=tuple(jobs)))
        return answer

    async def cancel_jobs(self, body: CancelJobs) -> ChangedJobs:
        """Cancel a part of the jobs that a filter chooses; again until none is left."""
        answer: ChangedJobs = await self._send(calls.CANCEL_JOBS, body)
        return answer

    async def reprioritise_jobs(self, body: ReprioritiseJobs) -> ChangedJobs:
        """Change the priority of a part of the waiting jobs that a filter chooses; again until none is left."""
        answer: ChangedJobs = await self._send(calls.REPRIORITISE_JOBS, body)
        return answer

    async def move_job(self, job_id: str, body: MoveJob) -> JobDetail:
        answer: JobDetail = await self._send(calls.MOVE_JOB, body, job_id=job_id)
        return answer

    async def read_array(self, array_id: str) -> ArrayDetail:
        answer: ArrayDetail = await self._send(calls.READ_ARRAY, array_id=array_id)
        return answer

    async def cancel_array(self, array_id: str) -> ArrayDetail:
        answer: ArrayDetail = await self._send(calls.CANCEL_ARRAY, array_id=array_id)
        return answer

    async def reopen_arrays(self, body: ReopenArrays) -> ReopenedArrays:
        """Let a part of the arrays that an act cancelled go on; again from `next` on, until there is none."""
        answer: ReopenedArrays = await self._send(calls.REOPEN_ARRAYS, body)
        return answer
