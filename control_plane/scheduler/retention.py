"""Removes the files of jobs that ended long ago, and of more of them while there are too many bytes; and old rows."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import select

from control_plane.db.transaction import Tx
from control_plane.edge.house import House
from control_plane.edge.rounds import Rounds
from control_plane.scheduler.keeping import Keeping, files, remove
from control_plane.scheduler.operations import remote, views
from control_plane.scheduler.tables import jobs
from store_client.wire.jobs import FINAL_STATES
from store_client.wire.scalars import format_time, parse_time

ROUND_SECONDS = 3600.0
FIRST_SECONDS = 60.0
AT_ONCE = 200
KEYS_AGE = timedelta(days=1)
"""An attempt that comes back within it still hears that it is over; later it is told that nobody knows it."""


class Ended(NamedTuple):
    """A job that has ended, and whose files are still there."""

    ended_at: str
    job_id: str


class Retention(Rounds):
    """An hourly round over the folders of jobs; each is measured once, since nothing of an ended job grows."""

    def __init__(self, house: House, root: Path, keeping: Keeping) -> None:
        super().__init__("job-files", ROUND_SECONDS, FIRST_SECONDS)
        self._house, self._root, self._keeping = house, root, keeping
        self._sizes: dict[str, int] = {}

    def round(self) -> int:
        """Remove what is due, the oldest first; how many jobs that were."""
        self._forget()
        names = [folder.name for folder in self._root.glob("job_*")]
        ended = sorted(job for at in range(0, len(names), AT_ONCE) for job in self._ended(names[at : at + AT_ONCE]))
        self._sizes = {job.job_id: self._size(job) for job in ended}
        due = self._due(ended)
        for at in range(0, len(due), AT_ONCE):
            for job in self._ended([each.job_id for each in due[at : at + AT_ONCE]]):  # one may have begun again
                remove(self._root / job.job_id)
        return len(due)

    def _forget(self) -> None:
        """Remove rows that say nothing any more: secrets of attempts that are over, machines that are gone."""
        now = parse_time(self._house.clock())
        over, unseen = (format_time(now - age) for age in (KEYS_AGE, timedelta(days=self._keeping.days)))
        while self._house.writer.write(partial(remote.forget_keys, before=over, most=AT_ONCE)) == AT_ONCE:
            pass
        self._house.writer.write(partial(views.forget_unseen, before=unseen))

    def _ended(self, names: Sequence[str]) -> list[Ended]:
        return self._house.read_now(lambda tx: _ended(tx, names))

    def _size(self, job: Ended) -> int:
        known = self._sizes.get(job.job_id)
        return sum(kept.bytes for kept in files(self._root / job.job_id)) if known is None else known

    def _due(self, ended: Sequence[Ended]) -> list[Ended]:
        """Those that ended too long ago, then as many more as leave no more bytes than may be."""
        oldest = format_time(parse_time(self._house.clock()) - timedelta(days=self._keeping.days))
        held = sum(self._sizes.values())
        due = []
        for job in ended:
            if job.ended_at > oldest and held <= self._keeping.most_bytes:
                break
            held -= self._sizes[job.job_id]
            due.append(job)
        return due


def _ended(tx: Tx, names: Sequence[str]) -> list[Ended]:
    query = select(jobs.c.ended_at, jobs.c.job_id).where(
        jobs.c.job_id.in_(names), jobs.c.state.in_(FINAL_STATES), jobs.c.ended_at.is_not(None)
    )
    return [Ended(row.ended_at, row.job_id) for row in tx.connection.execute(query)]
