"""Acts on many tasks after they have begun: the list of them, what became of each task, and taking one back."""

from collections.abc import Iterator
from typing import Any

import click

from store_client.cli import paging, show
from store_client.cli.server import Server, find_experiment, talks_to_server
from store_client.client import ControlPlaneClient, StoreClient
from store_client.task_choice import choice_text
from store_client.wire.bulk import BulkAct, BulkActName, BulkItem

LOOK_SECONDS = 1.0
VERBS: dict[BulkActName, str] = {"take_back": "take back", "reassign": "give away"}
OUTCOMES = {"waiting": "to come"}
BACK = "given back to whom they were for"


@click.command()
@click.argument("act", required=False, metavar="[ACT]")
@click.option("--experiment", required=True, help="id or slug")
@click.option("--limit", type=click.IntRange(1, 100_000), default=paging.PAGE, show_default=True)
@talks_to_server
def acts(act: str | None, experiment: str, limit: int, server: Server) -> None:
    """List the acts on many tasks, the newest first; or what became of each task of the ACT that is named."""
    if act is None:
        _list(server, experiment, limit)
    else:
        _show(server, experiment, (act, limit))


def _list(server: Server, experiment: str, limit: int) -> None:
    async def read(deployment: ControlPlaneClient) -> list[BulkAct]:
        store = deployment.store(await find_experiment(deployment, experiment))
        return await paging.first(store.list_bulk_acts, limit)

    found = server.ask(read)
    if server.is_json:
        show.as_json(found)
        return
    headings = ("Act", "What", "Tasks", "Done", "Refused", "By", "Begun")
    show.table(headings, map(_row, found), empty="Nothing was done to many tasks at once yet.")


def _row(found: BulkAct) -> tuple[object, ...]:
    what = "give back" if found.undoes else VERBS[found.act]
    told = f"{what} “{choice_text(found.filter)}”"
    return found.act_id, told, found.total, found.done, found.refused, found.by_name or found.by, found.created_at


def _show(server: Server, experiment: str, which: tuple[str, int]) -> None:
    act_id, limit = which

    async def read(deployment: ControlPlaneClient) -> tuple[BulkAct, list[BulkItem]]:
        store = deployment.store(await find_experiment(deployment, experiment))
        items = paging.first(lambda after, size: store.list_bulk_items(act_id, None, after, size), limit)
        return await store.read_bulk_act(act_id), await items

    found, items = server.ask(read)
    if server.is_json:
        show.as_json({"act": found.to_wire(), "tasks": [one.to_wire() for one in items]})
        return
    show.facts(_facts(found))
    show.table(("Task", "Kind", "Name", "Outcome", "Why"), map(_item, items), empty="It concerned no task.")


def _facts(found: BulkAct) -> Iterator[tuple[str, object]]:
    yield "Act", found.act_id
    yield "What", "give back" if found.undoes else VERBS[found.act]
    yield "Filter", choice_text(found.filter)
    yield "Given to", (found.target_name or "anybody") if found.act == "reassign" and not found.undoes else None
    yield "Why", found.reason
    yield "Tasks", f"{tasks(found.total)}, {found.done} done, {found.refused} refused"
    yield "By", found.by_name or found.by
    yield "Ended", found.ended_at or "goes on"
    yield "Takes back", found.undoes
    yield "Was taken back by", found.undone_by


def _item(found: BulkItem) -> tuple[object, ...]:
    return found.task_id, found.kind, found.title, OUTCOMES.get(found.outcome, found.outcome), found.detail or ""


@click.command()
@click.argument("act")
@click.option("--experiment", required=True, help="id or slug")
@click.option("--yes", is_flag=True, help="do not ask")
@talks_to_server
def undo(act: str, experiment: str, server: Server, *, yes: bool) -> None:
    """Give the tasks that an ACT reassigned back to whom they were for, where they are still as it left them."""

    async def read(deployment: ControlPlaneClient) -> BulkAct:
        return await deployment.store(await find_experiment(deployment, experiment)).read_bulk_act(act)

    async def take_back(deployment: ControlPlaneClient) -> BulkAct:
        store = deployment.store(await find_experiment(deployment, experiment))
        return await ended(store, await store.undo_bulk_act(act))

    if not yes:
        click.confirm(f"Give {tasks(server.ask(read).done)} back to whom they were for?", abort=True, err=True)
    tell(server, server.ask(take_back), BACK, experiment)


async def ended(store: StoreClient, act: BulkAct) -> BulkAct:
    """An act when it has come to each of its tasks; it goes on by itself, also when nobody waits for it."""
    while act.ended_at is None:
        await store.read_log(wait_seconds=LOOK_SECONDS, limit=1)  # it tells of every task
        act = await store.read_bulk_act(act.act_id)
    return act


def tell(server: Server, found: BulkAct | None, done: str, experiment: str) -> None:
    """What an act came to; None is one that would have concerned nothing."""
    changed, refused = (found.done, found.refused) if found else (0, 0)
    if server.is_json:
        facts: dict[str, Any] = {"act_id": found.act_id} if found else {}
        show.as_json({"changed": changed, "refused": refused, **facts})
        return
    also = f", {refused:,} could not be" if refused else ""
    click.echo(f"{tasks(changed)} {'is' if changed == 1 else 'are'} {done}{also}.")
    if found:
        click.echo(f"What became of each: switchyard task acts {found.act_id} --experiment {experiment}")


def tasks(count: int) -> str:
    """So many of them, in words."""
    return f"{count:,} {'task' if count == 1 else 'tasks'}"
