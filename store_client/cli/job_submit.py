"""Submitting jobs: one from options, many from a file."""

import json
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
import yaml
from pydantic import ValidationError

from store_client.cli import options, show
from store_client.cli.door import Failed
from store_client.cli.server import Server, find_experiment, talks_to_server
from store_client.cli.sizes import BYTES
from store_client.client import ControlPlaneClient
from store_client.wire.batches import QueueJob
from store_client.wire.jobs import Dependency, Job, JobDetail, Preemption, Resources, RetryPolicy, SubmitJob

AT_ONCE = 1000
"""So many jobs go in one call; all of them are queued or none."""
SECONDS = click.FloatRange(min=0, min_open=True)
CAUSES = click.Choice(["lost", "failed", "timed_out", "out_of_memory"])
SUBMIT: tuple[Callable[..., Any], ...] = (
    click.option("--name", help="default: the command"),
    click.option(
        "--commit", "commit_sha", help="full id of the commit to run on; default: the experiment's base commit"
    ),
    click.option("--gpus", type=click.IntRange(0, 64), default=0, show_default=True),
    click.option("--share", type=click.FloatRange(0, 1, min_open=True, max_open=True), help="of one GPU, as 0.5"),
    click.option("--mig", metavar="PROFILE", help="a slice of a GPU instead, as 1g.10gb"),
    click.option("--gpu-memory", type=BYTES, help="of each GPU, as 20GB; what a share reserves"),
    click.option("--on-gpu", "only_gpus", multiple=True, help="a GPU that will do, by UUID or number; may be repeated"),
    click.option("--cpus", type=click.IntRange(1), default=1, show_default=True),
    click.option("--memory", type=BYTES, help="of the machine, as 64GB"),
    click.option("--priority", type=click.IntRange(0, 10), default=5, show_default=True, help="10 goes first"),
    click.option("--timeout", type=SECONDS, default=3600, show_default=True, help="seconds"),
    click.option("--idle-timeout", type=SECONDS, help="end it after so many seconds without a word"),
    click.option("--retry", type=click.IntRange(1, 20), default=3, show_default=True, help="attempts at most"),
    click.option("--retry-on", type=CAUSES, multiple=True, help="default: lost; may be repeated"),
    click.option("--retry-delay", type=click.FloatRange(0), default=0, help="seconds before the second try; doubles"),
    click.option("--preemptible", is_flag=True, help="let it give way to higher priorities, and wait again"),
    click.option("--depends-on", multiple=True, metavar="JOB", help="comes first; JOB:ended: however it ends"),
    click.option("--array", type=click.IntRange(1), help="so many jobs, told apart by SWITCHYARD_ARRAY_INDEX"),
    click.option("--tag", "tags", multiple=True, help="may be repeated"),
    click.option("--env", "environment", multiple=True, metavar="NAME=VALUE", help="may be repeated; never a secret"),
    click.option("--run", "run_id", help="the run it belongs to"),
    click.option("--key", "idempotency_key", help="the same key gives the same job"),
)


def with_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """A command that takes everything a job can be given."""
    for option in reversed(SUBMIT):
        command = option(command)
    return command


@click.command()
@click.argument("experiment")
@click.argument("command", nargs=-1, required=True)
@with_options
@talks_to_server
def submit(experiment: str, command: tuple[str, ...], server: Server, **given: Any) -> None:
    """Queue COMMAND to run on a commit of EXPERIMENT; put -- before a command that has options."""
    body = _checked(lambda: spec(command, given))

    async def queue(deployment: ControlPlaneClient) -> JobDetail:
        return await deployment.store(await find_experiment(deployment, experiment)).submit_job(body)

    queued = server.ask(queue)
    if server.is_json:
        show.as_json(queued)
    else:
        click.echo(
            f"Job {queued.number} is {queued.state.value}. Watch it: switchyard job logs --follow {queued.number}"
        )


