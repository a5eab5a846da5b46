"""The queue with the local engine beside plain Slurm, on the same commands, in the same run."""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from control_plane.scheduler.engines.local import LocalEngine
from control_plane.scheduler.inventory import Inventory
from store_client.wire.jobs import SubmitJob
from tests.bench.figures import Figure
from tests.bench.queue_yard import QueueYard, open_queue, until
from tests.scheduler.queue_house import Repositories
from tests.scheduler.repositories import Origin
from tests.slurm.cluster import CPUS, NODES, Cluster, open_cluster, why_not

JOBS, STARTS = 40, 15
AT_A_TIME = CPUS * len(NODES)
TRUE = ("/bin/true",)
STAMP = "/bin/date +%s.%N >"


@dataclass(frozen=True)
class Seen:
    """Seconds for all jobs, by how they came, and from each submit to what the command does first."""

    ours: float
    theirs: float
    in_an_array: float
    in_workspaces: float
    our_starts: list[float]
    their_starts: list[float]


def bench_beside_slurm() -> Iterator[Figure]:
    reason = why_not()
    if reason is not None:
        yield Figure("queue.vs_slurm", 0.0, "ratio", reason)
        return
    with tempfile.TemporaryDirectory(prefix="switchyard-bench-") as name:
        folder = Path(name)
        origin = Origin(folder / "git")
        base = origin.seed(readme="a seed\n")
        with open_cluster() as cluster:
            clone = f"git clone -q --shared --no-checkout {origin.bare} $work; git -C $work checkout -q --detach {base}"
            seen = {
                "theirs": _sbatch(cluster, "exec /bin/true"),
                "in_an_array": _array(cluster),
                "in_workspaces": _sbatch(cluster, f"work={folder}/w$SLURM_JOB_ID; {clone}; /bin/true; rm -rf $work"),
            }
            their_starts = _slurm_starts(cluster, folder / "theirs")
        with _queue(origin, base, folder / "attempts") as yard:
            ours, our_starts = _finished(yard), _own_starts(yard, folder / "ours")
    yield from _figures(Seen(ours, **seen, our_starts=our_starts, their_starts=their_starts))


def _figures(seen: Seen) -> Iterator[Figure]:
    note = f"{JOBS} times /bin/true from the first submit to the last end, {AT_A_TIME} at a time"
    rates = {
        "queue.local_jobs_per_s": (seen.ours, f"ours: {note}; durable, each in a workspace of its own"),
        "queue.slurm_jobs_per_s": (seen.theirs, f"Slurm: {note}; an sbatch each, two nodes here"),
        "queue.slurm_array_jobs_per_s": (seen.in_an_array, f"Slurm: {note}; one sbatch --array"),
        "queue.slurm_workspace_jobs_per_s": (
            seen.in_workspaces,
            f"Slurm: {note}; each clones and checks out",
        ),
    }
    for name, (seconds, what) in rates.items():
        yield Figure(name, JOBS / seconds, "1/s", what)
    yield Figure("queue.vs_slurm", seen.theirs / seen.ours, "ratio", "jobs a second, ours against an sbatch each")
    same = "the same, where Slurm's jobs make a workspace, too"
    yield Figure("queue.vs_slurm_workspace", seen.in_workspaces / seen.ours, "ratio", same)
    mine, slurms = (1000 * statistics.median(each) for each in (seen.our_starts, seen.their_starts))
    note = f"from the call that submits to the command's first act, median of {STARTS} one by one on an idle queue"
    yield Figure("queue.local_start_p50_ms", mine, "ms", f"ours: {note}")
    yield Figure("queue.slurm_start_p50_ms", slurms, "ms", f"Slurm: {note}")


@contextmanager
def _queue(origin: Origin, base: str, folder: Path) -> Iterator[QueueYard]:
    """A queue of as many CPU slots as the cluster has, warm."""
    engine = LocalEngine(folder, Repositories(origin.bare), inventory=Inventory(AT_A_TIME))
    with open_queue(engine) as yard:
        yard.store.set(base_commit_sha=base)
        yard.scheduler.start()
        yard.put(_spec(TRUE))
        until(lambda: yard.count("succeeded") == 1, "the first")
        yield yard


def _spec(command: tuple[str, ...]) -> SubmitJob:
    return SubmitJob(name="bench", command=command)


def _finished(yard: QueueYard) -> float:
    """Seconds for all jobs, from the first submit to the last end."""
    before, began = yard.count("succeeded"), time.perf_counter()
    for _ in range(JOBS):
        yard.put(_spec(TRUE))
    until(lambda: yard.count("succeeded") == before + JOBS, "all jobs")
    return time.perf_counter() - began


def _own_starts(yard: QueueYard, stamps: Path) -> list[float]:
    def submit(path: Path) -> Callable[[], object]:
        before = yard.count("succeeded")
        yard.put(_spec(("/bin/sh", "-c", f"{STAMP}{path}")))
        return lambda: yard.count("succeeded") == before + 1

    return _starts(stamps, submit)


def _sbatch(cluster: Cluster, script: str) -> float:
    began = time.perf_counter()
    for _ in range(JOBS):
        _submit(cluster, script)
    until(lambda: not _left(cluster), "all jobs of Slurm's")
    return time.perf_counter() - began


def _array(cluster: Cluster) -> float:
    began = time.perf_counter()
    _submit(cluster, "exec /bin/true", f"--array=1-{JOBS}")
    until(lambda: not _left(cluster), "the array")
    return time.perf_counter() - began


def _slurm_starts(cluster: Cluster, stamps: Path) -> list[float]:
    def submit(path: Path) -> Callable[[], object]:
        _submit(cluster, f"{STAMP}{path}")
        return lambda: not _left(cluster)

    return _starts(stamps, submit)


def _submit(cluster: Cluster, script: str, *options: str) -> None:
    quiet = ("--output=/dev/null", "--error=/dev/null", "--input=/dev/null")
    cluster.ask("sbatch", "--parsable", "--chdir=/", *quiet, *options, stdin=f"#!/bin/sh\n{script}\n")


def _left(cluster: Cluster) -> str:
    return cluster.ask("squeue", "--noheader", "--format=%i")


def _starts(stamps: Path, submit: Callable[[Path], Callable[[], object]]) -> list[float]:
    """Seconds from the submit of each job to what it stamps, one after the other."""
    stamps.mkdir()
    taken = []
    for number in range(STARTS):
        path, began = stamps / str(number), time.time()
        has_ended = submit(path)
        until(has_ended, "its end")
        taken.append(float(path.read_text()) - began)
    return taken
