"""Watching a job: its log as it grows, and its end."""

import time

import click

from store_client.cli import show
from store_client.cli.server import Server, talks_to_server
from store_client.client import ControlPlaneClient
from store_client.wire.jobs import JobDetail, JobState, LogSlice

WAIT_SECONDS = 20.0
GAVE_UP = 124
"""The exit status when the job goes on after all of --timeout, as that of timeout(1)."""


@click.command()
@click.argument("job")
@click.option("--follow", "-f", is_flag=True, help="go on until the job has ended")
@click.option("--attempt", type=click.IntRange(1), help="default: the newest")
@talks_to_server
def logs(job: str, follow: bool, attempt: int | None, server: Server) -> None:
    """Print what a job wrote."""

    async def read(deployment: ControlPlaneClient) -> None:
        offset = 0
        while True:
            seconds = WAIT_SECONDS if follow else 0
            piece = await deployment.read_job_log(job, offset, attempt=attempt, wait_seconds=seconds)
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


@click.command()
@click.argument("job")
@click.option("--timeout", type=click.FloatRange(0), help="seconds; then the exit status is 124")
@talks_to_server
def wait(job: str, timeout: float | None, server: Server) -> None:
    """Wait for the end of a job; the exit status is the job's own, and 1 where it has none."""
    deadline = None if timeout is None else time.monotonic() + timeout

    async def read(deployment: ControlPlaneClient) -> JobDetail:
        while True:
            left = WAIT_SECONDS if deadline is None else max(0.0, min(WAIT_SECONDS, deadline - time.monotonic()))
            found = await deployment.read_job(job, wait_seconds=left)
            if found.state.is_final or (deadline is not None and time.monotonic() >= deadline):
                return found

    found = server.ask(read)
    if server.is_json:
        show.as_json(found)
    else:
        click.echo(f"Job {found.number} is {found.state.value.replace('_', ' ')}.")
    raise SystemExit(status_of(found))


def status_of(found: JobDetail) -> int:
    """The exit status that stands for how a job is."""
    if not found.state.is_final:
        return GAVE_UP
    if found.state is JobState.SUCCEEDED:
        return 0
    return found.exit_code if found.exit_code and found.exit_code > 0 else 1
