"""Open pages: told of what concerns them, exactly once they missed something, and let go at once."""

import asyncio
import json
import time
from collections.abc import Callable

import httpx
from sqlalchemy import true, update

from control_plane.registry.tables import operators
from store_client import ExperimentDetail
from tests.web.reading import page, words
from tests.web.streaming import PATIENCE_SECONDS, open_tab
from tests.web.world import World
from web_ui.live import Live


def live_of(world: World) -> Live:
    live: Live = world.app.state.live
    return live


def live(one: ExperimentDetail, after: int | str = "") -> str:
    """The stream of one experiment, from a position on."""
    return f"/live?of={one.experiment_id}:{after}"


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110 - the reader in the background makes it true
            await asyncio.sleep(0.01)


async def caught_up(world: World) -> int:
    """The newest position of the log, once the console has read it."""
    tip = (await world.deployment.read_deployment_log()).cursor
    await until(lambda: live_of(world).marks().tip >= tip)
    return tip


async def change(world: World, one: ExperimentDetail, name: str = "Ada") -> None:
    await world.store(one.experiment_id).register_worker(name)


async def test_a_tab_hears_of_its_own_experiment_and_of_no_other(
    world: World, browser_of_admin: httpx.AsyncClient
) -> None:
    first, second = await world.experiment("First"), await world.experiment("Second")
    await caught_up(world)
    async with (
        open_tab(world.console, browser_of_admin, live(first)) as tab_of_first,
        open_tab(world.console, browser_of_admin, live(second)) as tab_of_second,
        open_tab(world.console, browser_of_admin, "/live") as tab_of_all,
    ):
        await change(world, second)
        in_second = await tab_of_second.told()
        await change(world, first)
        in_first = await tab_of_first.told()
        assert in_first > in_second
        assert await tab_of_all.told() == in_second
        assert await tab_of_all.told() == in_first
        assert tab_of_second.lines.empty()


