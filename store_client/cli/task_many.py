"""One act on every task that a filter chooses: counted and shown, asked for, then done to exactly those."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import click

from store_client.cli import show, task_acts
from store_client.cli.door import Failed
from store_client.cli.server import Server, find_experiment, talks_to_server
from store_client.client import ControlPlaneClient, StoreClient
from store_client.filter_language import Narrowing, narrowing
from store_client.task_choice import TASK_FIELDS, choice_of, view_of, worker_named
from store_client.wire.bulk import (
    MOST_AT_ONCE,
    BeginBulkAct,
    BulkAct,
    BulkActName,
    BulkPreview,
    ChooseTasks,
    TaskChoice,
)
from store_client.wire.tasks import ClosedTarget, TaskDetail

Command = TypeVar("Command", bound=Callable[..., Any])
HEADINGS = ("Task", "Kind", "State", "Name", "Who has it", "For")
ANYBODY, ME = "anybody", "me"


def choosing(command: Command) -> Command:
    """The filter that chooses tasks, where, and how sure one is of it."""
    options = (
        click.argument("written", metavar="FILTER"),
        click.option("--experiment", required=True, help="id or slug"),
        click.option("--dry-run", "is_preview", is_flag=True, help="only count them, and show the first"),
        click.option("--yes", is_flag=True, help="do not ask"),
    )
    for option in reversed(options):
        command = option(command)
    return command


@dataclass(frozen=True)
class Act:
    """What is done to each, how it is asked for and told, and whom it gives them to."""

    name: BulkActName
    verb: str
    done: str
    reason: str | None = None
    to: str = ANYBODY


@dataclass(frozen=True)
class Counted:
    """An act, the tasks that it concerns, and whom it gives them to."""

    act: Act
    experiment_id: str
    body: ChooseTasks
    seen: BulkPreview
    target: ClosedTarget | None

    @property
    def question(self) -> str:
        return f"{self.act.verb} {task_acts.tasks(self.seen.matched)}"


@click.command("take-back")
@choosing
@click.option("--reason", help="why, for whoever had them")
@talks_to_server
def take_back(written: str, reason: str | None, server: Server, **given: Any) -> None:
    """End the claims on the tasks that meet FILTER, as in 'state:claimed worker:"Ada L" age>2h'.

    Each waits again; a result that nobody has looked at yet is dropped. This cannot be undone.
    """
    _carry_out(server, Act("take_back", "Take back", "taken back", reason), _read(written), given)


@click.command()
@choosing
@click.option("--to", default=ANYBODY, show_default=True, help="a worker or group, by name or id")
@click.option("--reason", required=True, help="why, for whoever had them")
@talks_to_server
def reassign(written: str, to: str, reason: str, server: Server, **given: Any) -> None:
    """Give the tasks that meet FILTER, and that nobody has submitted, to others; claims on them end."""
    _carry_out(server, Act("reassign", "Give away", "given away", reason, to), _read(written), given)


def _read(written: str) -> Narrowing:
    """A filter as its conditions; wrong use where one is not understood."""
    found = narrowing(written, TASK_FIELDS)
    if found.problem:
        raise click.UsageError(found.problem)
    return found


def _carry_out(server: Server, act: Act, wanted: Narrowing, given: dict[str, Any]) -> None:
    counted = server.ask(lambda deployment: _count(deployment, act, (given["experiment"], wanted)))
    if given["is_preview"]:
        _preview(server, counted)
        return
    _must_not_be_too_many(counted.seen)
    if not given["yes"] and counted.seen.matched:
        click.confirm(f"{counted.question}?", abort=True, err=True)
    ended = server.ask(lambda deployment: _act(deployment, counted)) if counted.seen.matched else None
    task_acts.tell(server, ended, act.done, given["experiment"])


async def _count(deployment: ControlPlaneClient, act: Act, which: tuple[str, Narrowing]) -> Counted:
    experiment_id = await find_experiment(deployment, which[0])
    store = deployment.store(experiment_id)
    body = ChooseTasks(act=act.name, filter=await _choice(store, which[1]))
    target = await _target(store, act.to)
    return Counted(act, experiment_id, body, await store.preview_bulk_act(body), target)


async def _choice(store: StoreClient, wanted: Narrowing) -> TaskChoice:
    people = {name: await _worker(store, wanted.chosen[name]) for name in ("worker", "by") if name in wanted.chosen}
    view = view_of(wanted, datetime.now(UTC))
    if "by" in people:
        view["submitted_by"] = people["by"]
    choice = choice_of(wanted, people.get("worker"), view)
    if choice is None:
        raise click.UsageError("name a condition; an empty filter would be every task there is")
    return choice


async def _worker(store: StoreClient, named: str) -> str:
    if named == ME:
        return ME
    worker_id, problem = await worker_named(store, named)
    if worker_id is None:
        raise Failed(problem)
    return worker_id


async def _target(store: StoreClient, named: str) -> ClosedTarget | None:
    """Whom tasks are given to; Failed where nobody, or more than one, is called so."""
    if named == ANYBODY:
        return None
    groups = () if named.startswith("grp_") else (await store.list_groups(named)).groups
    if named.startswith("grp_") or len(groups) == 1:
        return ClosedTarget(kind="group", id=groups[0].group_id if groups else named)
    if groups:
        raise Failed(f"{len(groups)} groups are called “{named}”: say the id of one of them.")
    return ClosedTarget(kind="worker", id=await _worker(store, named))


def _preview(server: Server, counted: Counted) -> None:
    sample = counted.seen.sample
    if server.is_json:
        show.as_json({"matched": counted.seen.matched, "tasks": [one.to_wire() for one in sample]})
        return
    click.echo(f"{counted.question}. Nothing was changed.")
    if sample:
        show.table(HEADINGS, map(_row, sample), empty="")


def _row(found: TaskDetail) -> tuple[object, ...]:
    claimant = found.claimant_name or (found.claim.worker_id if found.claim else "")
    target = found.target_name or (found.target.id if found.target else ANYBODY)
    return found.task_id, found.kind, found.state.value, found.title, claimant, target


def _must_not_be_too_many(seen: BulkPreview) -> None:
    if seen.is_more and seen.matched < MOST_AT_ONCE:
        raise Failed("more tasks than are looked through for words are in such a state; name another condition")
    if seen.is_more:
        raise Failed(f"there are more than {MOST_AT_ONCE:,}, the most that one act takes; name another condition")


async def _act(deployment: ControlPlaneClient, counted: Counted) -> BulkAct:
    """Begin it on exactly those that were counted, and wait until it has come to each."""
    store, seen, act = deployment.store(counted.experiment_id), counted.seen, counted.act
    sure = BeginBulkAct(
        act=act.name, filter=counted.body.filter, new_target=counted.target, reason=act.reason,
        expected_count=seen.matched, up_to=seen.up_to,
    )  # fmt: skip
    return await task_acts.ended(store, await store.begin_bulk_act(sure))
