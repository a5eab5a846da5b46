"""Waiting jobs in the order that they are kept in, read by index however far into the queue."""

from typing import Any

from sqlalchemy import RowMapping, Select, literal, tuple_

from control_plane.db.transaction import Tx
from control_plane.scheduler.tables import IS_QUEUED, ORDER, jobs

Place = tuple[int, float, int]
"""Priority, rank and number of a waiting job."""


def behind(tx: Tx, chosen: Select[Any], place: Place | None, limit: int) -> list[RowMapping]:
    """So many of the chosen behind a place of the queue, or from its front.

    First those of its priority, then those of lower ones: asked for at once, a database reads all that stand before.
    """
    parts = [chosen.where(IS_QUEUED).order_by(*ORDER)]
    if place is not None:
        priority, rank, number = place
        is_later = tuple_(jobs.c.rank, jobs.c.number) > tuple_(literal(rank), literal(number))
        parts = [parts[0].where(jobs.c.priority == priority, is_later), parts[0].where(jobs.c.priority < priority)]
    rows: list[RowMapping] = []
    for part in parts:
        if len(rows) < limit:
            rows += tx.connection.execute(part.limit(limit - len(rows))).mappings()
    return rows
