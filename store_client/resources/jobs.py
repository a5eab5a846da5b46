"""Jobs: one experiment's, and the whole queue."""

from store_client.resources.resource import Resource
from store_client.wire.batches import JobFilter
from store_client.wire.calls import jobs as calls
from store_client.wire.jobs import Fleet, JobDetail, JobPage, JobState, LogSlice, Reprioritise, SubmitJob


class ExperimentJobs(Resource):
    """Calls about the jobs of one experiment."""

    async def submit_job(self, body: SubmitJob) -> JobDetail:
        """Queue a command; the same idempotency key gives the same job, so this is safe to repeat with one."""
        answer: JobDetail = await self._send(calls.SUBMIT_JOB, body)
        return answer

    async def read_experiment_job(self, job_id: str, wait_seconds: float = 0) -> JobDetail:
        """A job as it is when it has ended, or after so many seconds (30 at most)."""
        query = calls.WaitQuery(wait_seconds=wait_seconds)
        answer: JobDetail = await self._send(calls.READ_EXPERIMENT_JOB, query=query, job_id=job_id)
        return answer

    async def cancel_experiment_job(self, job_id: str) -> JobDetail:
        answer: JobDetail = await self._send(calls.CANCEL_EXPERIMENT_JOB, job_id=job_id)
        return answer

    async def list_experiment_jobs(
        self,
        state: JobState | None = None,
        *,
        is_open: bool | None = None,
        after: str | None = None,
        limit: int = 50,
        wanted: JobFilter | None = None,
    ) -> JobPage:
        """A page of an experiment's jobs; `wanted` has further conditions (`ListedJobs`: arrays as one)."""
        query = calls.JobPageQuery(state=state, is_open=is_open, after=after, limit=limit).narrowed(wanted)
        answer: JobPage = await self._send(calls.LIST_EXPERIMENT_JOBS, query=query)
        return answer


class Jobs(Resource):
    """Calls about the jobs of every experiment, and the machines they run on."""

    async def list_jobs(
        self,
        experiment_id: str | None = None,
        *,
        is_open: bool | None = None,
        after: str | None = None,
        limit: int = 50,
        wanted: JobFilter | None = None,
    ) -> JobPage:
        """A page of all jobs, of open or ended ones, or of those of a filter (`ListedJobs`: arrays as one; by end)."""
        query = calls.JobPageQuery(experiment_id=experiment_id, is_open=is_open, after=after, limit=limit)
        answer: JobPage = await self._send(calls.LIST_JOBS, query=query.narrowed(wanted))
        return answer

    async def read_job(self, job_id: str, wait_seconds: float = 0) -> JobDetail:
        answer: JobDetail = await self._send(
            calls.READ_JOB, query=calls.WaitQuery(wait_seconds=wait_seconds), job_id=job_id
        )
        return answer

    async def cancel_job(self, job_id: str) -> JobDetail:
        answer: JobDetail = await self._send(calls.CANCEL_JOB, job_id=job_id)
        return answer

    async def retry_job(self, job_id: str) -> JobDetail:
        answer: JobDetail = await self._send(calls.RETRY_JOB, job_id=job_id)
        return answer

    async def reprioritise_job(self, job_id: str, priority: int) -> JobDetail:
        answer: JobDetail = await self._send(calls.REPRIORITISE_JOB, Reprioritise(priority=priority), job_id=job_id)
        return answer

    async def read_job_log(
        self, job_id: str, offset: int = 0, limit: int = 65_536, attempt: int | None = None, wait_seconds: float = 0
    ) -> LogSlice:
        """Text of a job's log from a byte offset, waiting for more where there is none yet."""
        query = calls.LogQuery(offset=offset, limit=limit, attempt=attempt, wait_seconds=wait_seconds)
        answer: LogSlice = await self._send(calls.READ_JOB_LOG, query=query, job_id=job_id)
        return answer

    async def read_fleet(self) -> Fleet:
        answer: Fleet = await self._send(calls.READ_FLEET)
        return answer
