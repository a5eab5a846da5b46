"""One act on every job that conditions choose: counted and shown, asked for, then done to exactly those."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import click

from store_client.cli import show
from store_client.cli.job_lists import HEADINGS, STATE, chosen, row
from store_client.cli.server import Server
from store_client.client import ControlPlaneClient
from store_client.wire.batches import CancelJobs, ChangedJobs, JobFilter, ReprioritiseJobs
from store_client.wire.jobs import Job, JobState

Command = TypeVar("Command", bound=Callable[..., Any])
Asked = TypeVar("Asked", CancelJobs, ReprioritiseJobs)
SHOWN = 20


def choosing(command: Command) -> Command:
    """The conditions that choose jobs, and how sure one is of them."""
    options = (
        click.option("--experiment", help="all that wait and run in this experiment"),
        click.option("--state", "states", type=STATE, multiple=True, help="all in this state; may be repeated"),
        click.option("--name", help="all whose name begins so"),
        click.option("--tag", help="all with this tag"),
        click.option("--by", "submitted_by", help="all that this worker submitted"),
        click.option("--run", "run_id", help="all of this run"),
        click.option("--array", "array_id", help="all of this array"),
        click.option("--dry-run", "is_preview", is_flag=True, help="only count them, and show the first"),
        click.option("--yes", is_flag=True, help="do not ask"),
    )
    for option in reversed(options):
        command = option(command)
    return command


@dataclass(frozen=True)
class Act(Generic[Asked]):
    """What is done to each: how it is sent, and how it is told."""

    send: Callable[[ControlPlaneClient, Asked], Awaitable[ChangedJobs]]
    verb: str
    done: str
    concerns: Callable[[Job], bool]
    """Whether it would change one of those that the conditions choose."""


CANCEL = Act(
    ControlPlaneClient.cancel_jobs,
    "Cancel",
    "cancelled or being stopped",
    lambda job: job.state is not JobState.CANCELLING,
)


def cancel(server: Server, given: dict[str, Any]) -> None:
    """Cancel the open jobs that conditions choose; they are found again by the act's id."""
    act_id = f"act_{secrets.token_hex(8)}"

    async def body(deployment: ControlPlaneClient) -> CancelJobs:
        wanted = await _wanted(deployment, given)
        return CancelJobs(filter=wanted if wanted.states else wanted.having(is_open=True), act_id=act_id)

    changed = _carry_out(server, given, (CANCEL, server.ask(body)))
    if changed is not None:
        _tell(server, changed, CANCEL.done, act_id)


def reprioritise(server: Server, priority: int, given: dict[str, Any]) -> None:
    """Give the waiting jobs that conditions choose a priority."""
    act = Act(
        ControlPlaneClient.reprioritise_jobs, f"Give priority {priority} to", f"at priority {priority} now",
        lambda job: job.priority != priority,
    )  # fmt: skip

    async def body(deployment: ControlPlaneClient) -> ReprioritiseJobs:
        wanted = await _wanted(deployment, given)
        waiting = wanted if wanted.states else wanted.having(states=(JobState.QUEUED,))
        return ReprioritiseJobs(filter=waiting, priority=priority)

    changed = _carry_out(server, given, (act, server.ask(body)))
    if changed is not None:
        _tell(server, changed, act.done, None)


async def _wanted(deployment: ControlPlaneClient, given: dict[str, Any]) -> JobFilter:
    told = {name: value for name, value in given.items() if name not in {"experiment", "is_preview", "yes"}}
    return await chosen(deployment, given["experiment"], told)


def _carry_out(server: Server, given: dict[str, Any], what: tuple[Act[Asked], Asked]) -> int | None:
    """How many were changed; None where that was only to be counted."""
    act, body = what
    counted = server.ask(lambda deployment: act.send(deployment, body.having(is_preview=True)))
    if given["is_preview"]:
        _preview(server, counted, what)
        return None
    if not given["yes"] and counted.matched:
        click.confirm(f"{act.verb} {_jobs(counted.matched)}?", abort=True, err=True)
    sure = body.having(expected_count=counted.matched, up_to=counted.up_to or None)
    return server.ask(lambda deployment: _all(deployment, act, sure)) if counted.matched else 0


async def _all(deployment: ControlPlaneClient, act: Act[Asked], body: Asked) -> int:
    """Exactly those that were counted, part after part."""
    changed = 0
    while True:
        part = await act.send(deployment, body)
        changed += part.changed
        if not part.left:
            return changed
        body = body.having(expected_count=None)


def _preview(server: Server, counted: ChangedJobs, what: tuple[Act[Asked], Asked]) -> None:
    act, body = what
    found = server.ask(lambda deployment: deployment.list_jobs(wanted=body.filter, limit=SHOWN)).items
    sample = [one for one in found if act.concerns(one)]
    if server.is_json:
        show.as_json({"matched": counted.matched, "jobs": [one.to_wire() for one in sample]})
        return
    click.echo(f"{act.verb} {_jobs(counted.matched)}. Nothing was changed.")
    if sample:
        show.table(HEADINGS, map(row, sample), empty="")


def _tell(server: Server, changed: int, done: str, act_id: str | None) -> None:
    if server.is_json:
        show.as_json({"changed": changed, **({"act_id": act_id} if act_id else {})})
        return
    click.echo(f"{_jobs(changed)} {'is' if changed == 1 else 'are'} {done}.")
    if act_id and changed:
        click.echo(f"What became of each: switchyard job list --all --act {act_id}")


def _jobs(count: int) -> str:
    return f"{count} {'job' if count == 1 else 'jobs'}"
