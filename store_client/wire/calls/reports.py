"""Calls about what lies in the files of a job: its log, what it reports, and its checkpoints."""

from pydantic import Field

from store_client.wire.call import Call, Query, Who
from store_client.wire.reports import JobCheckpoints, JobMetrics

J = "/api/jobs/{job_id}"


class OfAttempt(Query):
    attempt: int | None = Field(default=None, ge=1, description="absent: the newest")


class MetricsQuery(OfAttempt):
    after: int = Field(default=0, ge=0, description="the `next` of an earlier answer, of the same attempt")
    points: int = Field(default=400, ge=2, le=10_000, description="at most so many of each metric")


class StreamQuery(OfAttempt):
    """Where a stream begins; the header `Last-Event-ID`, an id of an earlier stream, goes first."""

    offset: int = Field(default=0, ge=0)


DOWNLOAD_JOB_LOG = Call(
    "download_job_log", "GET", J + "/log/download", Who.EITHER, "Fetch the whole log of an attempt, or a range of it",
    query=OfAttempt, is_streamed=True,
)  # fmt: skip
STREAM_JOB_LOG = Call(
    "stream_job_log", "GET", J + "/log/stream", Who.EITHER, "Follow the log of an attempt as server-sent events",
    query=StreamQuery, is_streamed=True,
)  # fmt: skip
READ_JOB_METRICS = Call(
    "read_job_metrics", "GET", J + "/metrics", Who.EITHER, "Read what an attempt reported of itself",
    query=MetricsQuery, answer=JobMetrics,
)  # fmt: skip
LIST_JOB_CHECKPOINTS = Call(
    "list_job_checkpoints", "GET", J + "/checkpoints", Who.EITHER, "List what a job keeps for its next attempt",
    answer=JobCheckpoints,
)  # fmt: skip

CALLS = (DOWNLOAD_JOB_LOG, STREAM_JOB_LOG, READ_JOB_METRICS, LIST_JOB_CHECKPOINTS)