def spec(command: tuple[str, ...], given: Mapping[str, Any]) -> SubmitJob:
    """The job that the options describe."""
    plain = ("commit_sha", "priority", "array", "tags", "run_id", "idempotency_key")
    some = {name: given[name] for name in plain if given[name] is not None}
    return SubmitJob(
        name=(given["name"] or shlex.join(command))[:200],
        command=command,
        environment=dict(_pair(text) for text in given["environment"]),
        resources=_resources(given),
        timeout_seconds=given["timeout"],
        idle_timeout_seconds=given["idle_timeout"],
        retry=RetryPolicy(
            max_attempts=given["retry"], on=given["retry_on"] or ("lost",), delay_seconds=given["retry_delay"]
        ),
        preemption=Preemption() if given["preemptible"] else None,
        depends_on=tuple(map(_dependency, given["depends_on"])),
        **some,
    )


def _resources(given: Mapping[str, Any]) -> Resources:
    """A share or a slice is of one GPU, asked for or not."""
    is_part = given["share"] is not None or given["mig"] is not None
    return Resources(
        gpus=given["gpus"] or int(is_part),
        gpu_share=given["share"],
        mig_profile=given["mig"],
        gpu_memory_bytes=given["gpu_memory"] or 0,
        only_gpus=given["only_gpus"],
        cpus=given["cpus"],
        memory_bytes=given["memory"] or 0,
    )


def _pair(text: str) -> tuple[str, str]:
    name, mark, value = text.partition("=")
    if not name or not mark:
        raise click.UsageError(f"--env takes NAME=VALUE, not {text}")
    return name, value


def _dependency(text: str) -> Dependency:
    job_id, _, when = text.partition(":")
    return Dependency.model_validate({"job_id": job_id, "when": when or "succeeded"})


def _checked(make: Callable[[], SubmitJob]) -> SubmitJob:
    try:
        return make()
    except ValidationError as error:
        raise click.UsageError(_said(error)) from error


def _said(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where}: {first['msg']}" if where else first["msg"].removeprefix("Value error, ")


@click.command()
@click.argument("file", type=options.FILE)
@click.option("--experiment", help="for the jobs in it that name none")
@talks_to_server
def bulk(file: Path, experiment: str | None, server: Server) -> None:
    """Queue the jobs in FILE: a list in YAML, or one JSON object a line; each as the API takes it.

    A job may name its `experiment`. Up to a thousand are queued together or not at all; a refusal names the job.
    """
    entries = read(file)

    async def queue(deployment: ControlPlaneClient) -> list[Job]:
        bodies = [await _body(deployment, (file, place, entry), experiment) for place, entry in enumerate(entries, 1)]
        queued: list[Job] = []
        for at in range(0, len(bodies), AT_ONCE):
            queued += (await deployment.queue_jobs(bodies[at : at + AT_ONCE])).jobs
        return queued

    queued = server.ask(queue)
    if server.is_json:
        show.as_json(queued)
    else:
        numbers = f", {queued[0].number} to {queued[-1].number}" if len(queued) > 1 else ""
        click.echo(f"{len(queued)} {'job is' if len(queued) == 1 else 'jobs are'} queued{numbers}.")


def read(file: Path) -> list[dict[str, Any]]:
    """The jobs in a file, as written."""
    try:
        text = file.read_text(encoding="utf-8")
        is_lines = file.suffix in {".jsonl", ".ndjson"}
        found = [json.loads(line) for line in text.splitlines() if line.strip()] if is_lines else yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise Failed(f"{file} cannot be read: {error}") from error
    found = found.get("jobs") if isinstance(found, dict) else found
    if not isinstance(found, list) or not found or not all(isinstance(entry, dict) for entry in found):
        raise Failed(f"{file} is no list of jobs")
    return found


async def _body(
    deployment: ControlPlaneClient, written: tuple[Path, int, dict[str, Any]], fallback: str | None
) -> QueueJob:
    file, place, entry = written
    named = entry.pop("experiment", None) or fallback
    if named is None:
        raise Failed(f"job {place} of {file} names no experiment; give one with --experiment")
    if isinstance(entry.get("command"), str):
        entry["command"] = shlex.split(entry["command"])
    entry.setdefault("name", shlex.join(entry.get("command") or ())[:200])
    try:
        return QueueJob.model_validate({**entry, "experiment_id": await find_experiment(deployment, named)})
    except ValidationError as error:
        raise Failed(f"job {place} of {file}: {_said(error)}") from error
