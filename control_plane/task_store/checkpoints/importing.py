"""An import in order: read, check, place what lies beside the database, commit all rows at once."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from sqlalchemy import select

from control_plane.db.staging import Staging, staging
from control_plane.db.tables import experiments
from control_plane.db.transaction import Tx
from control_plane.edge.house import House
from control_plane.task_store.artifact_files import ArtifactFiles
from control_plane.task_store.checkpoints import arriving, crossing, reading, sidecar
from control_plane.task_store.checkpoints.archive import Archive
from control_plane.task_store.checkpoints.contents import Contents
from control_plane.task_store.checkpoints.journal import Journal, Note
from control_plane.task_store.checkpoints.landing import Credential, Landing, mint_credentials
from control_plane.task_store.checkpoints.lines import Lines
from control_plane.task_store.checkpoints.ports import Bundles, Placed, Registry
from control_plane.task_store.checkpoints.stage import TABLES
from store_client.errors import BadRequest, CheckpointInvalid, Refused
from store_client.wire.checkpoints import CheckpointReport, ImportedCheckpoint, Manifest
from store_client.wire.experiments import Experiment


@dataclass(frozen=True)
class Import:
    """Reads archives into one deployment, on whatever thread it is called."""

    house: House
    files: ArtifactFiles
    bundles: Bundles
    registry: Registry
    spool: Path
    journal: Journal

    def run(self, file: IO[bytes], landing_id: str) -> ImportedCheckpoint:
        """The experiment in an archive, made under this id; a refusal leaves nothing behind."""
        archive = Archive(file)
        manifest = reading.read_manifest(archive)
        with (
            staging(self.spool, TABLES) as stage,
            self.journal.alone(landing_id) as note,
            self.bundles.alone(landing_id),
        ):
            reader = _Reader(archive, manifest, landing_id, stage)
            reader.read(self.registry, self.house.mint)
            with self._repository(reader) as placed:
                if placed is not None:
                    reader.warnings.extend(crossing.check_repository(stage, placed))
                return self._land(reader, placed, note)

    def check(self, file: IO[bytes], landing_id: str) -> CheckpointReport:
        """What an import of the archive would find; nothing is made."""
        archive = Archive(file)
        manifest = reading.read_manifest(archive)
        with staging(self.spool, TABLES) as stage, self.bundles.alone(landing_id):
            reader = _Reader(archive, manifest, landing_id, stage)
            reader.read(self.registry, self.house.mint)
            with self._repository(reader) as placed:
                if placed is not None:
                    reader.warnings.extend(crossing.check_repository(stage, placed))
            return CheckpointReport(
                manifest=manifest,
                name=reader.runtime.name,
                has_repository=reader.has_repository,
                warnings=tuple(reader.warnings),
            )

    def sweep(self) -> None:
        """Clear what imports that died before their commit left behind."""
        self.journal.sweep(self._clear_alone)

    def _clear_alone(self, experiment_id: str, was_placing: bool) -> None:
        with self.bundles.alone(experiment_id):
            self._clear(experiment_id, was_placing)

    def _clear(self, experiment_id: str, was_placing: bool) -> None:
        if was_placing and not self.house.read_now(lambda tx: _has_files(tx, experiment_id)):
            self.bundles.remove(experiment_id)
            sidecar.remove(self.journal.folder, experiment_id)
        self.bundles.tidy(experiment_id)

    @contextmanager
    def _repository(self, reader: "_Reader") -> Iterator[Placed | None]:
        """The archive's repository; None where it came without one."""
        if not reader.has_repository:
            yield None
            return
        with (
            reader.archive.open(reader.manifest.files.repo_bundle) as bundle,
            self.bundles.unpack(reader.landing_id, bundle) as placed,
        ):
            yield placed

    def _land(self, reader: "_Reader", placed: Placed | None, note: Note) -> ImportedCheckpoint:
        """Place the files, then commit; whatever is refused takes its files with it."""
        experiment_id = reader.landing_id
        self.house.read_now(lambda tx: self.registry.must_be_free(tx.at(experiment_id)))
        self.bundles.must_be_vacant(experiment_id)
        credentials = mint_credentials(reader.stage, self.house.keys) if reader.needs_credentials else ()
        landing = Landing(reader.config, reader.arrived(), reader.stage, self.registry, credentials)
        note.is_placing()
        try:
            self._place(reader, placed, credentials)
            self.house.writer.write(landing.commit, experiment_id=experiment_id)
        except (Refused, OSError):
            self._clear(experiment_id, was_placing=True)
            raise
        return ImportedCheckpoint(experiment_id=experiment_id, warnings=tuple(reader.warnings))

    def _place(self, reader: "_Reader", placed: Placed | None, credentials: tuple[Credential, ...]) -> None:
        if placed is not None:
            placed.publish()
        reader.contents.place(self.files)
        if credentials:
            path = sidecar.write(self.journal.folder, reader.landing_id, credentials)
            words = f"credentials-reissued: the new credentials of {len(credentials)} workers are in {path}"
            reader.warnings.append(words)


