"""The queue alone, and the queue with real processes beside task-spooler."""

import resource
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from control_plane.scheduler import workspace
from control_plane.scheduler.engines.local import LocalEngine
from control_plane.scheduler.inventory import Inventory
from store_client.wire.jobs import Resources, SubmitJob
from tests.bench.figures import Figure
from tests.bench.idle_engine import ENDLESS, IdleEngine, slots
from tests.bench.queue_yard import QueueYard, open_queue, until
from tests.scheduler.queue_house import Repositories
from tests.scheduler.repositories import Origin

PLACED, GPUS = 3_000, 64
STARTS = 60
FEW, MANY, MOST = 10, 1_000, 100_000
SMALL, LARGE = 8, 1_024
TICKS = 200
JOBS, AT_A_TIME = 40, 4
GPU_JOB = SubmitJob(name="gpu", command=("/bin/true",), resources=Resources(gpus=1))
BLOCKED = SubmitJob(name="blocked", command=("/bin/true",), resources=Resources(gpus=1, only_gpus=("GPU-0",)))
URGENT = SubmitJob(name="urgent", command=("/bin/true",), resources=Resources(gpus=1), priority=9)


def bench_placements() -> Iterator[Figure]:
    engine = IdleEngine(slots(GPUS))
    with open_queue(engine) as yard:
        yard.fill(PLACED, GPU_JOB)
        began, used = time.perf_counter(), _cpu()
        yard.scheduler.start()
        until(lambda: len(engine.seen_off) == PLACED, "the end of all jobs")
        took = time.perf_counter() - began
        note = f"{PLACED} jobs of a GPU each, from queued to succeeded, on {GPUS} GPUs of an engine that does nothing"
        yield Figure("queue.placements_per_s", PLACED / took, "1/s", note)
        cpu = 1000 * (_cpu() - used) / PLACED
        yield Figure("queue.cpu_per_job_ms", cpu, "ms", "of this process, over the same jobs")


def bench_starts_of_jobs() -> Iterator[Figure]:
    starts = {waiting: _starts(waiting, SMALL) for waiting in (FEW, MANY, MOST)}
    wide = _starts(MANY, LARGE)
    note = f"from the call that submits to the launch, {STARTS} jobs one by one, {SMALL} slots, {MANY} others waiting"
    yield Figure("queue.start_p50_ms", statistics.median(starts[MANY].taken), "ms", note)
    yield Figure("queue.start_p99_ms", _p99(starts[MANY].taken), "ms", note)
    yield Figure(
        "queue.start_p99_100k_vs_10",
        _p99(starts[MOST].taken) / _p99(starts[FEW].taken),
        "ratio",
        f"{MOST} waiting against {FEW}",
    )
    yield Figure(
        "queue.start_p50_100k_vs_10",
        statistics.median(starts[MOST].taken) / statistics.median(starts[FEW].taken),
        "ratio",
        "the same, median",
    )
    note = f"{LARGE} slots, all but eight busy, against {SMALL}; {MANY} waiting"
    yield Figure(
        "queue.start_p50_1024_vs_8_slots",
        statistics.median(wide.taken) / statistics.median(starts[MANY].taken),
        "ratio",
        note,
    )
    yield Figure("queue.start_p50_1024_slots_ms", statistics.median(wide.taken), "ms", note)
    yield Figure("queue.idle_tick_ms", starts[MOST].idle, "ms", f"CPU of a round that finds nothing, {MOST} waiting")
    yield Figure(
        "queue.idle_tick_100k_vs_10", starts[MOST].idle / starts[FEW].idle, "ratio", f"{MOST} waiting against {FEW}"
    )
    yield Figure(
        "queue.fill_s", starts[MOST].filled, "s", f"from the start of a scheduler to its first launch, {MOST} waiting"
    )


class _Starts:
    """What one queue showed."""

    def __init__(self) -> None:
        self.taken: list[float] = []
        self.idle = self.filled = 0.0


def _starts(waiting: int, gpus: int) -> _Starts:
    """How long jobs take to start that nothing but the length of the queue could hold up."""
    engine, found = IdleEngine(slots(gpus)), _Starts()
    with open_queue(engine) as yard:
        busy = max(1, gpus - SMALL)
        first = SubmitJob(
            name=ENDLESS, command=("/bin/true",), resources=Resources(gpus=1, only_gpus=("GPU-0",)), priority=10
        )
        yard.put(first)
        yard.fill(busy - 1, SubmitJob(name=ENDLESS, command=("/bin/true",), resources=Resources(gpus=1), priority=10))
        yard.fill(min(waiting, MANY), BLOCKED)
        if waiting > MANY:
            yard.multiply(waiting + busy)
        began = time.perf_counter()
        yard.scheduler.start()
        until(lambda: len(engine.launched) == busy, "the endless jobs")
        found.filled = time.perf_counter() - began
        for _ in range(5):
            _start(yard, engine)
        found.taken = [_start(yard, engine) for _ in range(STARTS)]
        yard.scheduler.stop()
        found.idle = _idle_tick(yard)
    return found


