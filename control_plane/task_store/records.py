"""Rows as the records that travel."""

from typing import Any

from control_plane.task_store.rules.moves import Row
from store_client.wire.events import Event, LogEvent
from store_client.wire.ideas import Idea
from store_client.wire.tasks import Claim, Target, Task
from store_client.wire.variants import Variant


def target(row: Row) -> Target | None:
    if row["target_id"] is None:
        return None
    return Target(kind=row["target_kind"], id=row["target_id"])


def claim(row: Row) -> Claim | None:
    if row["claimed_by"] is None:
        return None
    return Claim(worker_id=row["claimed_by"], claimed_at=row["claimed_at"], expires_at=row["expires_at"])


def task_fields(row: Row) -> dict[str, Any]:
    same = ("task_id", "kind", "state", "payload", "created_by", "submitted_by", "created_at", "updated_at")
    return {name: row[name] for name in same} | {"target": target(row), "claim": claim(row)}


def task(row: Row) -> Task:
    return Task(**task_fields(row))


def idea_fields(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in Idea.model_fields}


def idea(row: Row) -> Idea:
    return Idea(**idea_fields(row))


def variant_fields(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in Variant.model_fields}


def variant(row: Row) -> Variant:
    return Variant(**variant_fields(row))


def event(row: Row) -> Event:
    return Event(**{name: row[name] for name in Event.model_fields})


def log_event(row: Row) -> LogEvent:
    fields = {name: row[name] for name in LogEvent.model_fields}
    return LogEvent(**fields | {"experiment_id": row["experiment_id"] or None})
