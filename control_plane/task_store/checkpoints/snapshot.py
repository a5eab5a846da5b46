"""The rows of one experiment as lines of an archive, read on one snapshot and never all at once."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Column, RowMapping, Select, select, tuple_

from control_plane.db.tables import events, groups, members, workers
from control_plane.db.transaction import Tx
from control_plane.task_store import records
from control_plane.task_store.operations.artifacts import SCHEME
from control_plane.task_store.tables import artifacts, ideas, submissions, tasks, variants
from store_client.wire.experiments import Experiment, Status
from store_client.wire.workers import Group, Worker

BATCH = 500
CONTENT = "checkpoint:sha256:"
"""What an archive calls an artifact by: its content's hash."""


@dataclass(frozen=True)
class Snapshot:
    """The reading of one experiment, in a transaction that sees one moment."""

    tx: Tx
    has: Callable[[str], bool]
    """Whether the content with this hash is still there."""

    def experiment(self) -> dict[str, Any]:
        row = self.tx.experiment
        return Experiment(
            experiment_id=row["experiment_id"],
            name=row["name"],
            state=Status(row["status"]).state,
            created_at=row["created_at"],
            base_commit_sha=row["base_commit_sha"],
            imported_from=row["imported_from"],
        ).to_wire()

    def lines(self) -> dict[str, Callable[[], Iterator[dict[str, Any]]]]:
        """What writes each file, by its name in the manifest."""
        return {
            "tasks": lambda: (records.task(row).to_wire() for row in self._numbered(tasks.c.number)),
            "ideas": self._ideas,
            "variants": self._variants,
            "submissions": self._submissions,
            "events": lambda: (records.event(row).to_wire() for row in self._numbered(events.c.sequence)),
            "workers": self._workers,
            "groups": self._groups,
        }

    def artifacts(self) -> Iterator[tuple[str, list[RowMapping]]]:
        """Every content of the experiment with the artifacts that have it."""
        query = select(artifacts).where(artifacts.c.experiment_id == self.tx.experiment_id)
        rows = self._paged(query, (artifacts.c.sha256, artifacts.c.artifact_id))
        for sha256, same in groupby(rows, lambda row: str(row["sha256"])):
            yield sha256, list(same)

    def _ideas(self) -> Iterator[dict[str, Any]]:
        for row in self._numbered(ideas.c.number):
            yield records.idea(row).having(artifacts_uri=self._content(row["artifacts_uri"])).to_wire()

    def _variants(self) -> Iterator[dict[str, Any]]:
        for row in self._numbered(variants.c.number):
            uris = {name: self._content(row[name]) for name in ("artifacts_uri", "executor_artifacts_uri")}
            wire = records.variant(row).having(**uris).to_wire()
            # A metric that was declined is null, and stays it.
            yield wire if row["evaluation"] is None else {**wire, "evaluation": row["evaluation"]}

    def _submissions(self) -> Iterator[dict[str, Any]]:
        together = submissions.join(tasks, _of_one_task())
        query = select(submissions, tasks.c.kind, tasks.c.number).select_from(together)
        here = query.where(submissions.c.experiment_id == self.tx.experiment_id)
        for row in self._paged(here, (tasks.c.number,)):
            payload = dict(row["payload"])
            if "artifacts_uri" in payload:
                payload["artifacts_uri"] = self._content(payload["artifacts_uri"])
            yield {**{name: row[name] for name in ("task_id", "kind", "submitted_at")}, "payload": payload}

    def _workers(self) -> Iterator[dict[str, Any]]:
        here = select(workers).where(workers.c.scope == self.tx.experiment_id)
        for row in self._paged(here, (workers.c.worker_id,)):
            fields = {name: row[name] for name in Worker.model_fields if name != "experiment_id"}
            yield Worker(**fields, experiment_id=row["scope"]).to_wire()

    def _groups(self) -> Iterator[dict[str, Any]]:
        here = select(groups).where(groups.c.scope == self.tx.experiment_id)
        for row in self._paged(here, (groups.c.group_id,)):
            fields = {name: row[name] for name in ("group_id", "name", "created_at", "created_by")}
            held = select(members.c.member_id).where(members.c.scope == row["scope"])
            held = held.where(members.c.group_id == row["group_id"]).order_by(members.c.added_at, members.c.member_id)
            inside = tuple(self.tx.connection.scalars(held))
            yield Group(**fields, experiment_id=row["scope"], members=inside).to_wire()

    def _content(self, uri: str | None) -> str | None:
        """The archive's name of an artifact of ours; any other address as it is."""
        if uri is None or not uri.startswith(SCHEME):
            return uri
        query = select(artifacts.c.sha256).where(artifacts.c.experiment_id == self.tx.experiment_id)
        sha256 = self.tx.connection.scalar(query.where(artifacts.c.artifact_id == uri.removeprefix(SCHEME)))
        return uri if sha256 is None or not self.has(sha256) else CONTENT + sha256

    def _numbered(self, number: Column[Any]) -> Iterator[RowMapping]:
        query = select(number.table).where(number.table.c.experiment_id == self.tx.experiment_id)
        return self._paged(query, (number,))

    def _paged(self, query: Select[Any], key: tuple[Column[Any], ...]) -> Iterator[RowMapping]:
        """The rows in the order of a unique key, a batch at a time."""
        after: tuple[Any, ...] | None = None
        while True:
            page = query if after is None else query.where(tuple_(*key) > after)
            page = page if after is not None else query.where(key[-1].is_not(None))
            batch = self.tx.connection.execute(page.order_by(*key).limit(BATCH)).mappings().all()
            yield from batch
            if len(batch) < BATCH:
                return
            after = tuple(batch[-1][column.name] for column in key)


def _of_one_task() -> Any:
    """How a submission belongs to its task."""
    return (tasks.c.experiment_id == submissions.c.experiment_id) & (tasks.c.task_id == submissions.c.task_id)


def to_line(value: Mapping[str, Any]) -> bytes:
    """One object as one line."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode() + b"\n"