def _start(yard: QueueYard, engine: IdleEngine) -> float:
    """Milliseconds from the call that submits a job to its launch."""
    began = time.perf_counter()
    job_id = yard.put(URGENT)
    until(lambda: job_id in engine.launched, "the launch")
    took = 1000 * (engine.launched[job_id] - began)
    until(lambda: job_id in engine.seen_off, "its end")
    return took


def _idle_tick(yard: QueueYard) -> float:
    began = time.thread_time()
    for _ in range(TICKS):
        yard.scheduler.tick(everything=False)
    return 1000 * (time.thread_time() - began) / TICKS


def bench_jobs() -> Iterator[Figure]:
    """Real processes: a queue with workspaces, durable writes and shims, and one that forks."""
    with tempfile.TemporaryDirectory(prefix="switchyard-bench-git-") as folder:
        origin = Origin(Path(folder, "git"))
        base = origin.seed(readme="a seed\n")
        engine = LocalEngine(Path(folder, "attempts"), Repositories(origin.bare), inventory=Inventory(AT_A_TIME))
        spec = SubmitJob(name="true", command=("/bin/true",), commit_sha=base)
        with open_queue(engine) as yard:
            yard.store.set(base_commit_sha=base)
            yield Figure(
                "queue.commit_ms", _commit(yard), "ms", "one durable write; a job has three, shared with its neighbours"
            )
            yard.scheduler.start()
            took = _finished(yard, spec)
        yield Figure(
            "queue.workspace_ms",
            _workspace(Path(folder), origin.bare, base),
            "ms",
            "two checkouts of the pinned commits, and their removal",
        )
    note = f"{JOBS} times /bin/true from submit to succeeded, {AT_A_TIME} at a time, each in a workspace of its own"
    yield Figure("queue.jobs_per_s", JOBS / took, "1/s", note)
    yield from _beside_task_spooler(JOBS / took)


def _commit(yard: QueueYard) -> float:
    """Milliseconds of one write by itself."""
    spec = SubmitJob(name="later", command=("/bin/true",), resources=Resources(cpus=64))
    return statistics.median(_timed(lambda: yard.put(spec)) for _ in range(20))


def _workspace(folder: Path, repository: Path, base: str) -> float:
    """Milliseconds to make a workspace and to remove it."""

    def make(number: int) -> None:
        directory = folder / "workspaces" / str(number)
        directory.mkdir(parents=True)
        workspace.prepare(directory, repository, base, base, {})
        workspace.remove(directory)

    return statistics.median(_timed(partial(make, number)) for number in range(10))


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return 1000 * (time.perf_counter() - began)


def _finished(yard: QueueYard, spec: SubmitJob) -> float:
    """Seconds from the first submit to the last end."""
    yard.put(spec)
    until(lambda: yard.count("succeeded") == 1, "the first")
    began = time.perf_counter()
    for _ in range(JOBS):
        yard.put(spec)
    until(lambda: yard.count("succeeded") == JOBS + 1, "all jobs")
    return time.perf_counter() - began


def _beside_task_spooler(rate: float) -> Iterator[Figure]:
    program = shutil.which("tsp")
    if program is None:
        yield Figure("queue.vs_tsp", 0.0, "ratio", "task-spooler is not installed: apt-get install task-spooler")
        return
    with tempfile.TemporaryDirectory(prefix="switchyard-bench-tsp-") as folder:
        theirs = _task_spooler(program, folder)
    yield Figure(
        "queue.tsp_jobs_per_s",
        theirs,
        "1/s",
        f"task-spooler: {JOBS} times true, {AT_A_TIME} at a time, not durable, no workspace",
    )
    yield Figure("queue.vs_tsp", rate / theirs, "ratio", "jobs a second, ours against task-spooler's")


def _task_spooler(program: str, folder: str) -> float:
    env = {"TS_SOCKET": f"{folder}/socket", "TMPDIR": folder, "PATH": "/usr/bin:/bin"}

    def call(*arguments: str) -> str:
        done = subprocess.run([program, *arguments], env=env, capture_output=True, text=True, check=True, timeout=60)
        return done.stdout.strip()

    try:
        call("-S", str(AT_A_TIME))
        began = time.perf_counter()
        last = [call("-n", "/bin/true") for _ in range(JOBS)][-1]
        call("-w", last)
        return JOBS / (time.perf_counter() - began)
    finally:
        call("-K")


def _p99(taken: list[float]) -> float:
    return statistics.quantiles(taken, n=100, method="inclusive")[98]


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
