"""What experiments used of the queue, by the hour, so that older use counts less."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import RowMapping, bindparam, delete, insert, select, update

from control_plane.db.command import Command
from control_plane.db.transaction import Tx
from control_plane.scheduler.policy_tables import policies, usage
from control_plane.scheduler.rules.board import GPU_UNITS
from store_client.wire.scalars import parse_time

HOUR = 3600.0
KEPT_HALF_LIVES = 10
"""What is older counts less than a thousandth."""
HALF_LIFE_SECONDS = 86_400.0
_MORE = Command(
    update(usage)
    .where(usage.c.experiment_id == bindparam("of"), usage.c.hour == bindparam("at"))
    .values(seconds=usage.c.seconds + bindparam("more"))
)
_FIRST = Command(insert(usage), "experiment_id", "hour", "seconds")


def add(tx: Tx, experiment_id: str, seconds: float) -> None:
    """An attempt of an experiment has ended and used so many GPU seconds, or CPU seconds without a GPU."""
    hour = int(seconds_of(tx.now) // HOUR)
    if _MORE.run(tx.batch.bare, {"of": experiment_id, "at": hour, "more": seconds}) == 0:
        _FIRST.run(tx.batch.bare, {"experiment_id": experiment_id, "hour": hour, "seconds": seconds})
        forget(tx)


def charge(tx: Tx, experiments: Mapping[str, str], freed: Iterable[RowMapping]) -> None:
    """Attempts of these jobs, each of an experiment, have ended, and free units held since some time."""
    units: dict[str, list[RowMapping]] = {}
    for row in freed:
        units.setdefault(row["job_id"], []).append(row)
    now, began, seconds = seconds_of(tx.now), dict[str, float](), dict[str, float]()
    for job_id, held in units.items():
        since = min(row["held_since"] for row in held)  # times of the database sort as text
        if since not in began:
            began[since] = seconds_of(since)
        took = used(held, GPU_UNITS, max(0.0, now - began[since]))
        seconds[experiments[job_id]] = seconds.get(experiments[job_id], 0.0) + took
    for experiment_id, more in seconds.items():
        add(tx, experiment_id, more)


def half_life(tx: Tx) -> float:
    """Of the policy."""
    return float(tx.connection.scalar(select(policies.c.half_life_seconds)) or HALF_LIFE_SECONDS)


def read(tx: Tx) -> Mapping[str, float]:
    """What each experiment used, halved with each half-life that has passed since."""
    now, half_life_seconds = seconds_of(tx.now), half_life(tx)
    oldest = _oldest(now, half_life_seconds)
    found: dict[str, float] = {}
    for row in tx.connection.execute(select(usage).where(usage.c.hour >= oldest)):
        age = max(0.0, now - (row.hour + 1) * HOUR)
        found[row.experiment_id] = found.get(row.experiment_id, 0.0) + row.seconds * 0.5 ** (age / half_life_seconds)
    return found


def forget(tx: Tx) -> None:
    """Drop the hours that count no more."""
    oldest = _oldest(seconds_of(tx.now), half_life(tx))
    tx.connection.execute(delete(usage).where(usage.c.hour < oldest))


def _oldest(now: float, half_life_seconds: float) -> int:
    return int((now - KEPT_HALF_LIVES * half_life_seconds) // HOUR)


def used(held: Sequence[RowMapping | Mapping[str, Any]], units: int, seconds: float) -> float:
    """The seconds that holds on these units count, when an attempt had them for so long.

    A row is so many units of a slot; a GPU has as many as `units` says.
    """
    cards: int = sum(row["units"] for row in held if not is_cpu(row["slot_id"]))
    every: int = sum(row["units"] for row in held)
    return seconds * (cards / units if cards else every)


def is_cpu(slot_id: str) -> bool:
    return "cpu:" in slot_id


def seconds_of(moment: str) -> float:
    """A time of the database in seconds since 1970."""
    return parse_time(moment).timestamp()
