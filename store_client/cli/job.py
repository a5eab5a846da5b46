"""`switchyard job`: submit, look, read the log, cancel."""

import shlex

import click

from store_client.cli import show
from store_client.cli.door import Failed
from store_client.cli.server import Server, find_experiment, talks_to_server
from store_client.client import ControlPlaneClient
from store_client.wire.jobs import Job, JobDetail, JobPage, JobState, LogSlice, Resources, SubmitJob

WAIT_SECONDS = 20.0
PAGE = 500


@click.group()
def job() -> None:
    """Work with the job queue; JOB is an id or a number."""


@job.command()
@click.argument("experiment")
@click.argument("command", nargs=-1, required=True)
@click.option("--name", help="default: the command")
@click.option("--commit", "commit_sha", help="full id of the commit to run on; default: the experiment's base commit")
@click.option("--cpus", type=click.IntRange(1), default=1, show_default=True)
@click.option("--gpus", type=click.IntRange(0), default=0, show_default=True)
@click.option("--priority", type=click.IntRange(0, 10), default=5, show_default=True, help="10 goes first")
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), default=3600, show_default=True, help="seconds")
@talks_to_server
def submit(experiment: str, command: tuple[str, ...], server: Server, **given: str) -> None:
    """Queue COMMAND to run on a commit of EXPERIMENT; put -- before a command that has options."""
    resources = Resources(cpus=int(given["cpus"]), gpus=int(given["gpus"]))
    body = SubmitJob(
        name=(given["name"] or shlex.join(command))[:200],
        command=command,
        commit_sha=given["commit_sha"],
        resources=resources,
        priority=int(given["priority"]),
        timeout_seconds=float(given["timeout"]),
    )

    async def queue(deployment: ControlPlaneClient) -> JobDetail:
        return await deployment.store(await find_experiment(deployment, experiment)).submit_job(body)

    queued = server.ask(queue)
    if server.is_json:
        show.as_json(queued)
    else:
        click.echo(
            f"Job {queued.number} is {queued.state.value}. Watch it: switchyard job logs --follow {queued.number}"
        )


@job.command("list")
@click.option("--experiment", help="only this experiment's")
@click.option("--state", type=click.Choice([state.value for state in JobState]))
@click.option("--all", "is_all", is_flag=True, help="also jobs that have ended")
@talks_to_server
def list_(experiment: str | None, state: str | None, is_all: bool, server: Server) -> None:
    """List the jobs that wait and run, or all."""

    async def read(deployment: ControlPlaneClient) -> JobPage:
        experiment_id = await find_experiment(deployment, experiment) if experiment else None
        wanted = JobState(state) if state else None
        is_open = None if is_all or wanted else True
        return await deployment.list_jobs(experiment_id, wanted, is_open=is_open, limit=PAGE)

    found = server.ask(read).items
    if server.is_json:
        show.as_json(found)
    else:
        show.table(("Job", "State", "Name", "Why it waits"), map(_row, found), empty="No job waits or runs.")


def _row(found: Job) -> tuple[object, ...]:
    return (found.number, found.state.value, found.name, found.waiting_for or "")


@job.command("show")
@click.argument("job")
@talks_to_server
def show_(job: str, server: Server) -> None:
    """Show one job."""

    async def read(deployment: ControlPlaneClient) -> JobDetail:
        return await deployment.read_job(await find_job(deployment, job))

    found = server.ask(read)
    if server.is_json:
        show.as_json(found)
        return
    show.facts(
        [
            ("Job", found.number),
            ("Id", found.job_id),
            ("Name", found.name),
            ("State", found.state.value),
            ("Why it waits", found.waiting_for),
            ("Command", shlex.join(found.command)),
            ("Commit", found.commit_sha),
            ("Attempt", found.attempt),
            ("Exit code", found.exit_code),
            ("Started", found.started_at),
            ("Ended", found.ended_at),
            ("Published", found.published_commit),
        ]
    )


@job.command()
@click.argument("job")
@click.option("--follow", is_flag=True, help="go on until the job has ended")
@talks_to_server
def logs(job: str, follow: bool, server: Server) -> None:
    """Print what a job wrote."""

    async def read(deployment: ControlPlaneClient) -> None:
        job_id, offset = await find_job(deployment, job), 0
        while True:
            piece = await deployment.read_job_log(job_id, offset, wait_seconds=WAIT_SECONDS if follow else 0)
            _print(piece, is_json=server.is_json)
            if piece.is_complete or (not follow and piece.next_offset == offset):
                return
            offset = piece.next_offset

    server.ask(read)


def _print(piece: LogSlice, *, is_json: bool) -> None:
    if is_json:
        show.as_json(piece)
    else:
        click.echo(piece.text, nl=False)


@job.command()
@click.argument("job")
@talks_to_server
def cancel(job: str, server: Server) -> None:
    """Cancel a job, running or not."""

    async def end(deployment: ControlPlaneClient) -> JobDetail:
        return await deployment.cancel_job(await find_job(deployment, job))

    ended = server.ask(end)
    if server.is_json:
        show.as_json(ended)
    else:
        click.echo(f"Job {ended.number} is {ended.state.value}.")


async def find_job(deployment: ControlPlaneClient, named: str) -> str:
    """The id of a job named by its id or number."""
    if not named.isdecimal():
        return named
    after: str | None = None
    while True:
        page = await deployment.list_jobs(after=after, limit=PAGE)
        for found in page.items:
            if found.number == int(named):
                return found.job_id
        after = page.next
        if after is None:
            raise Failed(f"there is no job {named}. See: switchyard job list --all")
