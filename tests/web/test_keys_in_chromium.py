"""Finding and acting by keys in a real browser: search, rows, going, claiming, help and the palette."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from store_client import ExperimentDetail
from tests.browsers import OpenPage
from tests.web.serving import Served, served_world
from tests.web.work import Worker

pytestmark = pytest.mark.browser
FOCUS = "document.activeElement.closest('tr')?.dataset.key ?? document.activeElement.id"
CLOSED_AND_AT_ONCE = """key => {
    const held = document.activeElement;
    held.closest("dialog").close();
    held.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
}"""
"""A key that comes between closing a dialog and the next frame still finds the focus in it."""


@pytest.fixture
def served(tmp_path: Path, sqlite_url: str) -> Iterator[Served]:
    with served_world(tmp_path) as running:
        yield running


async def settled(served: Served) -> ExperimentDetail:
    """An experiment with three ideas that can be found, and a task to claim."""
    one = await served.world.experiment()
    ada = await Worker.of(served.world, one)
    for slug in ("warmer-start", "colder-start", "slow-cooling"):
        await ada.draft(slug, (str(one.base_commit_sha),), "Anneal the temperature.")
    await served.world.decide()
    assert served.world.parts.indexer is not None
    while served.world.parts.indexer.round():
        pass
    return one


def faults(page: Page) -> set[str]:
    found = Axe().run(page).response["violations"]
    return {f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found}


def test_everything_is_found_walked_and_done_by_keys(served: Served, open_page: OpenPage) -> None:
    served.run(partial(settled, served))
    page = served.sign_in(open_page(viewport={"width": 1280, "height": 800}), "/e/hello/ideas")
    keys = page.keyboard
    keys.press("j")
    keys.press("j")
    second = page.evaluate(FOCUS)
    keys.press("k")
    assert page.evaluate(FOCUS) != second
    keys.press("j")
    keys.press("Enter")
    page.wait_for_url(f"**/e/hello/ideas/{second}")  # its script has come, too
    keys.press("/")
    keys.type("g t anneal warmer")
    assert page.locator("#find").input_value() == "g t anneal warmer", "nobody goes anywhere while they write"
    page.locator("#find").fill("anneal warmer")
    keys.press("Enter")
    expect(page.locator("[data-found]")).to_have_text(["warmer-start"])
    page.locator("main").focus()
    keys.press("g")
    keys.press("i")
    page.wait_for_url("**/e/hello/ideator")
    keys.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Claim the task of the row")
    assert faults(page) == set()
    keys.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    keys.press("j")
    keys.press("c")
    page.wait_for_url("**/e/hello/ideator/*")


def test_the_palette_goes_anywhere(served: Served, open_page: OpenPage) -> None:
    served.run(partial(settled, served))
    page = served.sign_in(open_page(viewport={"width": 390, "height": 800}, color_scheme="dark"), "/e/hello/ideas")
    page.keyboard.press("Control+k")
    ask = page.get_by_role("dialog").get_by_role("combobox")
    expect(ask).to_be_focused()
    ask.fill("slow")
    expect(page.get_by_role("dialog").get_by_role("option")).to_have_text(["slow-coolingidea"])
    assert faults(page) == set()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("slow-cooling")
    page.keyboard.press("Control+k")
    page.keyboard.type("exec")
    page.keyboard.press("Enter")
    page.wait_for_url("**/e/hello/executor")
    page.keyboard.press("Control+k")
    page.keyboard.type("nothing is called this")
    expect(page.get_by_role("dialog")).to_contain_text("Nothing is called that.")
    page.evaluate(CLOSED_AND_AT_ONCE, "/")
    page.wait_for_url("**/search?in=hello")
    for path in ("/search?in=hello", "/search?q=anneal", "/search?q=zebra"):
        page.goto(served.url + path)
        assert faults(page) == set(), path
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
