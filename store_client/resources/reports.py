"""What lies in the files of jobs: logs as files and as they grow, what attempts report, and their checkpoints."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager

from store_client.download import Download
from store_client.resources.log_stream import follow_log
from store_client.resources.resource import Resource
from store_client.wire.calls import reports as calls
from store_client.wire.jobs import LogSlice
from store_client.wire.reports import JobCheckpoints, JobMetrics


class JobFiles(Resource):
    """Calls about the files of a job."""

    def download_job_log(self, job_id: str, attempt: int | None = None) -> AbstractAsyncContextManager[Download]:
        """The log of an attempt, the newest unless another is named, as far as it is written."""
        return self._fetch(calls.DOWNLOAD_JOB_LOG, calls.OfAttempt(attempt=attempt), job_id=job_id)

    def stream_job_log(
        self, job_id: str, attempt: int | None = None, offset: int = 0
    ) -> AsyncGenerator[LogSlice, None]:
        """Every piece of an attempt's log as it is written, until the attempt has ended."""
        place = calls.StreamQuery(attempt=attempt, offset=offset)
        return follow_log(lambda query: self._fetch(calls.STREAM_JOB_LOG, query, job_id=job_id), place)

    async def read_job_metrics(
        self, job_id: str, after: int = 0, attempt: int | None = None, points: int = 400
    ) -> JobMetrics:
        """What an attempt reported, from the `next` of an earlier answer on; at most so many points a metric."""
        query = calls.MetricsQuery(after=after, attempt=attempt, points=points)
        answer: JobMetrics = await self._send(calls.READ_JOB_METRICS, query=query, job_id=job_id)
        return answer

    async def list_job_checkpoints(self, job_id: str) -> JobCheckpoints:
        answer: JobCheckpoints = await self._send(calls.LIST_JOB_CHECKPOINTS, job_id=job_id)
        return answer
