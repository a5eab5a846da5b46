"""Events, health and a worker's page in a real browser: readable at any width, growing, whole without script."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browsers import OpenPage
from tests.web.serving import Served, served_world
from tests.web.work import worked

pytestmark = pytest.mark.browser


@pytest.fixture
def served(tmp_path: Path, sqlite_url: str) -> Iterator[Served]:
    with served_world(tmp_path) as running:
        yield running


async def busy(served: Served) -> tuple[str, str]:
    """The pages of an event and of a worker of an experiment in which much has happened."""
    ada = await worked(served.world, await served.world.experiment())
    newest = (await ada.store.read_log(limit=1, is_newest_first=True)).cursor
    return f"/e/hello/events/{newest}", f"/e/hello/admin/workers/{ada.worker_id}"


def faults(page: Page) -> set[str]:
    found = Axe().run(page).response["violations"]
    return {f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found}


def test_what_happens_reads_well_wide_narrow_and_dark_and_grows_by_itself(
    served: Served, open_page: OpenPage, tmp_path: Path
) -> None:
    own = served.run(partial(busy, served))
    places = ("/e/hello/events", "/events", "/admin/health", "/e/hello/admin/workers", *own)
    for width, scheme in ((360, "light"), (1280, "dark")):
        page = served.sign_in(open_page(viewport={"width": width, "height": 900}, color_scheme=scheme), "/events")
        for number, path in enumerate(places):
            page.goto(served.url + path)
            page.screenshot(path=tmp_path / f"{number}-{width}.png", full_page=True)
            assert faults(page) == set(), path
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
    page.goto(served.url + "/e/hello/events?type=experiment.paused")
    expect(page.locator("main")).to_contain_text("No event is like that")
    served.run(partial(_pause, served))
    expect(page.locator("[data-live=events]")).to_contain_text("experiment.paused")


async def _pause(served: Served) -> None:
    (one,) = await served.world.deployment.list_experiment_summaries()
    await served.world.store(one.experiment_id).pause_experiment()


def test_events_are_narrowed_without_script(served: Served, open_page: OpenPage) -> None:
    served.run(partial(busy, served))
    page = served.sign_in(open_page(java_script_enabled=False), "/e/hello/events")
    page.get_by_text("More conditions").click()
    page.get_by_label("Type", exact=True).select_option("variant.integrated")
    page.get_by_role("button", name="Find", exact=True).click()
    expect(page.locator("[data-live=events] tbody tr")).to_have_count(2)
    page.locator("[data-live=events] summary").first.click()
    expect(page.locator("[data-live=events] pre").first).to_contain_text('"variant_id"')
    page.locator("[data-live=events] a.key").first.click()
    expect(page.locator("h1")).to_contain_text("variant.integrated")
