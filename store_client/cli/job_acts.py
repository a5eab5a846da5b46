"""Changing jobs: cancelling one or many, trying again, and the order of those that wait."""

from collections.abc import Awaitable, Callable
from typing import Any

import click

from store_client.cli import job_many, show
from store_client.cli.server import Server, talks_to_server
from store_client.client import ControlPlaneClient
from store_client.wire.batches import MoveJob
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
@job_many.choosing
@talks_to_server
def cancel(jobs: tuple[str, ...], server: Server, **given: Any) -> None:
    """Cancel jobs, running or not: those that are named, or all that meet every condition given."""
    if _are_named(jobs, given):
        _each(server, jobs, lambda deployment, job: deployment.cancel_job(job))
    else:
        job_many.cancel(server, given)


def _are_named(jobs: tuple[str, ...], given: dict[str, Any]) -> bool:
    """Whether jobs are named, and not chosen by conditions; one of the two has to be."""
    conditions = [value for name, value in given.items() if name not in {"is_preview", "yes"}]
    if bool(jobs) == any(conditions):
        raise click.UsageError("name jobs, or conditions that choose them")
    if jobs and given["is_preview"]:
        raise click.UsageError("--dry-run is for conditions, not for jobs that are named")
    return bool(jobs)


@click.command()
@click.argument("jobs", nargs=-1, required=True, metavar="JOB…")
@talks_to_server
def retry(jobs: tuple[str, ...], server: Server) -> None:
    """Queue jobs that have ended again."""
    _each(server, jobs, lambda deployment, job: deployment.retry_job(job))


@click.command()
@click.argument("priority", type=click.IntRange(0, 10))
@click.argument("jobs", nargs=-1, metavar="[JOB]…")
@job_many.choosing
@talks_to_server
def priority(priority: int, jobs: tuple[str, ...], server: Server, **given: Any) -> None:
    """Give waiting jobs the PRIORITY, 10 goes first: those that are named, or all that meet every condition given."""
    if _are_named(jobs, given):
        _each(server, jobs, lambda deployment, job: deployment.reprioritise_job(job, priority))
    else:
        job_many.reprioritise(server, priority, given)


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
