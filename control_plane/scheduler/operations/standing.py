"""What the standing of experiments means to their jobs: a pause holds them back, an end is theirs, too.

Work on a task that somebody has claimed goes on under both, as the claim does.
"""

from collections.abc import Collection

from sqlalchemy import RowMapping, Select, select

from control_plane.db.tables import experiments
from control_plane.db.transaction import Tx
from control_plane.scheduler.operations import ends
from control_plane.scheduler.tables import HAS_MORE, IS_OPEN, IS_QUEUED, arrays, jobs
from store_client.wire.experiments import Status

MOST = 500
"""So many jobs are withdrawn in one transaction."""
ENDED = "the experiment has ended"
PAUSED = "the experiment is paused: its jobs start once somebody resumes it"
_IS_OVER = experiments.c.status.in_([status for status in Status if status.is_final])
_FREE = (jobs.c.experiment_id == experiments.c.experiment_id) & jobs.c.claimed_at.is_(None)
_WAITS = select(jobs.c.job_id).where(_FREE, IS_OPEN, IS_QUEUED).exists()


def _of(*, is_over: bool) -> Select[str]:
    """Experiments in which unclaimed jobs wait though no new work starts there."""
    standing = _IS_OVER if is_over else _IS_OVER | (experiments.c.status == Status.PAUSED)
    return select(experiments.c.experiment_id).where(standing, _WAITS)


_RESTING, _OVER = _of(is_over=False), _of(is_over=True)
_ARRAYS = select(arrays.c.array_id).join(experiments, experiments.c.experiment_id == arrays.c.experiment_id)
_ARRAYS = _ARRAYS.join(jobs, jobs.c.number == arrays.c.number).where(jobs.c.claimed_at.is_(None))
_ARRAYS = _ARRAYS.where(HAS_MORE, _IS_OVER).order_by(arrays.c.number).limit(MOST)


def resting(tx: Tx) -> frozenset[str]:
    """Experiments that hold jobs back."""
    return frozenset(tx.connection.scalars(_RESTING))


def paused(tx: Tx, rows: Collection[RowMapping]) -> frozenset[str]:
    """Those of these jobs that wait for their experiment to go on."""
    free = {row["job_id"]: row["experiment_id"] for row in rows if row["state"] == "queued" and not row["claimed_at"]}
    still = _paused_of(tx, set(free.values()))
    return frozenset(job_id for job_id, experiment_id in free.items() if experiment_id in still)


def _paused_of(tx: Tx, experiment_ids: Collection[str]) -> Collection[str]:
    if not experiment_ids:
        return ()
    query = select(experiments.c.experiment_id).where(experiments.c.experiment_id.in_(experiment_ids))
    return set(tx.connection.scalars(query.where(experiments.c.status == Status.PAUSED)))


def close_ended(tx: Tx) -> int:
    """Of experiments that ended: make no more of unclaimed arrays, and withdraw who waits; how much was done."""
    open_arrays = list(tx.connection.scalars(_ARRAYS))
    for array_id in open_arrays:
        ends.close(tx, array_id)
    over = list(tx.connection.scalars(_OVER.limit(MOST)))
    waiting = select(jobs).where(jobs.c.experiment_id.in_(over), jobs.c.claimed_at.is_(None), IS_OPEN, IS_QUEUED)
    rows = tx.connection.execute(waiting.order_by(jobs.c.number).limit(MOST)).mappings().all() if over else ()
    for row in rows:
        ends.withdraw(tx, row, "experiment_ended", ENDED)
    ends.settle(tx)
    return len(open_arrays) + len(rows)
