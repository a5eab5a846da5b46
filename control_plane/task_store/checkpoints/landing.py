"""The one commit of an import: every row of the experiment, or none."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Table, column, insert, table

from control_plane.db import log
from control_plane.db.identities import Keys, new_secret
from control_plane.db.staging import Staging
from control_plane.db.tables import credentials, events, groups, members, scores, tallies, workers
from control_plane.db.transaction import Tx
from control_plane.task_store.checkpoints.ports import Registry
from control_plane.task_store.operations import descent, scoring
from control_plane.task_store.tables import artifacts, ideas, submissions, tasks, variant_parents, variants
from store_client.wire.scalars import format_time, parse_time

BATCH = 2000
TASK_ROWS = (
    "SELECT t.n, t.row, COALESCE(i.priority, e.priority, 0), substr(COALESCE(json_extract(i.row, '$.slug'), v.kind, "
    "json_extract(e.row, '$.slug')), 1, 200) FROM tasks t LEFT JOIN ideas i ON i.id = t.subject "
    "LEFT JOIN variants v ON v.id = t.subject AND t.kind = 'evaluation' LEFT JOIN ideas e ON e.id = v.idea ORDER BY t.n"
)
VARIANT_ROWS = (
    "SELECT v.n, v.row, (SELECT COUNT(*) FROM tasks t WHERE t.subject = v.id AND t.kind = 'evaluation' "
    "AND t.state IN ('completed', 'failed')), k.place FROM variants v LEFT JOIN (SELECT id, ROW_NUMBER() OVER "
    "(ORDER BY told, n) AS place FROM (SELECT w.id, w.n, COALESCE((SELECT MIN(n) FROM events e WHERE e.variant = w.id "
    "AND e.type = 'variant.integrated'), 9e18) AS told FROM variants w WHERE w.integrated IS NOT NULL)) k "
    "ON k.id = v.id ORDER BY v.n"
)
EVENT_ROWS = "SELECT minted, type, occurred_at, data FROM events ORDER BY n"
TALLIES = (
    "SELECT 'ideas', COUNT(*) FROM ideas UNION ALL SELECT 'variants', COUNT(*) FROM variants "
    "UNION ALL SELECT 'variants.integrated', COUNT(*) FROM variants WHERE integrated IS NOT NULL "
    "UNION ALL SELECT 'ideas.' || state, COUNT(*) FROM ideas GROUP BY state "
    "UNION ALL SELECT 'variants.' || status, COUNT(*) FROM variants GROUP BY status "
    "UNION ALL SELECT 'tasks.' || kind || '.' || state, COUNT(*) FROM tasks GROUP BY kind, state"
)


@dataclass(frozen=True)
class Credential:
    """A worker's new secret and how it is kept."""

    worker_id: str
    secret: str
    digest: str


