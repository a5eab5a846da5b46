"""Checkpoints (protocol §10): what an archive says of itself, and what its import answers."""

from pydantic import Field, JsonValue

from store_client.wire.experiments import Experiment
from store_client.wire.record import Record
from store_client.wire.scalars import ExperimentId, NonEmpty, OpaqueId, Timestamp
from store_client.wire.tasks import TaskKind

MEDIA_TYPE = "application/x-eden-checkpoint+tar"
FORMAT_VERSIONS = ("1",)
"""The archive formats that are written and read here, the newest last."""
SPEC_VERSION = "v0"


class CheckpointCounts(Record):
    """How many lines each file has; the lines themselves are the authority."""

    tasks: int = Field(ge=0)
    ideas: int = Field(ge=0)
    variants: int = Field(ge=0)
    submissions: int = Field(ge=0)
    events: int = Field(ge=0)
    workers: int = Field(ge=0)
    groups: int = Field(ge=0)


class CheckpointPaths(Record):
    """Where everything lies below the archive's one folder."""

    experiment_config: NonEmpty = "experiment-config.yaml"
    experiment: NonEmpty = "experiment.json"
    tasks: NonEmpty = "tasks.jsonl"
    ideas: NonEmpty = "ideas.jsonl"
    variants: NonEmpty = "variants.jsonl"
    submissions: NonEmpty = "submissions.jsonl"
    events: NonEmpty = "events.jsonl"
    workers: NonEmpty = "workers.jsonl"
    groups: NonEmpty = "groups.jsonl"
    repo_bundle: NonEmpty = "repo.bundle"
    artifacts_dir: NonEmpty = "artifacts/sha256"


class Exporter(Record):
    """Who wrote it, and what only that server understands of it; other readers ignore it."""

    implementation: str | None = None
    atomicity_mechanism: str | None = None
    experiment: dict[str, JsonValue] | None = Field(default=None, description="what the protocol's object leaves out")


class Manifest(Record):
    checkpoint_format_version: NonEmpty
    spec_version: NonEmpty
    experiment_id: ExperimentId
    exported_at: Timestamp
    exporter: Exporter | None = None
    requires_credential_reissue: bool
    counts: CheckpointCounts
    files: CheckpointPaths


class SubmissionLine(Record):
    """One line of `submissions.jsonl`."""

    task_id: OpaqueId
    kind: TaskKind | None = None
    payload: dict[str, JsonValue]
    submitted_at: Timestamp | None = None


class ImportedCheckpoint(Record):
    """Where an archive landed, and what its importer should know."""

    experiment_id: ExperimentId
    warnings: tuple[str, ...]


class CheckpointReport(Record):
    """What is in an archive that could be imported, and what its importer should know; nothing was made."""

    manifest: Manifest
    name: str | None = None
    has_repository: bool
    warnings: tuple[str, ...] = ()


class CheckpointFile(Record):
    """An automatic checkpoint that the server keeps."""

    name: NonEmpty
    created_at: Timestamp
    size_bytes: int = Field(ge=0)
    is_final: bool = Field(description="written when the experiment ended, and kept for good")


class CheckpointList(Record):
    """The automatic checkpoints of an experiment, the newest first."""

    checkpoints: tuple[CheckpointFile, ...]


def is_import_of(experiment: Experiment, manifest: Manifest) -> bool:
    """Whether an experiment came from exactly this archive (protocol §10.6)."""
    origin = experiment.imported_from
    return origin is not None and (origin.source_experiment_id, origin.checkpoint_exported_at) == (
        manifest.experiment_id,
        manifest.exported_at,
    )
