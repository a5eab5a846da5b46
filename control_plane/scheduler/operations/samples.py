"""What GPUs read over time: one sample of each at a time, and no more than a day of them."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from sqlalchemy import Select, Text, cast, delete, func, insert, select, text

from control_plane.db.transaction import Tx
from control_plane.scheduler.fleet_tables import gpu_samples
from control_plane.scheduler.rules.averages import Averages
from control_plane.scheduler.tables import holds, jobs
from store_client.wire.calls.gpus import HistoryQuery
from store_client.wire.gpus import GpuHistory, GpuSample
from store_client.wire.scalars import format_time, parse_time

SAMPLE_SECONDS = 15.0
KEPT = timedelta(days=1)
READ = tuple(
    gpu_samples.c[name]
    for name in ("at", "utilisation_percent", "memory_used_bytes", "temperature_celsius", "power_watts")
)
"""In the order of averages."""
MINUTE, TEN_MINUTES = 16, 15
"""So much of a moment as text names its minute, or its ten minutes."""
LONG_MINUTES = 120
BY_TEXT: Mapping[float, int] = MappingProxyType({60.0: MINUTE, 600.0: TEN_MINUTES})
"""Seconds apart at which the database adds up."""


def add(tx: Tx, taken: Mapping[str, Averages]) -> None:
    """Add what was read since the last sample, and let go of what is older than a day."""
    on_it = _jobs(tx)
    rows = [
        {"slot_id": slot_id, "at": tx.now, "jobs": sorted(on_it[slot_id]), **averages.sample()}
        for slot_id, averages in taken.items()
    ]
    if rows:
        tx.connection.execute(insert(gpu_samples), rows)
    tx.connection.execute(delete(gpu_samples).where(gpu_samples.c.at < _before(tx, KEPT)))


def history(tx: Tx, uuid: str, query: HistoryQuery) -> GpuHistory:
    """The samples of one GPU or slice; those that lie close together are put together."""
    wanted = (gpu_samples.c.slot_id == uuid, gpu_samples.c.at >= _before(tx, timedelta(minutes=query.minutes)))
    apart = max(SAMPLE_SECONDS, query.minutes * 60 / query.points)
    if apart in BY_TEXT:
        jobs_on_it = _jobs_on(tx, BY_TEXT[apart], wanted)
        rows = tx.connection.execute(_added_up(BY_TEXT[apart]).where(*wanted).order_by(text("at"))).mappings()
        samples = tuple(GpuSample.model_validate({**row, "jobs": jobs_on_it[row["stretch"]]}) for row in rows)
    else:
        asked = select(*READ, gpu_samples.c.jobs).where(*wanted).order_by(gpu_samples.c.at)
        samples = _together(tx.connection.execute(asked), apart)
    return GpuHistory(uuid=uuid, seconds_apart=apart, samples=samples)


def courses(tx: Tx, uuids: Sequence[str], minutes: float, since: str = "") -> tuple[GpuHistory, ...]:
    """What several GPUs read, a point for every minute; of a long stretch for every ten, for which two of them stand.

    The database adds up; to look at every sample of a day of some GPUs takes it too long for a page. What comes before
    `since`, when a stretch begins, is left out.
    """
    apart = 60.0 if minutes <= LONG_MINUTES else 600.0
    of, since = gpu_samples.c, max(since, _before(tx, timedelta(minutes=minutes)))
    query = _added_up(BY_TEXT[apart]).where(of.slot_id.in_(uuids), of.at >= since)
    if minutes > LONG_MINUTES:
        query = query.where(func.substr(of.at, MINUTE, 1).in_(("0", "5")))
    found: dict[str, list[GpuSample]] = defaultdict(list)
    for row in tx.connection.execute(query.order_by(of.slot_id, text("at"))).mappings():
        found[row["slot_id"]].append(GpuSample.model_validate({**row, "jobs": ()}))
    return tuple(GpuHistory(uuid=uuid, seconds_apart=apart, samples=tuple(each)) for uuid, each in found.items())


def stretch_of(now: str, late: timedelta) -> str:
    """When the ten minutes began that may still get samples."""
    return format_time(parse_time(now) - late)[:TEN_MINUTES]


def _added_up(length: int) -> Select[Any]:
    """What GPUs read in each stretch that so much of a moment names."""
    of = gpu_samples.c
    stretch = func.substr(of.at, 1, length).label("stretch")
    return select(
        of.slot_id,
        stretch,
        func.max(of.at).label("at"),
        func.avg(of.utilisation_percent).label("utilisation_percent"),
        func.max(of.memory_used_bytes).label("memory_used_bytes"),
        func.max(of.temperature_celsius).label("temperature_celsius"),
        func.avg(of.power_watts).label("power_watts"),
    ).group_by(of.slot_id, stretch)


def _jobs_on(tx: Tx, length: int, wanted: tuple[Any, ...]) -> dict[str, list[int]]:
    """The numbers of the jobs of each stretch; most samples of one have the same, which are read once."""
    stretch = func.substr(gpu_samples.c.at, 1, length)
    rows = tx.connection.execute(select(stretch, cast(gpu_samples.c.jobs, Text)).where(*wanted).distinct())
    found: dict[str, set[int]] = defaultdict(set)
    for of, numbers in rows:
        found[of].update(json.loads(numbers))
    return {of: sorted(numbers) for of, numbers in found.items()}


def _together(rows: Iterable[Any], apart: float) -> tuple[GpuSample, ...]:
    """One sample for each stretch of time in which there are any."""
    stretches: dict[int, list[Any]] = defaultdict(list)
    minutes: dict[str, float] = {}
    for row in rows:
        minute, seconds = row[0][:MINUTE], float(row[0][MINUTE + 1 : -1])
        if minute not in minutes:  # to read a moment takes longer than all else here
            minutes[minute] = parse_time(row[0]).timestamp() - seconds
        stretches[int((minutes[minute] + seconds) // apart)].append(row)
    return tuple(_one(stretch) for _, stretch in sorted(stretches.items()))


def _one(rows: Sequence[Any]) -> GpuSample:
    at, *columns, jobs_on_it = zip(*rows, strict=True)
    averages = Averages(*([value for value in column if value is not None] for column in columns))
    numbers = sorted({number for on_it in jobs_on_it for number in on_it})
    return GpuSample.model_validate({"at": at[-1], "jobs": numbers, **averages.sample()})


def _jobs(tx: Tx) -> dict[str, set[int]]:
    query = select(holds.c.slot_id, jobs.c.number).join(jobs, jobs.c.job_id == holds.c.job_id).distinct()
    found: dict[str, set[int]] = defaultdict(set)
    for row in tx.connection.execute(query.where(holds.c.slot_id.not_like("cpu:%"))):
        found[row.slot_id].add(row.number)
    return found


def _before(tx: Tx, span: timedelta) -> str:
    """The moment so long before this one; only what was made of such text may be compared as text."""
    then: Any = parse_time(tx.now) - span
    return format_time(then)