@dataclass(frozen=True)
class Landing:
    """Everything that one import is about to write."""

    config: Mapping[str, Any]
    arrived: Mapping[str, Any]
    """The experiment's own row, as far as the archive says it."""
    stage: Staging
    registry: Registry
    credentials: tuple[Credential, ...]

    def commit(self, tx: Tx) -> None:
        """Write it all into the transaction's experiment; ExperimentIdConflict when that holds anything."""
        self.registry.must_be_free(tx)
        self.registry.settle(tx, self.config, self.arrived)
        self._write_registries(tx)
        for name, rows in (("tasks", self._tasks()), ("ideas", self._plain("ideas")), ("variants", self._variants())):
            _insert(tx, TABLES[name], rows)
        _insert(tx, variant_parents, self._parents())
        descent.settle(tx)
        _insert(tx, submissions, self._plain("submissions", "experiment_id"))
        _insert(tx, artifacts, self._artifacts())
        self._write_log(tx)
        _insert(tx, tallies, ({"name": name, "total": total} for name, total in self.stage.rows(TALLIES)))
        self._write_scores(tx)
        scoring.write(tx)
        self.registry.reserve(tx)

    def _write_registries(self, tx: Tx) -> None:
        named = self.stage.rows("SELECT row, name FROM groups ORDER BY n")
        _insert(tx, groups, ({**json.loads(row), "name": name} for row, name in named), "scope")
        _insert(
            tx, workers, (json.loads(row) for (row,) in self.stage.rows("SELECT row FROM workers ORDER BY n")), "scope"
        )
        _insert(tx, members, self._members(tx.now), "scope")
        held = {"kind": "registration", "created_at": tx.now, "is_read_only": False}
        given = ({**held, "worker_id": each.worker_id, "digest": each.digest} for each in self.credentials)
        _insert(tx, credentials, given, "scope")

    def _members(self, now: str) -> Iterator[dict[str, Any]]:
        """Memberships in the order in which they were listed: each a little later than the one before."""
        begun = parse_time(now)
        listed = self.stage.rows("SELECT grp, member FROM members ORDER BY rowid")
        for number, (group_id, member_id) in enumerate(listed):
            at = format_time(begun + timedelta(microseconds=number))
            yield {"group_id": group_id, "member_id": member_id, "added_at": at}

    def _tasks(self) -> Iterator[dict[str, Any]]:
        for number, row, priority, title in self.stage.rows(TASK_ROWS):
            yield {**json.loads(row), "number": number, "priority": priority, "title": title}

    def _variants(self) -> Iterator[dict[str, Any]]:
        for number, row, attempts, place in self.stage.rows(VARIANT_ROWS):
            yield {**json.loads(row), "number": number, "evaluation_attempts": attempts, "integration_number": place}

    def _parents(self) -> Iterator[dict[str, Any]]:
        for number, row in self.stage.rows("SELECT n, row FROM variants ORDER BY n"):
            for place, commit in enumerate(dict.fromkeys(_listed(json.loads(row)["parent_commits"]))):
                yield {"number": number, "place": place, "commit_sha": commit}

    def _plain(self, name: str, *unnumbered: str) -> Iterator[dict[str, Any]]:
        for number, row in self.stage.rows(f"SELECT n, row FROM {name} ORDER BY n"):  # noqa: S608 - our own names
            yield json.loads(row) if unnumbered else {**json.loads(row), "number": number}

    def _artifacts(self) -> Iterator[dict[str, Any]]:
        names = ("artifact_id", "sha256", "filename", "content_type", "size_bytes", "created_by", "created_at")
        listed = "SELECT id, sha256, filename, content_type, size_bytes, created_by, created_at FROM artifacts"
        return (dict(zip(names, row, strict=True)) for row in self.stage.rows(listed))

    def _write_log(self, tx: Tx) -> None:
        """The log as it was exported, at the end of this deployment's own."""
        position, sequence = log.tip(tx.connection), 0

        def replayed() -> Iterator[dict[str, Any]]:
            nonlocal position, sequence
            for event_id, type_, occurred_at, data in self.stage.rows(EVENT_ROWS):
                is_registered = type_ in log.PROTOCOL_TYPES
                position, sequence = position + 1, sequence + is_registered
                yield {
                    "position": position,
                    "sequence": sequence if is_registered else None,
                    "event_id": event_id,
                    "type": type_,
                    "occurred_at": occurred_at,
                    "data": data,
                }

        _insert(tx, events, replayed())

    def _write_scores(self, tx: Tx) -> None:
        baseline = self.stage.first("SELECT id, value FROM variants WHERE kind IS NOT NULL AND value IS NOT NULL")
        value = "value" if self.config["objective"]["direction"] == "minimize" else "-value"
        query = f"SELECT id, value FROM variants WHERE value IS NOT NULL ORDER BY {value}, n"  # noqa: S608 - our own words
        best = self.stage.first(query)
        if best is not None:
            names = ("baseline_variant_id", "baseline_value", "best_variant_id", "best_value")
            row = dict(zip(names, (*(baseline or (None, None)), *best), strict=True))
            _insert(tx, scores, [row])


def _listed(commits: list[str] | str) -> list[str]:
    """Commits that are a list, or the JSON of one."""
    return list(json.loads(commits)) if isinstance(commits, str) else commits


TABLES: Mapping[str, Table] = {"tasks": tasks, "ideas": ideas, "variants": variants}


def _insert(tx: Tx, into: Table, rows: Iterable[Mapping[str, Any]], scope: str = "experiment_id") -> None:
    """Insert rows of this experiment a batch at a time; JSON comes as text already and goes through as it is."""
    batch: list[dict[str, Any]] = []
    statement = None
    for row in rows:
        batch.append({**row, scope: tx.experiment_id})
        if statement is None:
            statement = insert(table(into.name, *(column(name) for name in batch[0])))
        if len(batch) >= BATCH:
            tx.connection.execute(statement, batch)
            batch = []
    if batch and statement is not None:
        tx.connection.execute(statement, batch)


def mint_credentials(stage: Staging, keys: Keys) -> tuple[Credential, ...]:
    """A new secret for every worker of the archive."""
    workers_ = [str(worker_id) for (worker_id,) in stage.rows("SELECT id FROM workers ORDER BY n")]
    secrets = [new_secret() for _ in workers_]
    return tuple(Credential(each, secret, keys.digest(secret)) for each, secret in zip(workers_, secrets, strict=True))
