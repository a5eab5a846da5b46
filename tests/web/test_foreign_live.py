"""Open pages before somebody else's server: one reader for each experiment, while somebody looks at it."""

import asyncio
from collections.abc import Callable

import httpx

from store_client import ExperimentDetail
from tests.web.foreign import Console, Foreign, slug
from tests.web.reading import page
from tests.web.streaming import PATIENCE_SECONDS, open_tab
from tests.web.work import Worker
from web_ui.live import EachLog


def live(one: ExperimentDetail, after: object = "") -> str:
    """The stream of one experiment, from a position on."""
    return f"/live?of={one.experiment_id}:{after}"


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110 - the reader in the background makes it true
            await asyncio.sleep(0.01)


def live_of(console: Console) -> EachLog:
    live = console.app.state.live
    assert isinstance(live, EachLog)
    return live


async def opened(foreign: Foreign) -> tuple[Console, httpx.AsyncClient]:
    console = await foreign.console(admin_token_file=foreign.admin_token())
    return console, await foreign.signed_in(console)


async def change(foreign: Foreign, one: ExperimentDetail) -> None:
    ada = await Worker.of(foreign.world, one)
    task = await ada.claim("ideation")
    await ada.store.release_claim(task.task_id)


async def caught_up(foreign: Foreign, console: Console, one: ExperimentDetail) -> int:
    tip = (await foreign.world.store(one.experiment_id).read_events()).cursor
    await until(lambda: live_of(console).marks().of(one.experiment_id) >= tip)
    return tip


async def test_a_tab_hears_of_its_own_experiment_and_of_no_other(foreign: Foreign) -> None:
    first, second = await foreign.world.experiment("First"), await foreign.world.experiment("Second")
    await change(foreign, first)
    console, browser = await opened(foreign)
    for one in (first, second):
        await browser.get(f"/e/{slug(one)}/")
    async with (
        open_tab(console.serving, browser, live(first)) as tab_of_first,
        open_tab(console.serving, browser, live(second)) as tab_of_second,
        open_tab(console.serving, browser, "/live") as tab_of_all,
    ):
        assert await tab_of_first.told() == await caught_up(foreign, console, first)
        assert await tab_of_second.told() == await caught_up(foreign, console, second)
        while not tab_of_all.lines.empty():
            await tab_of_all.told()
        await change(foreign, first)
        tip = await caught_up(foreign, console, first)
        while await tab_of_first.told() < tip:
            pass
        assert await tab_of_all.told() > 0
        assert tab_of_second.lines.empty()


async def test_a_page_that_was_drawn_since_is_told_of_nothing_before(foreign: Foreign) -> None:
    one = await foreign.world.experiment()
    await change(foreign, one)
    console, browser = await opened(foreign)
    path = f"/e/{slug(one)}/"
    async with open_tab(console.serving, browser, live(one, 0)):
        await caught_up(foreign, console, one)
        drawn = page(await browser.get(path)).body
        assert drawn is not None
        assert int(str(drawn["data-live-cursor"])) == await caught_up(foreign, console, one)
        async with open_tab(console.serving, browser, live(one, drawn["data-live-cursor"])) as tab:
            assert tab.lines.empty()
            await change(foreign, one)
            assert await tab.told() > int(str(drawn["data-live-cursor"]))


async def test_one_reader_serves_every_tab_and_ends_after_the_last(foreign: Foreign) -> None:
    one = await foreign.world.experiment()
    console, browser = await opened(foreign)
    readers = live_of(console)._following
    async with open_tab(console.serving, browser, live(one)):
        reader = readers[one.experiment_id]
        async with open_tab(console.serving, browser, live(one)), open_tab(console.serving, browser, live(one)):
            assert readers == {one.experiment_id: reader}
            await until(lambda: any(path.endswith("/subscribe") for _, path, _ in foreign.fence.asked))
            assert sum(path.endswith("/subscribe") for _, path, _ in foreign.fence.asked) == 1
    await change(foreign, one)  # what it waits for; then nobody looks any more
    await until(reader.done)
    async with open_tab(console.serving, browser, live(one, 0)) as tab:
        assert await tab.told() > 0
        assert readers[one.experiment_id] is not reader


async def test_a_server_that_is_away_is_asked_again_and_nothing_is_missed(foreign: Foreign) -> None:
    one = await foreign.world.experiment()
    console, browser = await opened(foreign)
    async with open_tab(console.serving, browser, live(one)) as tab:
        before = await caught_up(foreign, console, one)
        foreign.fence.is_cut = True
        await change(foreign, one)
        foreign.fence.is_cut = False
        assert await caught_up(foreign, console, one) > before
        assert await tab.told() >= 0
