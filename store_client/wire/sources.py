"""Sources: what a new experiment begins with, laid out on the server and looked at before anything is made of it."""

from pydantic import Field

from store_client.wire.configs import ConfigFault
from store_client.wire.experiments import Objective
from store_client.wire.record import Body, Record
from store_client.wire.scalars import Commit, NonEmpty, Timestamp

MOST_BYTES = 128 * 1024 * 1024
"""The largest archive of files that is taken."""


class FetchSource(Body):
    """Where the files come from: a repository elsewhere, or one of the examples."""

    git_url: NonEmpty | None = Field(default=None, max_length=2_000)
    revision: NonEmpty | None = Field(default=None, max_length=200, description="a branch, tag or commit; default HEAD")
    example: NonEmpty | None = Field(default=None, max_length=100)


class Source(Record):
    """Files on the server, and what an experiment of them would be; none can be made while there are faults."""

    source_id: NonEmpty
    origin: str = Field(description="in words")
    commit_sha: Commit | None = Field(default=None, description="of the repository that they were fetched from")
    made_at: Timestamp
    expires_at: Timestamp
    files: int = 0
    size_bytes: int = 0
    paths: tuple[str, ...] = Field(default=(), description="the first of them")
    config_path: str | None = None
    name: str | None = None
    objective: Objective | None = None
    evaluation_schema: dict[str, str] = Field(default_factory=dict)
    commands: dict[str, str] = Field(default_factory=dict)
    faults: tuple[ConfigFault, ...] = ()
    notes: tuple[str, ...] = ()


class Example(Record):
    """An experiment that comes along with Switchyard."""

    name: NonEmpty
    title: str
    description: str = ""


class ExampleList(Record):
    examples: tuple[Example, ...]


class UnmadeExperiment(Record):
    """An id that was registered, and nothing was made of it here yet."""

    experiment_id: NonEmpty
    name: str | None = None
    created_at: Timestamp


class UnmadeList(Record):
    """The oldest first."""

    experiments: tuple[UnmadeExperiment, ...]
    next: str | None = None
