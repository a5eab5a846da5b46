"""A role's command on this machine, for servers without a queue and hosts away from it."""

import asyncio
import json
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from store_client.errors import ProtocolBroken
from store_client.roles.orders import Assignment
from store_client.runner.mirror import GitFailed, Mirror
from store_client.runner.runs import LOG_BYTES, Order
from store_client.transport import Patience
from store_client.wire.experiments import ExperimentDetail
from store_client.wire.jobs import Attempt, JobDetail, JobState, SubmitJob

ENGINE = "control_plane.scheduler.alone"
"""The engine as a program; this package may not import it."""


@dataclass(frozen=True)
class Direct:
    """Attempts in folders under `root`; what they publish is pushed to the mirror's origin.

    `commands`, by role, come before the experiment's own.
    """

    root: Path
    mirror: Mirror
    commands: Mapping[str, str] = field(default_factory=dict)
    gpus: tuple[str, ...] = ()
    patience: Patience = field(default_factory=Patience)

    def equipped(self, experiment: ExperimentDetail) -> ExperimentDetail:
        return experiment.having(commands={**experiment.commands, **self.commands})

    async def run(self, assignment: Assignment, order: Order) -> JobDetail:
        await self.mirror.fetch()
        spec = await order()
        job = await _ended(await self._request(assignment, spec))
        return await self._pushed(job, spec.publish) if spec.publish and job.published_commit else job

    async def end_of_log(self, job: JobDetail) -> str | None:
        file = self.root / job.job_id / job.job_id / str(job.attempt) / "log"
        return await asyncio.to_thread(_end_of, file) if file.exists() else None

    async def discard(self, assignment: Assignment) -> None:
        """Whoever lost the claim has ended the attempt by ending its wait."""
        await self.forget(assignment)

    async def forget(self, assignment: Assignment) -> None:
        await asyncio.to_thread(shutil.rmtree, self.root / _job_id(assignment), ignore_errors=True)

    async def _request(self, assignment: Assignment, spec: SubmitJob) -> dict[str, Any]:
        experiment, job_id = assignment.experiment, _job_id(assignment)
        start = experiment.base_commit_sha or await self.mirror.start()
        job = {
            "job_id": job_id,
            "experiment_id": experiment.experiment_id,
            "commit_sha": spec.commit_sha or start,
            "base_commit_sha": start,
            "submitted_by": assignment.claim.worker_id,
            "created_at": assignment.claim.claimed_at,
        }
        where = {"root": str(self.root.resolve() / job_id), "repository": str(self.mirror.path.resolve())}
        return {**where, "job": job, "spec": spec.to_wire(), "slots": [*self.gpus, *_cpu_slots(spec)]}

    async def _pushed(self, job: JobDetail, branch: str) -> JobDetail:
        """The job, once its branch is at the origin; failed when it cannot be brought there."""
        reason = ""
        for attempt in range(self.patience.attempts):
            try:
                await self.mirror.push(branch)
            except GitFailed as error:
                reason = str(error)
                await self.patience.pause(attempt)
            else:
                return job
        detail = Attempt(number=job.attempt, state=JobState.FAILED, detail=f"its commit could not be pushed: {reason}")
        return job.having(state=JobState.FAILED, exit_code=None, attempts=(detail,))


def _job_id(assignment: Assignment) -> str:
    return assignment.derived_id("job")


def _cpu_slots(spec: SubmitJob) -> list[str]:
    return [f"cpu:{number}" for number in range(spec.resources.cpus)]


async def _ended(request: dict[str, Any]) -> JobDetail:
    """The job, run to its end by the engine; a cancelled wait ends the command and everything below it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        ENGINE,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        out, _ = await process.communicate(json.dumps(request).encode())
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    if process.returncode != 0:
        raise ProtocolBroken(f"the engine ended with {process.returncode}; what went wrong stands above")
    return JobDetail.model_validate_json(out)


def _end_of(file: Path) -> str:
    with file.open("rb") as opened:
        opened.seek(max(0, file.stat().st_size - LOG_BYTES))
        return opened.read().decode(errors="replace")
