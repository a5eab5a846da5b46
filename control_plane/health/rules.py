"""What figures mean: well, worth a look or broken, and what to do."""

from collections.abc import Mapping
from dataclasses import dataclass

from store_client.wire.health import HealthState

GIB = 1024**3
FEW_BYTES, HARDLY_ANY_BYTES = 4 * GIB, GIB // 2
SLOW_SECONDS = 1.0
STALE_SECONDS = 60.0
STUCK_SECONDS = 120.0
Facts = Mapping[str, str]


@dataclass(frozen=True)
class Finding:
    """How a part does, in words."""

    state: HealthState
    words: str
    advice: str = ""
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Deciding:
    """How many experiments run, for how many somebody holds the lease, and when one was renewed last."""

    running: int
    leased: int
    renewed_seconds_ago: float | None


@dataclass(frozen=True)
class Placing:
    """What waits, how long ago a job was queued and started last, and when machines were seen last."""

    waiting: int
    on_slots: int
    queued_seconds_ago: float | None
    started_seconds_ago: float | None
    machines: int
    gpus_seen_seconds_ago: float | None


def of_disk(free: int, total: int) -> Finding:
    facts = (("free", f"{free / GIB:,.1f} GiB"), ("size", f"{total / GIB:,.1f} GiB"))
    if free < HARDLY_ANY_BYTES:
        words = "Hardly any room is left: nothing can be kept soon."
        return Finding("bad", words, "Make room in the data directory or move it to a larger disk, now.", facts)
    if free < FEW_BYTES:
        return Finding("wait", "Little room is left.", "Make room before jobs and uploads fail.", facts)
    return Finding("ok", f"{free / GIB:,.1f} GiB are free.", facts=facts)


def of_database(kind: str, read_seconds: float, write_seconds: float) -> Finding:
    facts = (
        ("kind", kind),
        ("a read took", f"{read_seconds * 1000:,.1f} ms"),
        ("a commit took", f"{write_seconds * 1000:,.1f} ms"),
    )
    if max(read_seconds, write_seconds) > SLOW_SECONDS:
        return Finding("wait", f"{kind} answers slowly.", "Look at the load of its machine and its disk.", facts)
    return Finding("ok", f"{kind} reads and writes.", facts=facts)


def of_orchestrator(seen: Deciding) -> Finding:
    facts = (
        ("experiments that run", f"{seen.running:,}"),
        ("with a lease", f"{seen.leased:,}"),
        ("last renewal", _ago(seen.renewed_seconds_ago)),
    )
    if not seen.running:
        return Finding("idle", "No experiment runs, so there is nothing to decide.", facts=facts)
    if seen.leased:
        return Finding("ok", f"Decides for {seen.leased:,} of {seen.running:,} experiments that run.", facts=facts)
    if seen.renewed_seconds_ago is not None and seen.renewed_seconds_ago < STALE_SECONDS:
        return Finding("ok", "Has nothing to decide now, and did a moment ago.", facts=facts)
    words = "No orchestrator holds a lease: no task is made, accepted or integrated by itself."
    return Finding("bad", words, "Start one with: switchyard up, or switchyard orchestrate.", facts)


def of_scheduler(seen: Placing) -> Finding:
    facts = (
        ("jobs that wait", f"{seen.waiting:,}"),
        ("jobs on slots", f"{seen.on_slots:,}"),
        ("last start", _ago(seen.started_seconds_ago)),
        ("machines", f"{seen.machines:,}"),
        ("GPUs last seen", _ago(seen.gpus_seen_seconds_ago)),
    )
    start = "Start one with: switchyard up, or switchyard schedule."
    if not seen.machines:
        words = "No scheduler has looked at a machine here, so no job starts."
        return Finding("bad" if seen.waiting else "wait", words, start, facts)
    if seen.gpus_seen_seconds_ago is not None and seen.gpus_seen_seconds_ago > STALE_SECONDS:
        words = f"The GPUs were last looked at {_ago(seen.gpus_seen_seconds_ago)}: the scheduler stands still."
        return Finding("bad", words, start, facts)
    since = min(seen.queued_seconds_ago or 0.0, seen.started_seconds_ago or float("inf"))
    if seen.waiting and not seen.on_slots and since > STUCK_SECONDS:
        words = f"{seen.waiting:,} jobs wait, none is on a slot, and none was started in a while."
        return Finding("wait", words, "The queue says why each waits.", facts)
    return Finding(
        "ok", "Places jobs." if seen.waiting or seen.on_slots else "Nothing waits to be placed.", facts=facts
    )


def _ago(seconds: float | None) -> str:
    """A distance in one unit."""
    if seconds is None:
        return "never"
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:,.0f} {unit} ago"
    return f"{max(seconds, 0):,.0f} s ago"
