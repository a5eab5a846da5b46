"""One question to each part; each may be slow, and may fail with an OSError or one of our errors."""

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from control_plane.db import log_search, tally
from control_plane.db.log_search import Wanted
from control_plane.db.tables import DEPLOYMENT, experiments
from control_plane.db.transaction import Tx
from control_plane.edge.house import House
from control_plane.health import rules
from control_plane.health.ports import Signs
from control_plane.health.rules import Deciding, Finding, Placing
from store_client.wire.scalars import parse_time

ON_SLOTS = ("jobs.starting", "jobs.running", "jobs.cancelling")


@dataclass(frozen=True)
class Probe:
    """One part and how to ask it."""

    name: str
    title: str
    look: Callable[[], Finding]
    advice: str


def probes(house: House, signs: Signs) -> tuple[Probe, ...]:
    """Every part of this control plane."""
    data = signs.data
    writable = f"Let the user who runs Switchyard write in {data}, and see that the disk is there."
    return (
        Probe("database", "Database", lambda: _database(house), "Start it, and look at its log."),
        Probe("orchestrator", "Orchestrator", lambda: house.read_now(lambda tx: _deciding(tx, signs)), ""),
        Probe("scheduler", "Scheduler", lambda: house.read_now(lambda tx: _placing(tx, signs)), ""),
        Probe("git", "Git repositories", lambda: _git(data / "repos"), writable),
        Probe("artifacts", "Artifact store", lambda: _folder(data / "artifacts", "Artifacts are kept."), writable),
        Probe("disk", "Disk", lambda: _disk(data), writable),
    )


def _database(house: House) -> Finding:
    began = time.monotonic()
    house.read_now(lambda tx: tx.connection.scalar(select(1)))
    read = time.monotonic()
    house.writer.write(lambda tx: tx.connection.scalar(select(1)))
    kind = "SQLite" if house.database.is_sqlite else "PostgreSQL"
    return rules.of_database(kind, read - began, time.monotonic() - read)


def _deciding(tx: Tx, signs: Signs) -> Finding:
    leased, renewed_at = signs.leases(tx)
    running = tx.connection.scalar(select(func.count()).where(experiments.c.status == "running")) or 0
    return rules.of_orchestrator(Deciding(running, leased, _since(tx, renewed_at)))


def _placing(tx: Tx, signs: Signs) -> Finding:
    machines, gpus_seen_at = signs.machines(tx)
    counts = tally.read(tx.connection, DEPLOYMENT)
    return rules.of_scheduler(
        Placing(
            waiting=counts.get("jobs.queued", 0),
            on_slots=sum(counts.get(name, 0) for name in ON_SLOTS),
            queued_seconds_ago=_since(tx, _newest(tx, "job.queued")),
            started_seconds_ago=_since(tx, _newest(tx, "job.started")),
            machines=machines,
            gpus_seen_seconds_ago=_since(tx, gpus_seen_at),
        )
    )


def _newest(tx: Tx, type_: str) -> str | None:
    """When something of this type happened last."""
    found = log_search.look(tx.connection, Wanted(type=type_), 1).found
    return str(found[0]["occurred_at"]) if found else None


def _since(tx: Tx, moment: str | None) -> float | None:
    return (parse_time(tx.now) - parse_time(moment)).total_seconds() if moment else None


def _git(folder: Path) -> Finding:
    if shutil.which("git") is None:
        return Finding("bad", "The program git is not on this machine.", "Install git, and start Switchyard again.")
    return _folder(folder, "Repositories are served.")


def _folder(folder: Path, words: str) -> Finding:
    """A folder that is made with the first thing in it."""
    if not folder.exists():
        folder = folder.parent
    os.scandir(folder).close()
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return Finding("bad", f"{folder} cannot be written.", f"Let the user who runs Switchyard write in {folder}.")
    return Finding("ok", words, facts=(("folder", str(folder)),))


def _disk(data: Path) -> Finding:
    usage = shutil.disk_usage(data)
    return rules.of_disk(usage.free, usage.total)
