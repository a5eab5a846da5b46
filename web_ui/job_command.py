"""A job again, as the command that queues one like it."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from store_client import JobDetail, Resources, RetryPolicy

STANDARD = RetryPolicy()


@dataclass(frozen=True)
class Again:
    """The command, and what it cannot say."""

    text: str
    lacks: str


def again(job: JobDetail) -> Again:
    """The command line that queues the same command on the same commit with the same needs."""
    options = [shlex.quote(part) for part in _options(job)]
    command = ["switchyard job submit", shlex.quote(job.experiment_slug or job.experiment_id)]
    return Again(" ".join([*command, *options, "--", shlex.join(job.command)]), _lacks(job))


def _options(job: JobDetail) -> Iterator[str]:
    yield from ("--name", job.name, "--commit", job.commit_sha)
    yield from _of_needs(job.resources)
    if job.priority != 5:
        yield from ("--priority", str(job.priority))
    yield from ("--timeout", _plain(job.timeout_seconds))
    if job.idle_timeout_seconds is not None:
        yield from ("--idle-timeout", _plain(job.idle_timeout_seconds))
    yield from _of_retries(job.retry)
    if job.preemption is not None:
        yield "--preemptible"
    for tag in job.tags:
        yield from ("--tag", tag)
    if job.run_id is not None:
        yield from ("--run", job.run_id)


def _of_needs(needs: Resources) -> Iterator[str]:
    if needs.gpu_share is not None:
        yield from ("--share", _plain(needs.gpu_share))
    elif needs.mig_profile is not None:
        yield from ("--mig", needs.mig_profile)
    elif needs.gpus:
        yield from ("--gpus", str(needs.gpus))
    if needs.gpu_memory_bytes:
        yield from ("--gpu-memory", str(needs.gpu_memory_bytes))
    for gpu in needs.only_gpus:
        yield from ("--on-gpu", gpu)
    if needs.cpus != 1:
        yield from ("--cpus", str(needs.cpus))
    if needs.memory_bytes:
        yield from ("--memory", str(needs.memory_bytes))


def _of_retries(retry: RetryPolicy) -> Iterator[str]:
    if retry.max_attempts != STANDARD.max_attempts:
        yield from ("--retry", str(retry.max_attempts))
    if retry.on != STANDARD.on:
        for state in retry.on:
            yield from ("--retry-on", state)
    if retry.delay_seconds:
        yield from ("--retry-delay", _plain(retry.delay_seconds))


def _plain(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _lacks(job: JobDetail) -> str:
    """What the job had beside that, in a sentence."""
    found = [f"its variables ({', '.join(job.variables)})"] if job.variables else []
    found += [f"the files it was given ({', '.join(job.inputs)})"] if job.inputs else []
    found += ["the task it worked on"] if job.task_id else []
    found += ["its place in an array"] if job.array_id else []
    found += ["what it came after"] if job.depends_on else []
    return f"Without {', '.join(found)}." if found else ""