def _has_files(tx: Tx, experiment_id: str) -> bool:
    """Whether the experiment's files are its own: an import of it was committed, or it was made from a directory."""
    row = select(experiments.c.imported_from, experiments.c.base_commit_sha)
    found = tx.connection.execute(row.where(experiments.c.experiment_id == experiment_id)).first()
    return found is not None and any(value is not None for value in found)


@dataclass
class _Reader:
    """One archive read: its lines laid out, and what is known of the experiment as a whole."""

    archive: Archive
    manifest: Manifest
    landing_id: str
    stage: Staging
    warnings: list[str] = field(default_factory=list)
    config: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.contents = Contents(self.archive, self.manifest.files.artifacts_dir, self.stage)
        self.has_repository = self.archive.size_of(self.manifest.files.repo_bundle) > 0
        self.config_text = reading.read_text(self.archive, self.manifest.files.experiment_config)

    @property
    def needs_credentials(self) -> bool:
        return self.manifest.requires_credential_reissue

    def read(self, registry: Registry, mint: Callable[[str], str]) -> None:
        """Check everything that the archive says; CheckpointInvalid for the first fault."""
        files = self.manifest.files
        raw = reading.read_whole(self.archive, files.experiment)
        reading.parse(raw, files.experiment)
        self.runtime = reading.to_record(raw, Experiment, files.experiment)
        if self.runtime.experiment_id != self.manifest.experiment_id:
            raise CheckpointInvalid(f"{files.experiment} and the manifest name different experiments")
        config = self._config(registry)
        self.contents.lay_out(self.manifest.exported_at)
        lines = Lines(self.manifest.experiment_id, self.landing_id, config, self.contents, self.stage, mint)
        counts = lines.lay_out(self.archive, files)
        crossing.check_lines(self.stage)
        self.config = registry.stand_in(arriving.metrics_of(self.stage)) if config is None else config
        self.warnings.extend(arriving.warn(self.manifest, counts, self.stage, self._lacks()))

    def arrived(self) -> dict[str, Any]:
        """The experiment's own row, as far as the archive says it."""
        text = self.config_text if self.config_text.strip() else None
        is_complete = not self._lacks()
        columns = arriving.columns(self.manifest, self.runtime, self.stage)
        return {**columns, "config_text": text, "is_complete": is_complete}

    def _config(self, registry: Registry) -> Mapping[str, Any] | None:
        """The config; None where the archive came without one."""
        if not self.config_text.strip():
            return None
        try:
            return registry.read_config(self.config_text)
        except BadRequest as error:
            raise CheckpointInvalid(f"{self.manifest.files.experiment_config}: {error.detail}") from error

    def _lacks(self) -> list[str]:
        has = {"config": bool(self.config_text.strip()), "repository": self.has_repository}
        return [name for name, is_there in has.items() if not is_there]
