"""Calls about why jobs wait and how the queue stands."""

from pydantic import Field

from store_client.wire.call import Call, PageQuery, Who
from store_client.wire.scheduler import Explanation, SchedulerStatus

S = "/api/scheduler"


class QueueQuery(PageQuery):
    experiment_id: str | None = Field(default=None, max_length=100, description="only this experiment's jobs")


EXPLAIN_JOB = Call(
    "explain_job", "GET", S + "/explain/{job_id}", Who.EITHER,
    "Why a job waits, when it may start, and the smallest change that would start it", answer=Explanation,
)  # fmt: skip
READ_QUEUE = Call(
    "read_queue", "GET", S + "/queue", Who.EITHER,
    "How the queue stands, and who waits in the order of placement", query=QueueQuery, answer=SchedulerStatus,
)  # fmt: skip

CALLS = (EXPLAIN_JOB, READ_QUEUE)
