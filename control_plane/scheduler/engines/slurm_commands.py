"""Slurm's four programs: sbatch, squeue, scontrol and scancel."""

import math
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from control_plane.scheduler.engines.slurm_text import QUEUE_FORMAT

TIMEOUT_SECONDS = 30.0
SILENCE = ("Unable to contact", "timed out", "temporarily unavailable", "Connection", "Zero Bytes", "try again later")
"""What Slurm's programs say when nobody has refused anything."""
SCRIPT = """#!/bin/sh
ticket=$SWITCHYARD_TICKET
unset SWITCHYARD_TICKET
exec "$SWITCHYARD_PYTHON" -m store_client.runner.attempt --url "$SWITCHYARD_URL" --job "$SWITCHYARD_JOB" \\
    --attempt "$SWITCHYARD_ATTEMPT" --scratch "$SWITCHYARD_SCRATCH" --gpus "$CUDA_VISIBLE_DEVICES" <<ticket
$ticket
ticket
"""
"""What every node runs. Nothing that somebody submitted stands in it, and no secret: Slurm shows scripts to people."""


class SlurmFailed(Exception):
    """A program of Slurm's refused; what it said is the message."""


class SlurmSilent(SlurmFailed):
    """Slurm did not answer; what was asked may have been done."""


@dataclass(frozen=True)
class Request:
    """What an attempt needs of a node, and what its agent is told."""

    marker: str
    node: str
    cpus: int
    gres: str
    memory_mib: int
    seconds: float
    variables: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class Slurm:
    """A cluster as its programs reach it; `variables` are theirs, as SLURM_CONF."""

    partition: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)

    def submit(self, wanted: Request) -> str:
        """Hand a job to Slurm; its number."""
        return self._run(_sbatch(wanted, self.partition), wanted.variables, SCRIPT).strip().partition(";")[0]

    def queue(self) -> str:
        """The jobs of this user, those that ended lately included."""
        user = str(os.getuid())
        shown = ("--noheader", "--states=all", "--array", f"--user={user}", f"--format={QUEUE_FORMAT}")
        return self._run(("squeue", *shown))

    def find(self, marker: str) -> str | None:
        """The number of a job by its name, the newest one first."""
        shown = ("--noheader", "--states=all", f"--user={os.getuid()}", f"--name={marker}", "--format=%i")
        numbers = self._run(("squeue", *shown)).split()
        return max(numbers, key=lambda number: (len(number), number)) if numbers else None

    def nodes(self) -> str:
        return self._run(("scontrol", "--oneliner", "--detail", "show", "node"))

    def signal(self, numbers: Sequence[str]) -> None:
        """Ask the agents of running jobs to end them."""
        self._run(("scancel", "--quiet", "--batch", "--signal=TERM", *numbers))

    def cancel(self, numbers: Sequence[str]) -> None:
        """End jobs, whatever they are at."""
        self._run(("scancel", "--quiet", *numbers))

    def _run(self, argv: Sequence[str], variables: Mapping[str, str] | None = None, stdin: str = "") -> str:
        """What a program prints. It gets no environment but this, so that a job inherits none either."""
        env = {"PATH": os.pathsep.join(os.get_exec_path()), "LC_ALL": "C.UTF-8", **self.variables, **(variables or {})}
        try:
            done = subprocess.run(
                argv, env=env, input=stdin, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise SlurmSilent(f"{argv[0]} did not end within {TIMEOUT_SECONDS:g} s") from error
        except OSError as error:
            raise SlurmFailed(f"{argv[0]} cannot be run: {error.strerror}") from error
        if done.returncode:
            said = done.stderr.strip()[-1000:] or f"{argv[0]} ended with {done.returncode}"
            raise SlurmSilent(said) if any(words in said for words in SILENCE) else SlurmFailed(said)
        return done.stdout


def _sbatch(wanted: Request, partition: str | None) -> list[str]:
    return [
        "sbatch",
        "--parsable",
        f"--job-name={wanted.marker}",
        f"--comment={wanted.marker}",
        f"--nodelist={wanted.node}",
        "--nodes=1",
        "--ntasks=1",
        f"--cpus-per-task={wanted.cpus}",
        f"--mem={wanted.memory_mib}M",
        f"--time={math.ceil(wanted.seconds / 60)}",
        "--no-requeue",
        "--export=ALL",
        "--chdir=/",
        "--input=/dev/null",
        "--output=/dev/null",
        "--error=/dev/null",
        *([f"--gres={wanted.gres}"] if wanted.gres else []),
        *([f"--partition={partition}"] if partition else []),
    ]
