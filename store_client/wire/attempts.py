"""An attempt that runs on another machine: what it is to do, and what it tells of itself."""

from typing import Literal

from pydantic import ConfigDict, Field

from store_client.wire.jobs import ExitCause, SubmitJob
from store_client.wire.record import Body, Record
from store_client.wire.scalars import Commit, ExperimentId, NonEmpty, Timestamp

NEWS_BYTES = 512 * 1024
"""Send no more at once: it travels as text, in a body of bounded size."""


class BeginAttempt(Body):
    """The ticket that came with the job, and the secret that this machine made for the attempt."""

    ticket: NonEmpty = Field(max_length=200)
    secret: str = Field(
        min_length=32, max_length=200, description="proves the attempt from now on; told to nobody else"
    )


class AttemptOrder(Record):
    """All that a machine needs to know to run an attempt."""

    job_id: NonEmpty
    attempt: int
    number: int
    experiment_id: ExperimentId
    commit_sha: Commit
    base_commit_sha: Commit | None = None
    submitted_by: str
    created_at: Timestamp
    spec: SubmitJob
    branch: NonEmpty = Field(description="receives the commit that the attempt publishes, if any")


class AttemptNews(Body):
    """The next bytes of a file of the attempt; none is a sign of life."""

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    of: Literal["log", "progress", "result"] = "log"
    offset: int = Field(
        default=0, ge=0, description="where in the file they belong; sending them again changes nothing"
    )
    data: bytes = Field(default=b"", description="in base64, best of the alphabet for addresses")


class AttemptWish(Record):
    """How much of the file the server has, and whether the attempt is to stop."""

    next_offset: int
    stop: Literal["cancel", "preempt"] | None = None


class AttemptResult(Record):
    """How an attempt ended and what it made: the file `result` of its news."""

    cause: ExitCause
    exit_code: int | None = None
    detail: str | None = None
    files: dict[str, str] = Field(default_factory=dict)
    stdout: str | None = None
    published_commit: Commit | None = Field(default=None, description="pushed to the branch of the order")


class EndAttempt(Body):
    """Nothing of the attempt runs any more, and all of its result has been sent."""

    result_bytes: int = Field(gt=0)
