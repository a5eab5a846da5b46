"""The core over real HTTP and real processes: claims, events, the queue, pages, integration."""

import asyncio
import statistics
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx

from store_client import ExperimentDetail, IdeationResult, LogEvent, Status, SubmitJob, parse_time
from tests.acceptance.deployment import Deployment
from tests.acceptance.experiments import MANUAL, Recipe
from tests.bench.figures import Figure
from tests.bench.yard import Hand, deployed, hands, timed

CYCLES, DRAFTS, WRITERS = 400, 1500, 32
JOBS = 60
FEW, MANY, LOOKS = 50, 1000, 15
ENDLESS = {"termination_policy": {"kind": "never_terminate"}, "dispatch_mode": {"termination": "manual"}}


def served(deployment: Deployment) -> ExperimentDetail:
    """`switchyard serve` with one experiment, in which nobody but the benchmark acts."""
    deployment.run("serve", "--port", "0")
    source = Recipe(automation=MANUAL).write(deployment.data.with_name("source"), **ENDLESS)
    return deployment.create(source, "bench")


async def claim_and_submit(hand: Hand, name: str) -> None:
    await hand.store.claim_task(name)
    await hand.store.submit_task(name, IdeationResult(idea_ids=(), status="success"))


async def create_ideation(hand: Hand, name: str) -> None:
    await hand.create_task("ideation", name, experiment_id=hand.store.experiment_id)


def bench_claims() -> Iterator[Figure]:
    with deployed() as deployment:
        experiment = served(deployment)
        for clients in (1, 8):
            rate = asyncio.run(cycles_per_second(deployment, experiment, clients))
            note = f"{clients} client(s), SQLite, durable, over HTTP; two writes a cycle"
            yield Figure(f"claim_submit_cycles_{clients}_clients", rate, "1/s", note)
        rate = asyncio.run(events_per_second(deployment, experiment))
        yield Figure("events_appended", rate, "1/s", f"{WRITERS} clients drafting ideas over HTTP, SQLite, durable")


async def cycles_per_second(deployment: Deployment, experiment: ExperimentDetail, clients: int) -> float:
    async with hands(deployment, experiment, clients) as workers:
        names = [f"t-{clients}-{number}" for number in range(CYCLES)]
        await timed(workers, names, create_ideation)
        return CYCLES / await timed(workers, names, claim_and_submit)


async def events_per_second(deployment: Deployment, experiment: ExperimentDetail) -> float:
    async with hands(deployment, experiment, WRITERS) as workers:
        return DRAFTS / await timed(workers, [str(number) for number in range(DRAFTS)], Hand.draft)


def bench_queue() -> Iterator[Figure]:
    with deployed() as deployment:
        worker = deployment.worker(served(deployment))
        body = SubmitJob(name="true", command=("/bin/true",))
        latencies = [seconds_of_job(worker, body) for _ in range(10)]
        yield Figure("job_submit_to_finish", 1000 * statistics.median(latencies), "ms", "/bin/true on an idle queue")
        began = time.perf_counter()
        jobs = [worker.submit_job(body) for _ in range(JOBS)]
        for job in jobs:
            wait_for(worker, job.job_id)
        rate = JOBS / (time.perf_counter() - began)
        yield Figure("jobs_finished", rate, "1/s", f"{JOBS} times /bin/true, each in a workspace of its own")


def seconds_of_job(worker: Any, body: SubmitJob) -> float:
    began = time.perf_counter()
    wait_for(worker, worker.submit_job(body).job_id)
    return time.perf_counter() - began


def wait_for(worker: Any, job_id: str) -> None:
    while not worker.read_experiment_job(job_id, 10).state.is_final:
        pass


def bench_pages() -> Iterator[Figure]:
    with deployed() as deployment:
        experiment = served(deployment)
        url = deployment.ready["control_plane"]
        deployment.run("web", "--port", "0", "--control-plane-url", url)
        asyncio.run(make_variants(deployment, experiment, range(1, FEW)))
        few = page_times(deployment, experiment)
        rate = asyncio.run(make_variants(deployment, experiment, range(FEW, MANY)))
        yield Figure("variants_made", rate, "1/s", "8 clients, 11 calls each from idea to score, SQLite, durable")
        many = page_times(deployment, experiment)
    for name, after in many.items():
        yield Figure(f"page_{name}_{MANY}", after, "ms", f"median of {LOOKS}, {MANY} variants")
        yield Figure(f"page_{name}_growth", after / few[name], "ratio", f"{MANY} variants against {FEW}")


async def make_variants(deployment: Deployment, experiment: ExperimentDetail, numbers: range) -> float:
    """Variants made in a second."""
    async with hands(deployment, experiment, 8) as workers:

        async def make(hand: Hand, name: str) -> None:
            number = int(name)
            await hand.make_variant(name, f"{number:040x}", number % 97 + number / MANY)

        return len(numbers) / await timed(workers, [str(number) for number in numbers], make)


def page_times(deployment: Deployment, experiment: ExperimentDetail) -> dict[str, float]:
    """Milliseconds of each page, once it is warm."""
    root = f"/e/{experiment.slug}"
    paths = {"home": "/", "overview": f"{root}/", "variants": f"{root}/variants", "tasks": f"{root}/tasks"}
    with httpx.Client(base_url=deployment.ready["web"], timeout=60) as client:
        code = deployment.client.create_sign_in_code().code
        headers = {"Origin": deployment.ready["web"]}
        client.post("/signin", data={"code": code, "next": "/"}, headers=headers)
        return {name: statistics.median(looks(client, path)) for name, path in paths.items()}


def looks(client: httpx.Client, path: str) -> list[float]:
    client.get(path)
    times = []
    for _ in range(LOOKS):
        began = time.perf_counter()
        assert client.get(path).status_code == 200
        times.append(1000 * (time.perf_counter() - began))
    return times


def bench_loop() -> Iterator[Figure]:
    variants = 20
    with deployed() as deployment:
        source = Recipe(variants).write(deployment.data.with_name("source"))
        began = time.perf_counter()
        deployment.up()
        yield Figure(
            "up_without_examples", time.perf_counter() - began, "s", "empty data directory to ready line, warm"
        )
        experiment = deployment.create(source, "loop")
        store = deployment.store(experiment)
        deployment.until(lambda: store.read_experiment_detail().status is Status.COMPLETED, "the end", 240)
        deployment.until(lambda: store.read_experiment_detail().counts.integrated == variants, "integration", 30)
        events = log_of(store)
        length = (moment(events[-1]) - moment(events[0])).total_seconds()
        yield Figure("loop", 60 * variants / length, "1/min", "variants through all roles, commands that do nothing")
        yield Figure("integration", integration_ms(events), "ms", "median, from the accepted score to the commit")


def log_of(store: Any) -> list[LogEvent]:
    """Every event of an experiment."""
    events: list[LogEvent] = []
    while found := store.read_log(events[-1].position if events else 0, 0, 1000).events:
        events += found
    return events


def moment(event: LogEvent) -> datetime:
    return parse_time(event.occurred_at)


def integration_ms(events: list[LogEvent]) -> float:
    scored = {each.data["variant_id"]: moment(each) for each in events if each.type == "variant.succeeded"}
    integrated = {each.data["variant_id"]: moment(each) for each in events if each.type == "variant.integrated"}
    return statistics.median((at - scored[name]) / timedelta(milliseconds=1) for name, at in integrated.items())
