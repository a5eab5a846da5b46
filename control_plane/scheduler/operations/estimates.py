"""When waiting jobs start: what ended attempts took, played through with the queue as it stands."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from sqlalchemy import RowMapping, select

from control_plane.db.transaction import Tx
from control_plane.scheduler.operations import durations
from control_plane.scheduler.rules.accounts import Accounts
from control_plane.scheduler.rules.board import Running, Situation, Waiting
from control_plane.scheduler.rules.constraints import moment
from control_plane.scheduler.rules.durations import ENOUGH, Durations, Kind, kind_of
from control_plane.scheduler.rules.eta import EXACTLY, Band, Busy, Line, Next, Outlook, outlook
from control_plane.scheduler.rules.model import Model
from control_plane.scheduler.tables import jobs
from store_client.wire.jobs import Resources
from store_client.wire.scheduler import StartBand

TOO_FEW = f"fewer than {ENOUGH} attempts have ended so far, which is too few to say when it starts"
SEED = 7
"""The same queue gives the same bands, whoever asks."""
NOTHING_ENDS = "nothing that runs or waits before it frees what it needs"


@dataclass(frozen=True)
class Estimate:
    """What is known of starts; `why_not` where it is nothing."""

    now: float
    outlook: Outlook | None = None
    past_runs: Mapping[str, int] | None = None
    """Of the kind of each job that was played out."""
    why_not: str | None = None

    def knows(self, job_id: str) -> bool:
        """Whether the job was played out."""
        return self.outlook is not None and job_id in self.outlook.bands

    def of(self, job_id: str, position: int) -> StartBand | None:
        """The band of one job."""
        if self.outlook is None or self.past_runs is None:
            return None
        band = self.outlook.bands.get(job_id) or self.outlook.at(position)
        runs = self.past_runs.get(job_id) or min(self.past_runs.values(), default=0)
        return self._told(band, runs) if band is not None else None

    def _told(self, band: Band, runs: int) -> StartBand:
        moments = (moment(self.now + seconds) for seconds in (band.earliest, band.likely, band.latest))
        earliest, likely, latest = moments
        return StartBand(earliest=earliest, likely=likely, latest=latest, past_runs=runs)


def make(tx: Tx, situation: Situation, head: Sequence[Waiting]) -> Estimate:
    """Play the head of the queue through."""
    head = head[:EXACTLY]
    job_ids = [*(job.job_id for job in head), *(attempt.job_id for attempt in situation.running)]
    kinds = _kinds(tx, job_ids)
    history = durations.history(tx, set(kinds.values()))
    takes = {job_id: found for job_id, kind in kinds.items() if (found := history.of(kind)) is not None}
    if any(job_id not in takes for job_id in job_ids):
        return Estimate(situation.now, why_not=TOO_FEW)
    line = _line(situation, head, takes)
    runs = {job.job_id: len(takes[job.job_id].seconds) for job in head}
    chance = Random(SEED)  # noqa: S311 - a simulation, not a secret
    return Estimate(situation.now, outlook(line, chance), runs)


def _kinds(tx: Tx, job_ids: Collection[str]) -> dict[str, Kind]:
    columns = (jobs.c.job_id, jobs.c.experiment_id, jobs.c.role, jobs.c.name, jobs.c.resources)
    rows: list[RowMapping] = []
    ids = list(job_ids)
    for at in range(0, len(ids), EXACTLY):
        chosen = select(*columns).where(jobs.c.job_id.in_(ids[at : at + EXACTLY]))
        rows += tx.connection.execute(chosen).mappings()
    return {
        row["job_id"]: kind_of(
            row["experiment_id"], row["role"], row["name"], Resources.model_validate(row["resources"])
        )
        for row in rows
    }


def _line(situation: Situation, head: Sequence[Waiting], takes: Mapping[str, Durations]) -> Line:
    """The situation as the model of a queue."""
    free, homes = Model.of(situation.slots), {slot.slot_id: slot for slot in situation.slots}
    accounts, policy, running = Accounts.of(situation), situation.policy, list[Busy]()
    for attempt in situation.running:
        part = free.held(attempt.grants, homes)
        if part is not None:
            free.take(part)
            busy = _times(attempt, situation.now)
            gpus = accounts.amounts(attempt.grants).gpus
            owner = (attempt.experiment_id, policy.operator_of(attempt.operator), gpus)
            running.append(Busy(part, *owner, *busy, takes[attempt.job_id], attempt.is_ending))
    waiting = [
        Next(
            job.job_id,
            job.experiment_id,
            policy.operator_of(job.operator),
            job.resources,
            job.most_seconds,
            takes[job.job_id],
        )
        for job in head
    ]
    return Line(free, running, waiting, policy.experiment_quotas, policy.operator_quotas)


def _times(attempt: Running, now: float) -> tuple[float, float]:
    """How long it runs already, and for how much longer at most."""
    return max(now - attempt.placed_at, 0.0), max(attempt.ends_by - now, 0.0)
