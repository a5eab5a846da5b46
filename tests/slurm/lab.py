"""A deployment whose attempts run on a cluster, as an operator runs it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from store_client import ExperimentDetail, JobDetail, JobFilter, JobState, StaticBearer, SubmitJob
from tests.acceptance.deployment import ENVIRONMENT, Deployment
from tests.acceptance.experiments import MANUAL, Recipe
from tests.machine import free_port
from tests.scheduler.repositories import git
from tests.slurm.cluster import Cluster

LOOK_SECONDS = 0.1


@dataclass
class Lab:
    """One server, one experiment, and the cluster under both."""

    cluster: Cluster
    deployment: Deployment
    scratch: Path
    port: int

    def serve(self) -> None:
        """Start the server, or start it again where it was."""
        self.deployment.run("serve", "--port", str(self.port), *self.options)

    def serve_apart(self, database_url: str) -> None:
        """Start a server and a scheduler, each a process of its own."""
        database = ("--database-url", database_url)
        self.deployment.run("serve", "--port", str(self.port), *database)
        self.deployment.run("schedule", *database, *self.options)

    @property
    def options(self) -> tuple[str, ...]:
        """What a scheduler is told about the cluster."""
        url = f"http://127.0.0.1:{self.port}"
        return ("--engine", "slurm", "--public-url", url, "--slurm-scratch", str(self.scratch))

    def create(self, source: Path) -> None:
        self.experiment: ExperimentDetail = self.deployment.create(Recipe(automation=MANUAL).write(source), "lab")
        registered = self.deployment.store(self.experiment).register_experiment_worker("Somebody")
        self.bearer = StaticBearer(registered.worker_id, registered.registration_token)

    @property
    def worker(self) -> Any:
        """The experiment, as a worker of it sees it."""
        return self.deployment.client.store(self.experiment.experiment_id, self.bearer)

    def shell(self, script: str, **more: Any) -> JobDetail:
        made: JobDetail = self.worker.submit_job(
            SubmitJob(**{"name": "Test", "command": ("/bin/sh", "-c", script), **more})
        )
        return made

    def read(self, job: JobDetail) -> JobDetail:
        now: JobDetail = self.deployment.client.read_job(job.job_id)
        return now

    def log(self, job: JobDetail, attempt: int | None = None) -> str:
        return str(self.deployment.client.read_job_log(job.job_id, attempt=attempt).text)

    def until(self, look: Callable[[], object], what: str, seconds: float = 120) -> None:
        """Return once `look` gives something true: most of what is waited for here no event tells."""
        deadline = time.monotonic() + seconds
        while not look():
            assert time.monotonic() < deadline, f"not within {seconds} seconds: {what}\n{self.deployment.account()}"
            time.sleep(LOOK_SECONDS)

    def await_log(self, job: JobDetail, words: str, attempt: int | None = None) -> None:
        self.until(lambda: words in self.log(job, attempt), f"{words!r} in the log of {self.read(job)}")

    def end(self, job: JobDetail, seconds: float = 120) -> JobDetail:
        """The job once it has ended."""
        self.until(lambda: self.read(job).state.is_final, f"the end of {self.read(job)}", seconds)
        return self.read(job)

    def succeed(self, job: JobDetail) -> JobDetail:
        ended = self.end(job)
        assert ended.state is JobState.SUCCEEDED, f"{ended}\n{self.log(job)}"
        return ended

    def told(self, job: JobDetail) -> list[str]:
        """What the log of events tells of a job, in order."""
        events = self.deployment.client.read_deployment_log(0, 0, 1000).events
        return [each.type for each in events if each.data.get("job_id") == job.job_id]

    def published(self, branch: str) -> str:
        """The commit that a branch of the experiment's repository stands on."""
        return self._git("rev-parse", f"refs/heads/{branch}")

    def branches(self) -> set[str]:
        return set(self._git("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads").split())

    def _git(self, *arguments: str) -> str:
        repository = self.deployment.data / "repos" / f"{self.experiment.experiment_id}.git"
        return git(repository, *arguments)

    def node(self, job: JobDetail) -> str:
        """Where the newest attempt of a job is, or was."""
        return self.read(job).attempts[-1].slots[0].partition("/")[0]

    def slots_of(self, node: str) -> set[str]:
        """The states of a node's slots, as the scheduler sees them."""
        fleet = self.deployment.client.read_fleet()
        return {slot.state for slot in fleet.slots if slot.slot_id.startswith(f"{node}/")}

    def living_on_slurm(self) -> list[str]:
        return self.cluster.ask("squeue", "--noheader", "--format=%j").split()

    def submissions(self, job: JobDetail) -> int:
        """How many jobs Slurm has had for a job of ours."""
        names = self.cluster.ask("squeue", "--noheader", "--states=all", "--format=%j").split()
        return sum(1 for name in names if job.job_id in name)

    @property
    def bearer_id(self) -> str:
        return str(self.worker.whoami().worker_id)

    def ended_of(self, array: JobDetail) -> int:
        """How many jobs of an array have succeeded."""
        jobs = self.deployment.client.list_jobs(wanted=JobFilter(states=(JobState.SUCCEEDED,))).items
        return sum(1 for job in jobs if job.array_id is not None and job.array_id == array.array_id)

    def nothing_is_left_on_the_nodes(self, job: JobDetail) -> bool:
        """Whether the nodes keep nothing of an ended job but the copy of its repository."""
        return not any(job.job_id in path.name for path in self.scratch.rglob("*"))


@contextmanager
def open_lab(cluster: Cluster, folder: Path, database_url: str | None = None) -> Iterator[Lab]:
    """A lab whose server runs, on a database with its scheduler apart from it; nothing of it runs afterwards."""
    added = {**cluster.variables, "PATH": cluster.path}
    before = dict(ENVIRONMENT)
    ENVIRONMENT.update(added)
    deployment = Deployment(folder / "data")
    try:
        lab = Lab(cluster, deployment, folder / "scratch", free_port())
        if database_url is None:
            lab.serve()
        else:
            lab.serve_apart(database_url)
        lab.create(folder / "source")
        yield lab
    finally:
        deployment.clean_up()
        ENVIRONMENT.clear()
        ENVIRONMENT.update(before)
