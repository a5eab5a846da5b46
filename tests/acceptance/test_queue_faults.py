"""Short jobs on eight GPUs while whoever places them is killed again and again: each runs once, no GPU runs two."""

import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from control_plane.db.engine import Database
from control_plane.db.tables import events
from control_plane.scheduler.tables import attempts
from store_client import ExperimentDetail, SubmitJob
from tests.acceptance import audit, processes
from tests.acceptance.deployment import Deployment, Part
from tests.acceptance.experiments import MANUAL, Recipe
from tests.fakes.driver import FakeDriver, a_gpu, compile_library
from tests.machine import missing

GPUS, MOST = 8, 250
STAMP = 'say() { echo "$1 $(date +%s%N) $CUDA_VISIBLE_DEVICES $PWD" >>"$STAMPS"; }; say begin; sleep "$PAUSE"; say end'
Spans = dict[str, list[tuple[float, float]]]


@dataclass
class Yard:
    """A deployment on eight GPUs, and what its jobs wrote of themselves."""

    deployment: Deployment
    stamps: Path
    url: str
    experiment: ExperimentDetail
    start: Callable[[], Part]
    victim: Part

    def submit(self, jobs: int) -> None:
        """Queue so many jobs at once."""
        for first in range(0, jobs, MOST):
            part = [self.job(number) for number in range(first, min(first + MOST, jobs))]
            self.deployment.store(self.experiment).submit_jobs(part)

    def job(self, number: int) -> SubmitJob:
        return SubmitJob(
            name=f"Job {number}",
            command=("/bin/sh", "-c", STAMP),
            environment={"STAMPS": str(self.stamps), "PAUSE": f"0.{number % 3 + 1}"},
            resources={"gpus": 1},
            priority=number % 11,
            idempotency_key=f"job-{number}",
        )

    def open_jobs(self) -> int:
        total = self.deployment.client.list_jobs(is_open=True).total
        assert total is not None
        return int(total)

    def kill(self) -> None:
        """`kill -9`, and start it again."""
        self.victim.kill()
        self.deployment.parts.remove(self.victim)
        self.victim = self.start()


@pytest.fixture
def gpus(deployment: Deployment, tmp_path: Path) -> None:
    """Eight GPUs that nobody uses, for every process of the deployment."""
    if shutil.which("gcc") is None:
        missing("a C compiler")
    driver = FakeDriver(compile_library(tmp_path), tmp_path / "gpus")
    driver.show(*(a_gpu(number, used=0) for number in range(GPUS)))
    deployment.environment = driver.environment


def open_yard(deployment: Deployment, folder: Path, url: str | None) -> Yard:
    """On SQLite the server places the jobs itself; on PostgreSQL another process does."""
    data = ("--data", str(deployment.data), "--cpu-slots", str(GPUS), "--no-orchestrator")
    database = () if url is None else ("--database-url", url)
    loops = ("--scheduler",) if url is None else ("--no-scheduler",)
    served = deployment.run_module("control_plane", *data, "--port", "0", *loops, *database, has_ready_line=True)
    port = str(urlsplit(served.ready["control_plane"]).port)
    experiment = deployment.create(Recipe(automation=MANUAL).write(folder / "source"), "faults")

    def serve() -> Part:
        return deployment.run_module("control_plane", *data, "--port", port, *loops, has_ready_line=True)

    def schedule() -> Part:
        return deployment.run_module("control_plane", *data, "--no-api", "--scheduler", *database, has_ready_line=True)

    start, victim = (serve, served) if url is None else (schedule, schedule())
    where = url or f"sqlite:///{deployment.data / 'switchyard.db'}"
    return Yard(deployment, folder / "stamps", where, experiment, start, victim)


def live(yard: Yard, jobs: int, between: tuple[float, float], seconds: float) -> int:
    """Queue so many jobs, and kill until all have ended; how often that was."""
    chance, kills = random.Random(jobs), 0  # noqa: S311 - moments, not secrets
    yard.submit(jobs)
    while yard.open_jobs() > GPUS and kills < 200:
        yard.deployment.let_run(chance.uniform(*between))
        yard.kill()
        kills += 1
    yard.deployment.until(lambda: yard.open_jobs() == 0, "every job ends", seconds)
    return kills


