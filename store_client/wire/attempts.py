"""An attempt that runs on another machine: what it is to do, and what it tells of itself."""

from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from store_client.wire.jobs import ExitCause, SubmitJob
from store_client.wire.record import Body, Record
from store_client.wire.scalars import Commit, ExperimentId, NonEmpty, Timestamp

NEWS_BYTES = 512 * 1024
"""Send no more at once: it travels as text, in a body of bounded size."""
MOST_CHECKPOINTS = 2000
"""So many files of a job's checkpoints travel at most."""
LARGEST = 2**53 - 1
"""The largest whole number that every reader of JSON keeps."""


def _below(name: str) -> str:
    """A path that stays below its folder, spelled in the one way."""
    if "\0" in name or ".." in name.split("/") or name.startswith("/") or str(PurePosixPath(name)) != name:
        raise ValueError("not a plain path below the folder of checkpoints")
    return name


class CarriedFile(Record):
    """A file of a job's checkpoints as it was at one moment, by its path below their folder."""

    name: Annotated[str, Field(min_length=1, max_length=400), AfterValidator(_below)]
    bytes: int = Field(ge=0, le=LARGEST)
    modified_microseconds: int = Field(ge=0, le=LARGEST, description="since 1970; with the size it tells states apart")


class CarriedCheckpoints(Record):
    """What a job's attempts have left for the next one, and which of them did."""

    attempt: int = Field(default=0, description="0: none has left anything")
    files: tuple[CarriedFile, ...] = ()
    most_bytes: int = Field(description="the server takes no more than that in all")


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

    of: Literal["log", "progress", "result", "checkpoint"] = "log"
    file: CarriedFile | None = Field(default=None, description="which of the checkpoints")
    offset: int = Field(
        default=0, ge=0, description="where in the file they belong; sending them again changes nothing"
    )
    data: bytes = Field(default=b"", description="in base64, best of the alphabet for addresses")

    @model_validator(mode="after")
    def _names_a_checkpoint(self) -> "AttemptNews":
        if (self.of == "checkpoint") != (self.file is not None):
            raise ValueError("news of a checkpoint name their file, and no others do")
        return self


class KeepCheckpoints(Body):
    """The checkpoints of the job are these from now on; each has been sent, or was kept before."""

    files: tuple[CarriedFile, ...] = Field(max_length=MOST_CHECKPOINTS)


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