async def test_a_page_is_told_of_what_happened_after_it_was_drawn_and_of_nothing_before(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    await change(world, hello)
    tip = await caught_up(world)
    drawn = page(await browser_of_admin.get("/e/hello/admin/groups")).body
    assert drawn is not None
    cursor = str(drawn["data-live-cursor"])
    await caught_up(world)
    drawn_again = page(await browser_of_admin.get("/e/hello/admin/groups")).body
    assert drawn_again is not None
    cursor = str(drawn_again["data-live-cursor"])
    assert int(cursor) >= tip
    stream = f"{drawn_again['data-live-url']}?of={drawn_again['data-live-of']}:{cursor}"
    async with open_tab(world.console, browser_of_admin, stream) as tab:
        assert tab.lines.empty()
    await change(world, hello, "Bo")
    tip = await caught_up(world)
    for _ in range(2):  # whoever is cut off before it read this is told again
        async with open_tab(world.console, browser_of_admin, stream) as tab:
            assert await tab.news() == {"of": hello.experiment_id, "position": tip, "kinds": None}
    async with open_tab(world.console, browser_of_admin, live(hello, tip)) as tab:
        assert tab.lines.empty()


async def test_a_tab_that_slept_through_a_restart_of_the_console_is_told(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    slept_since = await caught_up(world)
    await change(world, hello)
    tip = (await world.deployment.read_deployment_log()).cursor
    restarted = await world.another_console()
    async with open_tab(restarted, browser_of_admin, live(hello, slept_since)) as tab:
        assert await tab.told() == tip


async def test_many_tabs_have_one_reader_between_them(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    await caught_up(world)
    async with (
        open_tab(world.console, browser_of_admin, live(hello)) as one,
        open_tab(world.console, browser_of_admin, live(hello)) as two,
        open_tab(world.console, browser_of_admin, "/live") as three,
    ):
        world.line.calls.clear()
        await change(world, hello)
        assert await one.told() == await two.told() == await three.told()
        assert world.line.calls.count("GET /api/events") <= 3


async def test_a_tab_that_does_not_read_costs_one_number(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    await caught_up(world)
    async with open_tab(world.console, browser_of_admin, live(hello)) as tab:
        tab.is_reading.clear()
        for number in range(60):
            await change(world, hello, f"worker {number}")
        tip = await caught_up(world)
        assert tab.lines.empty()
        tab.is_reading.set()
        heard = [await tab.told()]
        while heard[-1] < tip:
            heard.append(await tab.told())
        assert len(heard) <= 2


async def test_when_the_control_plane_goes_away_tabs_look_and_when_it_is_back_they_look_again(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    tip = await caught_up(world)
    async with open_tab(world.console, browser_of_admin, live(hello)) as tab:
        world.line.is_cut = True
        await change(world, hello)  # wakes the reader, which finds nobody the next time
        first = await tab.told()
        while first > tip:  # the answer to the waiting call may still have come through
            tip, first = first, await tab.told()
        assert (await browser_of_admin.get("/e/hello/", headers={"X-Fragment": "live"})).status_code == 503
        await change(world, hello, "Bo")
        world.line.is_cut = False
        newest = await caught_up(world)
        while await tab.told() < newest:
            pass
        assert (await browser_of_admin.get("/e/hello/", headers={"X-Fragment": "live"})).status_code == 200


async def test_stopping_ends_every_stream_at_once(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    async with (
        open_tab(world.console, browser_of_admin, live(hello)) as one,
        open_tab(world.console, browser_of_admin, "/live") as two,
    ):
        began = time.monotonic()
        live_of(world).stop()
        await one.ended()
        await two.ended()
        assert time.monotonic() - began < 10


async def test_a_closed_tab_is_forgotten(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    async with open_tab(world.console, browser_of_admin, "/live"):
        assert live_of(world).streams == 1
    await until(lambda: live_of(world).streams == 0)


async def test_nonsense_for_a_place_in_the_log_means_from_now_on(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    await caught_up(world)
    for after in ("-1", "x", "9" * 40, "1.5", "²", "%00"):
        async with open_tab(world.console, browser_of_admin, f"/live?of={hello.experiment_id}:{after}") as tab:
            assert tab.lines.empty(), after


async def test_a_stranger_gets_no_stream(world: World, hello: ExperimentDetail) -> None:
    async with world.browser() as stranger:
        assert (await stranger.get("/live")).status_code == 303
        assert (await stranger.get(live(hello))).status_code == 303


async def test_the_answer_to_an_act_is_not_live(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    answer = await browser_of_admin.post("/e/hello/admin/workers/register", data={"name": ""})
    assert answer.status_code == 422
    body = page(answer).body
    assert body is not None
    assert "data-live-url" not in body.attrs


async def test_the_tab_says_how_much_waits_for_whoever_may_do_it(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    """One evaluation and the ideations of the experiment wait by hand."""
    await world.decide()
    store = world.store(hello.experiment_id)
    waiting = (await store.read_experiment_detail()).counts.tasks
    count = sum(number for name, number in waiting.items() if name.endswith(".pending"))
    assert count > 1
    assert sign(await browser_of_admin.get("/e/hello/")) == (
        f"({count}) Overview · Hello · Switchyard",
        "mark-needs.svg",
    )
    (task,) = (await store.list_task_page("evaluation")).items
    await browser_of_admin.post(f"/e/hello/desk/{task.task_id}/claim")
    assert sign(await browser_of_admin.get("/"))[0] == f"({count - 1}) Home · Switchyard"
    viewer = await world.person("Vera", "viewer")
    assert sign(await viewer.get("/e/hello/")) == ("Overview · Hello · Switchyard", "mark.svg")
    await browser_of_admin.post("/e/hello/pause")
    assert sign(await browser_of_admin.get("/e/hello/")) == ("Overview · Hello · Switchyard", "mark.svg")


def sign(answer: httpx.Response) -> tuple[str, str]:
    """What the tab of a page shows: its title, and the file of its icon."""
    icon = page(answer).select_one("link[rel=icon]")
    assert icon is not None
    return words(page(answer).title), str(icon["href"]).rpartition("/")[2]


async def test_one_stream_tells_of_everything_that_the_pages_of_a_browser_look_at(
    world: World, browser_of_admin: httpx.AsyncClient
) -> None:
    first, second, third = [await world.experiment(name) for name in ("First", "Second", "Third")]
    tip = await caught_up(world)
    await change(world, first)
    missed = await caught_up(world)
    path = f"{live(first, tip)}&of={second.experiment_id}:{tip}"
    async with open_tab(world.console, browser_of_admin, path) as tab:
        assert await tab.news() == {"of": first.experiment_id, "position": missed, "kinds": None}
        await change(world, third)
        await change(world, second)
        assert await tab.news() == {
            "of": second.experiment_id,
            "position": await caught_up(world),
            "kinds": ["worker"],
        }


async def test_what_somebody_may_not_look_at_is_left_out_of_the_stream(world: World, hello: ExperimentDetail) -> None:
    member = await world.person("Mel", "viewer")
    only_inside = update(operators).values(is_confined=true()).where(operators.c.role == "viewer")
    await world.parts.house.write(lambda tx: tx.connection.execute(only_inside))
    async with open_tab(world.console, member, f"{live(hello)}&of=") as tab:
        assert json.loads(tab.hello["data"]) == {"of": [""]}
    assert (await member.get(live(hello))).status_code == 404
