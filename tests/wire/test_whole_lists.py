"""Lists without pages: short ones whole at once, long ones while they are read, and nothing held when nobody reads."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, delete, insert, select
from starlette.types import Message

from control_plane.edge import lists
from control_plane.task_store.operations.whole import BATCH
from control_plane.task_store.tables import ideas, tasks, variants
from tests.wire.store_app import StoreApp, serving

MANY = 3 * BATCH + 7
NOUNS: dict[str, tuple[Table, str]] = {
    "tasks": (tasks, "task_id"),
    "ideas": (ideas, "idea_id"),
    "variants": (variants, "variant_id"),
}


@pytest.fixture
async def app(database_url: str, tmp_path: Path) -> AsyncIterator[StoreApp]:
    async with serving(database_url, tmp_path / "artifacts") as served:
        yield served


def fill(app: StoreApp, noun: str, count: int) -> list[str]:
    """So many of a noun, every one like the first; their ids in order."""
    table, key = NOUNS[noun]
    if noun == "tasks":
        app.store.task("ideation")
    elif noun == "ideas":
        app.store.idea()
    else:
        app.store.variant(app.store.idea())

    def work(tx: Any) -> list[str]:
        row = dict(tx.connection.execute(select(table).order_by(table.c.number.desc()).limit(1)).mappings().one())
        more = range(row["number"] + 1, row["number"] + count)
        if "branch" in row:
            row["branch"] = None
        rows = [row | {"number": number, key: f"x-{number:07d}"} for number in more]
        tx.connection.execute(insert(table), rows)
        return [row[key], *(each[key] for each in rows)]

    found: list[str] = app.store.write(work, app.store.caller("ann"))
    return found


def lent(app: StoreApp) -> int:
    """How many connections are in use."""
    pool: Any = app.store.house.database.engine.pool
    return int(pool.checkedout())


async def until_lent(app: StoreApp, count: int) -> None:
    async with asyncio.timeout(60):
        while lent(app) != count:  # noqa: ASYNC110 - reader threads end by themselves
            await asyncio.sleep(0.01)


@dataclass
class Client:
    """A client on the other side of ASGI, which takes so many pieces and then does what it likes."""

    app: StoreApp
    wanted: int
    path: str = "tasks"
    pieces: list[bytes] = field(default_factory=list)
    has_enough: asyncio.Event = field(default_factory=asyncio.Event)
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)
    hangs_up: asyncio.Event = field(default_factory=asyncio.Event)

    async def receive(self) -> Message:
        await self.hangs_up.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            return
        if len(self.pieces) == self.wanted:
            self.has_enough.set()
            await self.goes_on.wait()
        self.pieces.append(message["body"])

    async def ask(self) -> None:
        transport: Any = self.app.http._transport
        headers = [(name.lower().encode(), value.encode()) for name, value in self.app.headers("ann").items()]
        path = f"{self.app.v0}/{self.path}"
        scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"",
                 "headers": headers, "scheme": "http", "server": ("store", 80), "root_path": "", "http_version": "1.1",
                 "client": ("1.1.1.1", 1), "asgi": {"version": "3.0", "spec_version": "2.3"}}  # fmt: skip
        await transport.app(scope, self.receive, self.send)


@pytest.mark.parametrize("noun", list(NOUNS))
async def test_a_long_list_is_whole_and_in_order(app: StoreApp, noun: str) -> None:
    ids = fill(app, noun, MANY)
    before = lent(app)
    response = await app.call("ann", "GET", f"v0:{noun}")
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert "content-length" not in response.headers
    assert [each[NOUNS[noun][1]] for each in response.json()] == ids
    one = await app.get(f"v0:{noun}/{ids[-1]}")
    assert response.json()[-1] == one
    compact = json.dumps(response.json(), ensure_ascii=False, separators=(",", ":")).encode()
    assert response.content == compact
    await until_lent(app, before)


@pytest.mark.parametrize("count", [2, BATCH, BATCH + 1])
async def test_a_list_of_one_batch_is_an_answer_like_any_other(app: StoreApp, count: int) -> None:
    ids = fill(app, "tasks", count)
    response = await app.call("ann", "GET", "v0:tasks")
    assert ("content-length" in response.headers) is (count <= BATCH)
    assert [each["task_id"] for each in response.json()] == ids
    assert (await app.get("v0:tasks", state="claimed")) == []
    assert len(await app.get("v0:tasks", state="pending", kind="ideation")) == count


async def test_a_long_list_is_of_one_moment(app: StoreApp) -> None:
    ids = fill(app, "tasks", MANY)
    client = Client(app, 1)
    asking = asyncio.create_task(client.ask())
    await asyncio.wait_for(client.has_enough.wait(), 60)
    remove = delete(tasks).where(tasks.c.number > 1)
    await app.store.house.write(lambda tx: tx.connection.execute(remove).close())
    client.goes_on.set()
    await asking
    assert [each["task_id"] for each in json.loads(b"".join(client.pieces))] == ids
    assert len(await app.get("v0:tasks")) == 1


async def test_a_client_that_hangs_up_leaves_no_connection_in_use(app: StoreApp) -> None:
    fill(app, "tasks", MANY)
    before = lent(app)
    for taken in (0, 1, 2):
        client = Client(app, taken)
        asking = asyncio.create_task(client.ask())
        await asyncio.wait_for(client.has_enough.wait(), 60)
        assert lent(app) == before + 1
        client.hangs_up.set()
        await asking
        await until_lent(app, before)


async def test_a_client_that_takes_nothing_is_dropped(app: StoreApp, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(app, "tasks", MANY)
    before = lent(app)
    monkeypatch.setattr(lists, "SEND_SECONDS", 0.2)
    client = Client(app, 1)
    async with asyncio.timeout(60):
        await client.ask()
    assert client.pieces[0].startswith(b"[{")
    await until_lent(app, before)


async def test_slow_readers_keep_no_connection_from_others(app: StoreApp) -> None:
    fill(app, "tasks", MANY)
    before = lent(app)
    slow = [Client(app, 1) for _ in range(lists.MOST_AT_A_TIME + 6)]
    asking = [asyncio.create_task(each.ask()) for each in slow]
    async with asyncio.timeout(60):
        while sum(each.has_enough.is_set() for each in slow) < lists.MOST_AT_A_TIME:  # noqa: ASYNC110 - any of them
            await asyncio.sleep(0.01)
    assert lent(app) <= before + lists.MOST_AT_A_TIME
    assert len(await app.get("v0:tasks", kind="execution")) == 0
    for each in slow:
        each.hangs_up.set()
    await asyncio.gather(*asking)
    await until_lent(app, before)
