"""Where a role's command runs: on the queue of a server that has one, or on this machine."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from store_client.client import ControlPlaneClient, StoreClient
from store_client.errors import Refused, SwitchyardError
from store_client.roles.orders import Assignment
from store_client.wire.experiments import ExperimentDetail
from store_client.wire.jobs import JobDetail, SubmitJob
from store_client.wire.scalars import parse_time

WAIT_SECONDS = 25.0
LOG_BYTES = 65_536
Order = Callable[[], Awaitable[SubmitJob]]


class Runs(Protocol):
    """Runs the commands of a host's claims; asking twice for the same claim is asking once."""

    def equipped(self, experiment: ExperimentDetail) -> ExperimentDetail:
        """The experiment with the commands that are run here."""
        ...

    async def run(self, assignment: Assignment, order: Order) -> JobDetail:
        """The ended job of a claim; `order` is written only when there is none yet."""
        ...

    async def end_of_log(self, job: JobDetail) -> str | None:
        """The last of what an ended job printed; None where it cannot be had."""
        ...

    async def discard(self, assignment: Assignment) -> None:
        """End the job of a lost claim."""
        ...

    async def forget(self, assignment: Assignment) -> None:
        """Let go of what is kept for a claim whose result has been submitted."""
        ...


@dataclass(frozen=True)
class Queued:
    """Jobs on the server's queue; `deployment` reads their logs."""

    store: StoreClient
    deployment: ControlPlaneClient | None = None

    def equipped(self, experiment: ExperimentDetail) -> ExperimentDetail:
        return experiment

    async def run(self, assignment: Assignment, order: Order) -> JobDetail:
        job = await self._find(assignment) or await self.store.submit_job(await order())
        while not job.state.is_final:
            job = await self.store.read_experiment_job(job.job_id, WAIT_SECONDS)
        return job

    async def end_of_log(self, job: JobDetail) -> str | None:
        if self.deployment is None:
            return None
        try:
            log = await self.deployment.read_job_log(job.job_id, max(0, job.log_bytes - LOG_BYTES), LOG_BYTES)
        except Refused:
            return None
        return log.text

    async def discard(self, assignment: Assignment) -> None:
        with suppress(SwitchyardError):
            job = await self._find(assignment)
            if job is not None and not job.state.is_final:
                await self.store.cancel_experiment_job(job.job_id)

    async def forget(self, assignment: Assignment) -> None:
        """The queue keeps its jobs."""

    async def _find(self, assignment: Assignment) -> JobDetail | None:
        """The job that was queued under this claim, by this process or one before it."""
        task = await self.store.read_task_detail(assignment.task_id)
        if task.latest_job_id is None:
            return None
        job = await self.store.read_experiment_job(task.latest_job_id)
        is_ours = job.submitted_by == assignment.claim.worker_id
        return job if is_ours and parse_time(job.created_at) >= parse_time(assignment.claim.claimed_at) else None