def expect_order(yard: Yard, jobs: int) -> None:
    """Each job ended once and well, ran once, and was alone on its GPU: by the books, and by its own word."""
    assert yard.deployment.stop() == 0
    assert processes.of_directory(yard.deployment.data) == {}
    assert audit.faults(yard.url, yard.deployment.data) == []
    log, slots = read(yard.url)
    ends = [data for kind, _, data in log if kind == "job.finished"]
    assert Counter(data["state"] for data in ends) == {"succeeded": jobs}
    assert len({data["job_id"] for data in ends}) == jobs
    told, said = spans_of_the_log(log, slots), spans_of_the_stamps(yard.stamps)
    assert len(said) <= GPUS
    assert sum(map(len, said.values())) == jobs, "each command ran once"
    assert overlaps(told) == []
    assert overlaps(said) == []


def read(url: str) -> tuple[list[tuple[str, str, dict[str, object]]], dict[tuple[str, int], list[str]]]:
    """The events of jobs, and the GPUs of each attempt."""
    database = Database.open(url)
    with database.reading() as connection:
        query = select(events).where(events.c.type.like("job.%")).order_by(events.c.position)
        log = [(row.type, row.occurred_at, row.data) for row in connection.execute(query)]
        rows = connection.execute(select(attempts))
        slots = {(row.job_id, row.number): [name for name in row.slots if name.startswith("GPU-")] for row in rows}
    database.close()
    return log, slots


def spans_of_the_log(
    log: Iterable[tuple[str, str, dict[str, object]]], slots: dict[tuple[str, int], list[str]]
) -> Spans:
    """From where an attempt was given each GPU until it gave it back, in positions of its events."""
    spans: Spans = {}
    given: dict[object, int] = {}
    for position, (kind, _, data) in enumerate(log):
        if kind == "job.starting":
            given[data["job_id"]] = position
        elif kind in {"job.finished", "job.requeued"} and data["job_id"] in given:
            for gpu in slots[str(data["job_id"]), int(str(data["attempt"]))]:
                spans.setdefault(gpu, []).append((given.pop(data["job_id"]), position))
    return spans


def spans_of_the_stamps(stamps: Path) -> Spans:
    """When each command ran on its GPU, as it wrote itself."""
    spans: Spans = {}
    begun: dict[str, float] = {}
    for line in stamps.read_text(encoding="utf-8").splitlines():
        what, nanoseconds, gpu, where = line.split(" ", 3)
        if what == "begin":
            assert where not in begun, f"{where} was executed twice"
            begun[where] = float(nanoseconds)
        else:
            spans.setdefault(gpu, []).append((begun[where], float(nanoseconds)))
    return spans


def overlaps(spans: Spans) -> list[str]:
    """Where two had one GPU at a time."""
    found = []
    for gpu, of_it in spans.items():
        ordered = sorted(of_it)
        found += [f"{gpu}: {one} and {two}" for one, two in pairwise(ordered) if two[0] < one[1]]
    return found


@pytest.mark.usefixtures("gpus")
def test_twenty_jobs_run_once_each_while_their_server_is_killed(deployment: Deployment, tmp_path: Path) -> None:
    yard = open_yard(deployment, tmp_path, None)
    assert live(yard, jobs=20, between=(0.2, 0.4), seconds=120) >= 1
    expect_order(yard, 20)


def kill_through(yard: Yard) -> None:
    """Five hundred jobs, and a kill every few seconds."""
    kills = live(yard, jobs=500, between=(1, 4), seconds=300)
    print(f"500 jobs, {kills} kills")  # noqa: T201 - a figure of the long run
    assert kills > 5
    expect_order(yard, 500)


@pytest.mark.long
@pytest.mark.usefixtures("gpus")
def test_five_hundred_jobs_run_once_each_while_their_server_is_killed(deployment: Deployment, tmp_path: Path) -> None:
    kill_through(open_yard(deployment, tmp_path, None))


@pytest.mark.long
@pytest.mark.postgres
@pytest.mark.usefixtures("gpus")
def test_five_hundred_jobs_run_once_each_while_their_scheduler_is_killed(
    deployment: Deployment, postgresql_url: str, tmp_path: Path
) -> None:
    kill_through(open_yard(deployment, tmp_path, postgresql_url))
