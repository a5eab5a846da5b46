"""Drafts: saved over the version they were made from, so that of two tabs none undoes the other unseen."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Table, and_, delete, exists, insert, select

from control_plane.db.transaction import Tx
from control_plane.task_store import rows
from control_plane.task_store.draft_tables import draft_files, drafts
from control_plane.task_store.operations.artifacts import ID, SCHEME
from control_plane.task_store.tables import artifacts, tasks
from store_client.errors import InvalidPrecondition, NotFound, PayloadTooLarge
from store_client.wire.drafts import Draft, DraftFile, KeptFile, SaveDraft
from store_client.wire.scalars import format_time, parse_time

MOST_CHARACTERS = 1_000_000
KEPT_AFTER_THE_END = timedelta(days=30)
PRUNED_AT_ONCE = 200


def read(tx: Tx, task_id: str) -> Draft:
    """The caller's draft for a task; NotFound when there is none."""
    row = _find(tx, task_id)
    if row is None:
        raise NotFound(f"there is no draft of {tx.caller.worker_id} for task {task_id}")
    return _draft(tx, row)


def save(tx: Tx, task_id: str, body: SaveDraft) -> Draft:
    """Put a draft in the place of the version it was made from; the same draft again changes nothing."""
    task = rows.task(tx, task_id)
    stored = _find(tx, task["task_id"])
    if (stored["version"] if stored else 0) != body.version:
        return _same_or_refused(tx, stored, body)
    _must_fit(body)
    named = _artifacts_of(tx, body.files)
    forget(tx, task_id)
    values = {"version": _next_version(tx, body.version), "fields": body.fields, "updated_at": tx.now}
    tx.connection.execute(insert(drafts).values(**_key(tx, task_id), **values))
    if named:
        kept = [
            {**_key(tx, task_id), "place": place, "field": field, "artifact_id": artifact_id}
            for place, (field, artifact_id) in enumerate(named)
        ]
        tx.connection.execute(insert(draft_files), kept)
    return read(tx, task_id)


def forget(tx: Tx, task_id: str) -> None:
    """Delete the caller's draft for a task, if there is one."""
    for table in (draft_files, drafts):
        tx.connection.execute(delete(table).where(*_mine(tx, table, task_id)))


def prune(tx: Tx) -> int:
    """Delete some drafts that nobody has touched for long after their task ended; how many there were."""
    before = format_time(parse_time(tx.now) - KEPT_AFTER_THE_END)
    task = and_(tasks.c.experiment_id == drafts.c.experiment_id, tasks.c.task_id == drafts.c.task_id)
    over = exists().where(task, tasks.c.state.in_(("completed", "failed")), tasks.c.updated_at < before)
    old = select(drafts.c.experiment_id, drafts.c.task_id, drafts.c.worker_id).where(drafts.c.updated_at < before, over)
    found = tx.connection.execute(old.order_by(drafts.c.updated_at).limit(PRUNED_AT_ONCE)).all()
    for experiment_id, task_id, worker_id in found:
        for table in (draft_files, drafts):
            here = table.c.experiment_id == experiment_id, table.c.task_id == task_id, table.c.worker_id == worker_id
            tx.connection.execute(delete(table).where(*here))
    return len(found)


def _find(tx: Tx, task_id: str) -> RowMapping | None:
    return tx.connection.execute(select(drafts).where(*_mine(tx, drafts, task_id))).mappings().first()


def _mine(tx: Tx, table: Table, task_id: str) -> tuple[ColumnElement[bool], ...]:
    return tuple(table.c[name] == value for name, value in _key(tx, task_id).items())


def _key(tx: Tx, task_id: str) -> dict[str, Any]:
    return {"experiment_id": tx.experiment_id, "task_id": task_id, "worker_id": tx.caller.worker_id}


def _draft(tx: Tx, row: RowMapping) -> Draft:
    columns = (draft_files.c.field, artifacts.c.artifact_id, artifacts.c.filename, artifacts.c.size_bytes)
    files = (
        select(*columns, artifacts.c.content_type)
        .join(artifacts, artifacts.c.artifact_id == draft_files.c.artifact_id)
        .where(*_mine(tx, draft_files, row["task_id"]))
        .order_by(draft_files.c.place)
    )
    kept = (
        DraftFile(artifacts_uri=SCHEME + file["artifact_id"], **{name: file[name] for name in file if name in _SHOWN})
        for file in tx.connection.execute(files).mappings()
    )
    said = {name: row[name] for name in ("task_id", "version", "fields", "updated_at")}
    return Draft(**said, files=tuple(kept))


_SHOWN = frozenset(DraftFile.model_fields)


def _same_or_refused(tx: Tx, stored: RowMapping | None, body: SaveDraft) -> Draft:
    """The stored draft, when it is this very one: an answer was lost."""
    if stored is None:
        raise InvalidPrecondition("this draft was handed in or forgotten elsewhere")
    draft = _draft(tx, stored)
    sent = [(file.field, file.artifacts_uri) for file in body.files]
    if draft.fields == body.fields and [(file.field, file.artifacts_uri) for file in draft.files] == sent:
        return draft
    raise InvalidPrecondition(f"another version of this draft was saved at {draft.updated_at}")


def _must_fit(body: SaveDraft) -> None:
    size = sum(len(name) + len(text) for name, text in body.fields.items())
    if size > MOST_CHARACTERS:
        raise PayloadTooLarge(f"a draft has at most {MOST_CHARACTERS:,} characters, this one {size:,}")


def _artifacts_of(tx: Tx, files: Sequence[KeptFile]) -> list[tuple[str, str]]:
    """The fields and ids of files, all of them deposited by the caller."""
    named = [(file.field, file.artifacts_uri.removeprefix(SCHEME)) for file in files]
    wanted = {artifact_id for _, artifact_id in named if ID.fullmatch(artifact_id)}
    own = select(artifacts.c.artifact_id).where(
        artifacts.c.artifact_id.in_(wanted),
        artifacts.c.experiment_id == tx.experiment_id,
        artifacts.c.created_by == tx.caller.worker_id,
    )
    if missing := {artifact_id for _, artifact_id in named} - set(tx.connection.scalars(own)):
        raise NotFound(f"{tx.caller.worker_id} has deposited no artifact {min(missing)} here")
    return named


def _next_version(tx: Tx, version: int) -> int:
    """Later than every version there was: also than those of a draft that was forgotten."""
    return max(version + 1, int(parse_time(tx.now).timestamp() * 1000))
