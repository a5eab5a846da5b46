"""Checkpoints of a house: archives out of one, into another, taken apart and put together by hand."""

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, update

from control_plane.db.engine import Database
from control_plane.db.identities import Keys
from control_plane.db.tables import experiments
from control_plane.edge.house import House
from control_plane.registry import arrivals
from control_plane.repos.bundles import Bundles
from control_plane.repos.vend import Repositories
from control_plane.schema import metadata
from control_plane.task_store.artifact_files import ArtifactFiles
from control_plane.task_store.checkpoints.routes import Checkpoints, open_checkpoints
from control_plane.task_store.operations import artifacts
from control_plane.task_store.uploads import Stored
from store_client.wire.checkpoints import ImportedCheckpoint
from tests.store.task_house import CONFIG, TaskHouse

COUNTED = ("tasks", "ideas", "variants", "submissions", "events", "workers", "groups")
MINTED = {"experiment_id", "imported_from", "event_id"}
"""What an import may change in a line, beside claims."""
Parts = dict[str, bytes]


@dataclass
class Vault:
    """A house's checkpoints, its repositories and its files."""

    house: House
    data: Path
    repositories: Repositories
    checkpoints: Checkpoints

    def save(self, experiment_id: str) -> bytes:
        """An archive of an experiment."""
        file = io.BytesIO()
        self.checkpoints.dump.write(experiment_id, file)
        return file.getvalue()

    def load(self, archive: bytes, landing_id: str | None = None) -> ImportedCheckpoint:
        return self.checkpoints.load.run(io.BytesIO(archive), landing_id or self.house.mint("exp"))

    def deposit(self, store: TaskHouse, content: bytes, filename: str, name: str = "ann") -> str:
        """The address of a file that somebody stored."""
        incoming = ArtifactFiles(self.data / "artifacts").incoming()
        incoming.write(content)
        stored = Stored(incoming.keep(), len(content), filename, "text/markdown")
        return str(store.act(name, artifacts.record, stored).artifacts_uri)

    def everything(self) -> tuple[dict[str, int], list[str]]:
        """How many rows each table has, and what lies in the data directory."""
        with self.house.database.reading() as connection:
            rows = {
                name: connection.scalar(select(func.count()).select_from(table)) or 0
                for name, table in metadata.tables.items()
            }
        beside = sorted(str(path.relative_to(self.data)) for path in self.data.rglob("*") if path.is_file())
        return rows, beside


def vault(house: House, data: Path) -> Vault:
    repositories = Repositories(data / "repos")
    return Vault(house, data, repositories, open_checkpoints(house, data, Bundles(repositories), arrivals))


@contextmanager
def fresh_vault(url: str, data: Path) -> Iterator[Vault]:
    """A deployment without experiments."""
    house = House(Database.open(url), Keys("admin-token", b"another pepper"))
    try:
        yield vault(house, data)
    finally:
        house.close()


def complete(store: TaskHouse) -> None:
    """Give the house's experiment what one made through the registry has: a complete config and dispatch mode."""
    config = arrivals.read_config(json.dumps(CONFIG))
    query = update(experiments).where(experiments.c.experiment_id == store.experiment_id)
    kept = {"slug": "an-experiment", "tags": "protein urgent"}
    values = {"config": dict(config), "dispatch_mode": config["dispatch_mode"], **kept}
    store.write(lambda tx: tx.connection.execute(query.values(values)).close(), store.caller("admins"))


def unpack(archive: bytes) -> Parts:
    """The files of an archive by their paths below its folder."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        members = [member for member in tar if member.isfile()]
        return {member.name.partition("/")[2]: tar.extractfile(member).read() for member in members}  # type: ignore[union-attr] # it is a file


def pack(parts: Mapping[str, bytes], top: str = "somewhere", form: int = tarfile.USTAR_FORMAT) -> bytes:
    """An archive as another server might write it."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form) as tar:
        for path, content in parts.items():
            info = tarfile.TarInfo(f"{top}/{path}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return file.getvalue()


def rows_of(parts: Parts, name: str) -> list[dict[str, Any]]:
    """The lines of a file."""
    return [json.loads(line) for line in parts[f"{name}.jsonl"].splitlines()]


def with_rows(parts: Parts, name: str, rows: list[dict[str, Any]]) -> Parts:
    """The same archive with other lines in one file."""
    return {**parts, f"{name}.jsonl": b"".join(json.dumps(row).encode() + b"\n" for row in rows)}


def changed(parts: Parts, name: str, change: Callable[[dict[str, Any]], object], which: int = 0) -> Parts:
    """The same archive with one line changed."""
    rows = rows_of(parts, name)
    change(rows[which])
    return with_rows(parts, name, rows)


def settled(value: Any, experiment_id: str) -> Any:
    """A line without what an import may change."""
    if isinstance(value, dict):
        return {key: settled(each, experiment_id) for key, each in value.items() if key not in MINTED}
    return value


def settled_task(task: dict[str, Any]) -> dict[str, Any]:
    """A task as an import leaves it."""
    held = {"claim"} | ({"submitted_by"} if task["state"] == "claimed" else set())
    state = "pending" if task["state"] == "claimed" else task["state"]
    return {**{key: value for key, value in task.items() if key not in held}, "state": state}


def essence(parts: Parts) -> dict[str, Any]:
    """What a round trip preserves."""
    experiment = json.loads(parts["experiment.json"])
    held = {name: [settled(row, "") for row in rows_of(parts, name)] for name in COUNTED}
    held["tasks"] = [settled_task(task) for task in held["tasks"]]
    files = {path: content for path, content in parts.items() if path.startswith("artifacts/")}
    return {**held, "experiment": settled(experiment, ""), "files": files, "config": parts["experiment-config.yaml"]}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
