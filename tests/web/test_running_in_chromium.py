"""Dispatch, settings and checkpoints in a real browser: readable at any width, and whole without script."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browsers import OpenPage
from tests.web.serving import Served, served_world
from tests.web.test_checkpoints import keep
from tests.web.test_dispatch import by_hand
from tests.web.work import Worker

pytestmark = pytest.mark.browser
SETTINGS = "/e/hello/admin/settings"
PAGES = ("/e/hello/admin/dispatch", "/e/hello/admin/checkpoints", SETTINGS, "/admin/experiments/new")


@pytest.fixture
def served(tmp_path: Path, sqlite_url: str) -> Iterator[Served]:
    with served_world(tmp_path) as running:
        yield running


async def waiting(served: Served) -> None:
    """Something waits for every decision, and an archive is kept."""
    one = await served.world.experiment()
    ada = await Worker.of(served.world, one)
    await ada.variant("better", 1.4, error=0.25)
    await by_hand(served.world, one, "execution_dispatch", "evaluation_dispatch", "integration")
    await ada.propose("bolder", "safer")
    keep(served.world, one)


def faults(page: Page) -> set[str]:
    found = Axe().run(page).response["violations"]
    return {f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found}


def test_the_pages_read_well_narrow_wide_and_dark(served: Served, open_page: OpenPage) -> None:
    served.run(partial(waiting, served))
    for width, scheme in ((360, "light"), (1280, "dark")):
        page = served.sign_in(open_page(viewport={"width": width, "height": 900}, color_scheme=scheme), PAGES[0])
        for path in PAGES:
            page.goto(served.url + path)
            page.evaluate("document.querySelectorAll('details.confirm').forEach(one => one.open = true)")
            assert faults(page) == set(), (path, width)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_an_idea_is_handed_out_without_script(served: Served, open_page: OpenPage) -> None:
    served.run(partial(waiting, served))
    page = served.sign_in(open_page(java_script_enabled=False), PAGES[0])
    page.goto(served.url + PAGES[0])
    page.get_by_role("button", name="Hand out: bolder").click()
    expect(page.locator(".messages")).to_contain_text("waits for an executor")


def test_a_config_is_checked_while_somebody_types_and_saved_from_what_is_found(
    served: Served, open_page: OpenPage
) -> None:
    served.run(partial(waiting, served))
    page = served.sign_in(open_page(), SETTINGS)
    page.goto(served.url + SETTINGS)
    box, report = page.get_by_label("The whole config"), page.locator("[data-report]")
    kept = box.input_value()
    box.fill(kept.replace("parallel_variants: 1", "parallel_variants: none"))
    expect(report).to_contain_text("One thing keeps this config from being used")
    expect(report.get_by_role("button")).to_have_count(0)
    box.fill(kept.replace("parallel_variants: 1", "parallel_variants: 4"))
    expect(report).to_contain_text("from the next decision on")
    report.get_by_role("button", name="Save this config").click()
    expect(page.locator(".messages")).to_contain_text("Version 2 of the config holds")
    expect(page.get_by_label("The whole config")).to_have_value(kept.replace("variants: 1", "variants: 4"))
