"""What the things of each wing say of themselves, for whoever searches: read for many at once, along primary keys."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, func, select

from control_plane.db.tables import experiments, workers
from control_plane.db.transaction import Tx
from control_plane.registry.operations import people
from control_plane.scheduler.tables import job_tags, jobs
from control_plane.search.ports import Described
from control_plane.task_store.artifact_files import ArtifactFiles
from control_plane.task_store.operations.artifacts import SCHEME
from control_plane.task_store.tables import artifacts, ideas, tasks, variants

READ_BYTES = 16 * 1024


@dataclass(frozen=True)
class Describing:
    """The wings as the search asks them."""

    files: ArtifactFiles

    def describe(self, tx: Tx, kind: str, ids: Collection[str]) -> Iterable[Described]:
        """What these things of the transaction's experiment say of themselves."""
        describing: dict[str, Callable[[Tx, Collection[str]], Iterable[Described]]] = {
            "experiment": _experiments, "idea": self._ideas, "variant": _variants, "job": _jobs, "worker": _workers,
        }  # fmt: skip
        return describing[kind](tx, ids)

    def tasks(self, tx: Tx, task_id: str) -> Iterable[Described]:
        """The tasks with this id: one look in each experiment."""
        of_all = tasks.c.experiment_id.in_(select(experiments.c.experiment_id))
        for row in _rows(tx, select(tasks).where(of_all, tasks.c.task_id == task_id)):
            text = f"{row['kind']} task, {row['state']}"
            yield Described(row["task_id"], text.capitalize(), row["created_at"], text, scope=row["experiment_id"])

    def visible(self, tx: Tx) -> Collection[str] | None:
        """The experiments that the caller sees; None for all of them."""
        if not tx.caller.is_confined:
            return None
        return set(tx.connection.scalars(people.own_experiments(tx.caller.worker_id)))

    def _ideas(self, tx: Tx, ids: Collection[str]) -> Iterator[Described]:
        deposited = (artifacts.c.experiment_id == ideas.c.experiment_id) & (
            artifacts.c.artifact_id == func.substr(ideas.c.artifacts_uri, len(SCHEME) + 1)
        )
        kept = select(artifacts.c.sha256).where(deposited, _is_text()).scalar_subquery()
        wanted = select(ideas.c.idea_id, ideas.c.slug, ideas.c.created_at, kept.label("sha256"))
        for row in _rows(tx, wanted.where(ideas.c.experiment_id == tx.experiment_id, ideas.c.idea_id.in_(ids))):
            text = self._beginning(row["sha256"]) if row["sha256"] else ""
            yield Described(row["idea_id"], row["slug"], row["created_at"], text)

    def _beginning(self, sha256: str) -> str:
        try:
            with self.files.path(sha256).open("rb") as file:
                return file.read(READ_BYTES).decode(errors="replace")
        except OSError:  # what the disk has lost is found by its name
            return ""


def _is_text() -> ColumnElement[bool]:
    return func.lower(artifacts.c.content_type).like("text/%") | (artifacts.c.content_type == "application/json")


def _rows(tx: Tx, query: Select[Any]) -> Iterable[RowMapping]:
    return tx.connection.execute(query).mappings().all()


def _experiments(tx: Tx, ids: Collection[str]) -> Iterator[Described]:
    for row in _rows(tx, select(experiments).where(experiments.c.experiment_id.in_(ids))):
        text = " ".join(filter(None, (row["description"], row["hypothesis"])))
        also = " ".join(filter(None, (row["slug"], row["kind"], row["base_commit_sha"])))
        yield Described(row["experiment_id"], row["name"], row["created_at"], text, also)


def _variants(tx: Tx, ids: Collection[str]) -> Iterator[Described]:
    called = (ideas.c.experiment_id == variants.c.experiment_id) & (ideas.c.idea_id == variants.c.idea_id)
    wanted = select(variants, ideas.c.slug).outerjoin(ideas, called)
    here = variants.c.experiment_id == tx.experiment_id
    for row in _rows(tx, wanted.where(here, variants.c.variant_id.in_(ids))):
        also = " ".join(filter(None, (row["commit_sha"], row["variant_commit_sha"], row["kind"])))
        title = row["kind"] or row["slug"] or row["variant_id"]
        yield Described(row["variant_id"], title, row["started_at"], row["description"] or "", also)


def _jobs(tx: Tx, ids: Collection[str]) -> Iterator[Described]:
    tagged: dict[str, list[str]] = {}
    for row in _rows(tx, select(job_tags.c.job_id, job_tags.c.tag).where(job_tags.c.job_id.in_(ids))):
        tagged.setdefault(row["job_id"], []).append(row["tag"])
    wanted = select(jobs.c.job_id, jobs.c.name, jobs.c.commit_sha, jobs.c.created_at)
    for row in _rows(tx, wanted.where(jobs.c.job_id.in_(ids), jobs.c.experiment_id == tx.experiment_id)):
        yield Described(
            row["job_id"], row["name"], row["created_at"], " ".join(tagged.get(row["job_id"], ())), row["commit_sha"]
        )


def _workers(tx: Tx, ids: Collection[str]) -> Iterator[Described]:
    for row in _rows(tx, select(workers).where(workers.c.scope == tx.experiment_id, workers.c.worker_id.in_(ids))):
        labels = " ".join(f"{name} {value}" for name, value in (row["labels"] or {}).items())
        yield Described(row["worker_id"], row["name"] or row["worker_id"], row["registered_at"], labels)
