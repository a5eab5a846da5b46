"""Every page in a real browser: axe finds nothing, nothing scrolls sideways, and the policy refuses nothing."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browsers import OpenPage
from tests.web.furnished_serving import FurnishedServed, served_furnished

pytestmark = pytest.mark.browser
Look = tuple[int, Any, Callable[[Page], set[str]]]
"""A width in pixels, a colour scheme, and what is looked at."""
LooksOf = Callable[[int], list[Look]]
LOOKS = ((360, "light"), (1280, "dark"), (360, "dark"), (1280, "light"))
OPEN_ALL = "document.querySelectorAll('main details').forEach(one => { one.open = true })"
BEYOND = """() => {
  if (document.documentElement.scrollWidth <= innerWidth) return [];
  const wide = [...document.querySelectorAll('body *')]
    .filter((one) => one.getBoundingClientRect().right > innerWidth + 1 && !one.closest('.scroll, pre, .tabs'));
  return ['the page', ...wide.slice(-3).map((one) => one.outerHTML.slice(0, 160))];
}"""
BESIDE = """() => [...document.querySelectorAll('.card table')]
  .filter((one) => one.getBoundingClientRect().right > one.closest('.card').getBoundingClientRect().right + 1)
  .filter((one) => getComputedStyle(one.closest('.scroll') ?? one).overflowX === 'visible')
  .map((one) => 'a table beyond its card: ' + one.outerHTML.slice(0, 160))
  .concat([...document.querySelectorAll('.field > .input')]
    .filter((one) => one.getBoundingClientRect().right > one.parentElement.getBoundingClientRect().right + 1)
    .map((one) => 'over what stands beside its field: ' + one.outerHTML.slice(0, 160)))"""
GONE = "status of 410 (Gone)"
"""What the browser notes of a link that is used up, which is a page too."""


@pytest.fixture
def house(tmp_path: Path, sqlite_url: str) -> Iterator[FurnishedServed]:
    with served_furnished(tmp_path) as running:
        yield running


def faults(page: Page) -> set[str]:
    """What axe finds, and what stands out of the page."""
    found = Axe().run(page).response["violations"]
    return {f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in found} | wide(page)


def wide(page: Page) -> set[str]:
    """What stands out of the page, or of its card."""
    return {f"wide: {one}" for one in [*page.evaluate(BEYOND), *page.evaluate(BESIDE)]}


def walk(house: FurnishedServed, page: Page, looks: LooksOf) -> dict[str, set[str]]:
    """The faults of every page in the looks it is given; each page is opened once."""
    wrong: dict[str, set[str]] = {}
    for number, (name, address) in enumerate(house.pages()):
        page.goto(address)
        for width, scheme, look in looks(number):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            page.evaluate(OPEN_ALL)
            if found := look(page):
                wrong[f"{name} {width} {scheme}"] = found
    return wrong


def once(number: int) -> list[Look]:
    """Narrow, light and dark by turns; and wide, for what fits a phone and not a desk."""
    return [(360, ("light", "dark")[number % 2], faults), (1280, "light", wide)]


def test_every_page_reads_well_and_fits(house: FurnishedServed, open_page: OpenPage, console_errors: list[str]) -> None:
    assert walk(house, house.enter(open_page()), once) == {}
    stranger = open_page(viewport={"width": 360, "height": 900})
    stranger.goto(f"{house.url}/signin?code=x")
    assert faults(stranger) == set()
    assert all(GONE in one for one in console_errors), console_errors
    console_errors.clear()


@pytest.mark.long
def test_every_page_reads_well_in_every_look(
    house: FurnishedServed, open_page: OpenPage, console_errors: list[str]
) -> None:
    assert walk(house, house.enter(open_page()), lambda _: [(*look, faults) for look in LOOKS]) == {}
    console_errors.clear()
