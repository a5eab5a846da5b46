"""Uploads that nothing cites: found page by page among the old ones, and looked at again when they are dropped."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, String, cast, delete, exists, literal, select

from control_plane.db import log
from control_plane.db.tables import events
from control_plane.db.transaction import Tx
from control_plane.task_store.draft_tables import draft_files
from control_plane.task_store.operations.artifacts import CITATIONS, SCHEME
from control_plane.task_store.tables import artifacts, submissions, variants

PAGE = 1000
_MENTION = re.compile(re.escape(SCHEME) + "([0-9a-f]{32})")
_MENTIONING = (events.c.data, submissions.c.payload, variants.c.description, variants.c.evaluation)
"""Free text, and JSON that may hold any: searched when something is about to go."""


@dataclass(frozen=True)
class Found:
    """What one page of artifacts holds: where the next begins, and what nothing cites, by experiment."""

    last: str | None
    uncited: dict[str, list[str]]
    tip: int
    """Everything up to this position of the log was searched."""


def find(tx: Tx, after: str, before: str) -> Found:
    """The uncited artifacts from before a moment among the next page of all."""
    page = select(artifacts.c.artifact_id).where(artifacts.c.artifact_id > after)
    ids = list(tx.connection.scalars(page.order_by(artifacts.c.artifact_id).limit(PAGE)))
    uncited: dict[str, list[str]] = {}
    if ids:
        old = _uncited(artifacts.c.artifact_id.between(ids[0], ids[-1])).where(artifacts.c.created_at < before)
        for artifact_id, experiment_id in tx.connection.execute(old):
            uncited.setdefault(experiment_id, []).append(artifact_id)
    for experiment_id in list(uncited):
        mentioned = _mentions(tx, experiment_id)
        uncited[experiment_id] = [one for one in uncited[experiment_id] if one not in mentioned]
    return Found(ids[-1] if ids else None, uncited, log.tip(tx.connection))


def drop(tx: Tx, artifact_ids: Collection[str], searched: int) -> int:
    """Delete the rows of those that are still uncited; how many there were."""
    recent = _recently_mentioned(tx, searched)
    rows = tx.connection.execute(_uncited(artifacts.c.artifact_id.in_(artifact_ids)))
    gone = [artifact_id for artifact_id, _ in rows if artifact_id not in recent]
    tx.connection.execute(delete(artifacts).where(artifacts.c.artifact_id.in_(gone)))
    return len(gone)


def with_rows(tx: Tx, hashes: Collection[str]) -> set[str]:
    """Which of these contents some artifact has."""
    return set(tx.connection.scalars(select(artifacts.c.sha256).where(artifacts.c.sha256.in_(hashes)).distinct()))


def _uncited(which: ColumnElement[bool]) -> Select[str, str]:
    uri = literal(SCHEME, String) + artifacts.c.artifact_id
    cited = (
        exists().where(column.table.c.experiment_id == artifacts.c.experiment_id, column == uri) for column in CITATIONS
    )
    drafted = exists().where(draft_files.c.artifact_id == artifacts.c.artifact_id)
    return select(artifacts.c.artifact_id, artifacts.c.experiment_id).where(which, ~drafted, *(~one for one in cited))


def _mentions(tx: Tx, experiment_id: str) -> set[str]:
    """The artifacts that any text of an experiment names."""
    found: set[str] = set()
    for column in _MENTIONING:
        text = cast(column, String)
        query = select(text).where(column.table.c.experiment_id == experiment_id, text.contains(SCHEME))
        found |= _named(tx.connection.scalars(query))
    return found


def _recently_mentioned(tx: Tx, searched: int) -> set[str]:
    """The artifacts that are named by what came after a search: events, and the rows that they tell of."""
    query = select(events.c.experiment_id, events.c.data, cast(events.c.data, String))
    told = list(tx.connection.execute(query.where(events.c.position > searched)))
    found = _named(text for *_, text in told)
    for table, key, columns in (
        (submissions, "task_id", (submissions.c.payload,)),
        (variants, "variant_id", (variants.c.description, variants.c.evaluation)),
    ):
        for experiment_id, subject in {(scope, data.get(key)) for scope, data, _ in told if data.get(key)}:
            row = select(*(cast(column, String) for column in columns))
            here = row.where(table.c.experiment_id == experiment_id, table.c[key] == subject)
            for texts in tx.connection.execute(here):
                found |= _named(text for text in texts if text)
    return found


def _named(texts: Iterable[str | None]) -> set[str]:
    return {name for text in texts for name in _MENTION.findall(text or "")}
