"""Changing jobs: cancelling one or many, trying again, and the order of those that wait."""

from collections.abc import Awaitable, Callable
from typing import Any

import click

from store_client.cli import show
from store_client.cli.job_lists import STATE, chosen
from store_client.cli.server import Server, talks_to_server
from store_client.client import ControlPlaneClient
from store_client.wire.batches import CancelJobs, ChangedJobs, JobFilter, MoveJob
from store_client.wire.jobs import JobDetail


def _each(
    server: Server, jobs: tuple[str, ...], act: Callable[[ControlPlaneClient, str], Awaitable[JobDetail]]
) -> None:
    """Do something to each job, and say how each is then."""

    async def run(deployment: ControlPlaneClient) -> list[JobDetail]:
        return [await act(deployment, job) for job in jobs]

    done = server.ask(run)
    if server.is_json:
        show.as_json(done[0] if len(done) == 1 else done)
        return
    for one in done:
        click.echo(f"Job {one.number} is {one.state.value}.")


@click.command()
@click.argument("jobs", nargs=-1, metavar="[JOB]…")
@click.option("--experiment", help="all that wait and run in this experiment")
@click.option("--state", "states", type=STATE, multiple=True, help="all in this state; may be repeated")
@click.option("--name", help="all whose name begins so")
@click.option("--tag", help="all with this tag")
@click.option("--yes", is_flag=True, help="do not ask")
@talks_to_server
def cancel(jobs: tuple[str, ...], yes: bool, server: Server, **given: Any) -> None:
    """Cancel jobs, running or not: those that are named, or all that meet every condition given."""
    if bool(jobs) == any(given.values()):
        raise click.UsageError("name jobs, or conditions that choose them")
    if jobs:
        _each(server, jobs, lambda deployment, job: deployment.cancel_job(job))
        return
    counted, wanted = server.ask(lambda deployment: _count(deployment, given))
    if not yes and counted.matched:
        click.confirm(f"Cancel {counted.matched} {'job' if counted.matched == 1 else 'jobs'}?", abort=True, err=True)
    changed = server.ask(lambda deployment: _cancel_all(deployment, wanted, counted))
    if server.is_json:
        show.as_json({"changed": changed})
    else:
        click.echo(f"{changed} {'job is' if changed == 1 else 'jobs are'} cancelled or being stopped.")


async def _count(deployment: ControlPlaneClient, given: dict[str, Any]) -> tuple[ChangedJobs, JobFilter]:
    experiment = given.pop("experiment")
    wanted = await chosen(deployment, experiment, given)
    wanted = wanted if wanted.states else wanted.having(is_open=True)
    return await deployment.cancel_jobs(CancelJobs(filter=wanted, is_preview=True)), wanted


async def _cancel_all(deployment: ControlPlaneClient, wanted: JobFilter, counted: ChangedJobs) -> int:
    """Exactly those that were counted, part after part."""
    body = CancelJobs(filter=wanted, expected_count=counted.matched, up_to=counted.up_to or None)
    changed = 0
    while counted.matched:
        part = await deployment.cancel_jobs(body)
        changed += part.changed
        if not part.left:
            break
        body = body.having(expected_count=None)
    return changed


@click.command()
@click.argument("jobs", nargs=-1, required=True, metavar="JOB…")
@talks_to_server
def retry(jobs: tuple[str, ...], server: Server) -> None:
    """Queue jobs that have ended again."""
    _each(server, jobs, lambda deployment, job: deployment.retry_job(job))


@click.command()
@click.argument("priority", type=click.IntRange(0, 10))
@click.argument("jobs", nargs=-1, required=True, metavar="JOB…")
@talks_to_server
def priority(priority: int, jobs: tuple[str, ...], server: Server) -> None:
    """Give waiting jobs the PRIORITY; 10 goes first."""
    _each(server, jobs, lambda deployment, job: deployment.reprioritise_job(job, priority))


@click.command()
@click.argument("job")
@click.option("--front", "to", flag_value="front", help="before all others of its priority")
@click.option("--back", "to", flag_value="back", help="behind them")
@click.option("--before", metavar="JOB", help="before this waiting job of the same priority")
@click.option("--after", metavar="JOB", help="behind this one")
@talks_to_server
def move(job: str, to: str | None, before: str | None, after: str | None, server: Server) -> None:
    """Move a waiting job among those of its priority."""
    given = {name: value for name, value in (("to", to), ("before", before), ("after", after)) if value is not None}
    if len(given) != 1:
        raise click.UsageError("name one place: --front, --back, --before JOB or --after JOB")
    place = MoveJob.model_validate(given)
    _each(server, (job,), lambda deployment, named: deployment.move_job(named, place))
