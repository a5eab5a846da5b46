"""What is held against machines and GPUs: noted as attempts end, read for planning, forgiven by people."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, insert, select

from control_plane.db.transaction import Tx
from control_plane.scheduler.breaker_tables import node_health
from control_plane.scheduler.operations.situation import seconds_of
from control_plane.scheduler.rules.breaker import Health, failed, name_of, words
from store_client.errors import NotFound
from store_client.wire.scalars import format_time


def read(tx: Tx) -> dict[str, Health]:
    """Everything that is held against anything."""
    found = tx.connection.execute(select(node_health)).mappings()
    return {
        row["name"]: Health(row["failures"], row["since"], row["rests_until"], row["rest_seconds"], row["why"])
        for row in found
    }


def note_failure(tx: Tx, names: Sequence[str], why: str) -> None:
    """An attempt on these failed, and it was not the job's fault."""
    known = read(tx)
    for name in names:
        health = failed(known.get(name), seconds_of(tx.now), why)
        _drop(tx, name)
        values = {field: getattr(health, field) for field in Health.__slots__}
        tx.connection.execute(insert(node_health).values(name=name, **values))
        if health.is_open:
            tx.tell("node.held", name=name, failures=health.failures, why=why, rest_seconds=health.rest_seconds)


def note_success(tx: Tx, names: Sequence[str]) -> None:
    """An attempt on these came to an end of its own: nothing is held against them any more."""
    for name in names:
        if _drop(tx, name):
            tx.tell("node.readmitted", name=name, by="a job that ran there")


def resting(tx: Tx, nodes: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The GPUs that are given nothing for now, by their own failures or their machine's; `nodes` says where each is."""
    known = {name: health for name, health in read(tx).items() if health.is_open}
    found = {part: known.get(part) or known.get(name_of(node)) for part, node in nodes.items()} if known else {}
    return {
        part: {
            "state": "quarantined",
            "reason": words(health, is_machine=part not in known),
            "set_by": "scheduler",
            "since": format_time(datetime.fromtimestamp(health.since, UTC)),
        }
        for part, health in found.items()
        if health is not None
    }


def forgive(tx: Tx, names: Sequence[str]) -> None:
    """Somebody gives these out again, whatever was held against them."""
    for name in names:
        if _drop(tx, name):
            tx.tell("node.readmitted", name=name, by=tx.caller.worker_id)


def readmit(tx: Tx, name: str) -> None:
    """Somebody says that it is in order again."""
    if not _drop(tx, name):
        raise NotFound(f"nothing is held against {name}")
    tx.tell("node.readmitted", name=name, by=tx.caller.worker_id)


def _drop(tx: Tx, name: str) -> bool:
    return tx.connection.execute(delete(node_health).where(node_health.c.name == name)).rowcount > 0
