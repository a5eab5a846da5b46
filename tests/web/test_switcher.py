"""The switcher where there are very many experiments: a few of them on each page, all of them by search."""

import asyncio

import httpx
import pytest
from sqlalchemy import insert, select
from ulid import ULID

from control_plane.db.tables import experiments
from control_plane.db.transaction import Tx
from store_client import ExperimentDetail, ExperimentSummary, LogEvent, Unreachable
from tests.web.reading import page, says, words
from tests.web.world import World
from web_ui.frame import SWITCHER
from web_ui.kept_lists import KEPT_SECONDS, MOST_PEOPLE, KeptLists, Person

MANY = 1_000


@pytest.fixture
async def many(world: World, hello: ExperimentDetail) -> None:
    """A thousand more experiments that run; the newest comes first in lists."""

    def make(tx: Tx) -> None:
        row = dict(tx.connection.execute(select(experiments)).mappings().one())
        rows = [
            {**row, "experiment_id": f"exp_{str(ULID()).lower()}", "slug": f"yard-{number}", "name": f"Yard {number}"}
            | {"created_at": f"2030-01-01T00:00:00.{number:06}Z"}
            for number in range(MANY)
        ]
        tx.connection.execute(insert(experiments), rows)

    await world.parts.house.write(make)


def listed(answer: httpx.Response) -> list[str]:
    return [words(name) for name in page(answer).select("#switcher .entry-name")]


async def test_a_page_lists_this_one_those_used_lately_and_those_that_need_somebody_and_stays_small(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient, many: None
) -> None:
    await world.decide()
    await browser_of_admin.post("/e/yard-7/select")
    for path in ("/", "/e/yard-3/", "/e/yard-3/tasks", "/e/yard-3/admin/workers"):
        answer = await browser_of_admin.get(path)
        assert answer.status_code == 200
        shown = listed(answer)
        assert len(shown) == SWITCHER
        assert {"Yard 7", "Hello"} <= set(shown)
        assert path == "/" or "Yard 3" in shown
        assert len(answer.content) < 100_000
    needing = page(answer).select_one("#switcher li[data-key=hello] .is-hot")
    assert int(words(needing)) > 0


async def test_every_other_one_is_found_by_a_form_and_opens_on_the_same_kind_of_page(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient, many: None
) -> None:
    shown = page(await browser_of_admin.get("/e/hello/tasks"))
    form = shown.select_one("#switcher form[role=search]")
    assert form is not None
    assert "method" not in form.attrs  # a plain GET, which needs no script
    fields = {str(field["name"]): str(field.get("value", "")) for field in form.select("input")}
    found = await browser_of_admin.get(str(form["action"]), params={**fields, "q": "yard-512"})
    assert "Yard 512" in says(found)
    assert page(found).select_one("main a[href='/e/yard-512/tasks']") is not None
    for kind in ("signout", "select", "//evil.example", "job"):
        found = await browser_of_admin.get("/", params={"q": "yard-512", "to": kind})
        assert page(found).select_one("main a[href='/e/yard-512/']") is not None


async def test_a_page_asks_for_the_list_only_after_something_changed_and_for_each_person_apart(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    second = await world.experiment("Second")
    call = "GET /api/experiments/summaries"

    async def asks(browser: httpx.AsyncClient) -> int:
        world.line.calls.clear()
        assert "Second" in listed(await browser.get("/e/hello/admin/groups"))
        return world.line.calls.count(call)

    async with asyncio.timeout(60):
        while await asks(browser_of_admin):
            """What has happened so far is told within moments."""
    assert await asks(await world.person("Bo")) > 0
    await world.store(second.experiment_id).end_experiment()
    answer = await browser_of_admin.get("/e/second/")
    assert "completed" in words(page(answer).select_one("[data-live=switcher-summary]"))  # this one is never kept


async def test_a_page_of_the_deployment_asks_for_the_list_of_the_switcher_after_an_act_and_else_as_seldom(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    call = "GET /api/experiments/summaries"

    async def asks(path: str) -> int:
        world.line.calls.clear()
        assert "Hello" in listed(await browser_of_admin.get(path))
        return world.line.calls.count(call)

    async with asyncio.timeout(60):
        while await asks("/admin/leases"):
            """What has happened so far is told within moments."""
        while await asks("/admin/experiments") > 1 or await asks("/?needs=true") > 1:
            """The page itself lists what it was asked for."""
    await browser_of_admin.post("/e/hello/select")  # of which no event tells
    assert await asks("/admin/leases") > 0


def event(kind: str) -> LogEvent:
    return LogEvent(position=1, event_id="1", type=kind, occurred_at="2026-01-01T00:00:00.000000Z", data={})


async def test_lists_are_kept_for_one_person_until_an_event_or_for_some_seconds() -> None:
    moment, reads = [0.0], [0]
    lists = KeptLists(clock=lambda: moment[0])

    async def read() -> tuple[ExperimentSummary, ...]:
        reads[0] += 1
        return ()

    async def times(person: Person = ("wkr_1", "s"), **how: bool) -> int:
        before = reads[0]
        await lists.of(person, read, **how)
        return reads[0] - before

    assert [await times(), await times(), await times(("wkr_2", "s")), await times(("wkr_1", "t"))] == [1, 0, 1, 1]
    lists.heard(event("job.started"))
    assert await times() == 0
    lists.outdate()
    assert [await times(), await times()] == [1, 0]
    lists.heard(event("task.claimed"))
    assert [await times(), await times(), await times(is_new=True)] == [1, 0, 1]
    moment[0] += KEPT_SECONDS
    assert [await times(), await times()] == [1, 0]
    lists.forget("wkr_1", "t")
    assert await times() == 0
    lists.forget("wkr_1")
    assert await times() == 1
    for number in range(MOST_PEOPLE + 9):
        await times((f"wkr_{number}", "s"))
    assert len(lists._lists) == MOST_PEOPLE


async def test_while_nobody_answers_the_last_list_is_shown_and_without_one_it_is_said() -> None:
    lists = KeptLists()

    async def read() -> tuple[ExperimentSummary, ...]:
        return ()

    async def silent() -> tuple[ExperimentSummary, ...]:
        raise Unreachable("away")

    await lists.of(("wkr_1", "s"), read)
    assert await lists.of(("wkr_1", "s"), silent, is_new=True) == ()
    with pytest.raises(Unreachable):
        await lists.of(("wkr_2", "s"), silent)
