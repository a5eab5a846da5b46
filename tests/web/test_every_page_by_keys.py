"""Every page by the Tab key alone: all that one can act on is reached, shows that it is, and lets go again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route

from tests.browsers import OpenPage
from tests.web.furnished_serving import FurnishedServed, served_furnished

pytestmark = [pytest.mark.browser, pytest.mark.long]
MOST_STOPS = 1_500
STOP = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const isNew = !one.dataset.walked;
  one.dataset.walked = "yes";
  const { left, right, top, bottom, width, height } = one.getBoundingClientRect();
  const style = getComputedStyle(one);
  const bar = document.querySelector("header.top");
  const edge = bar.contains(one) || one.matches(".skip") ? 0 : Math.max(0, bar.getBoundingClientRect().bottom);
  const faults = [
    style.outlineStyle === "none" && "shows no focus",
    (width < 2 || height < 2) && "has no size",
    (right < 0 || left > innerWidth || bottom < edge || top > innerHeight) && "is out of sight",
  ].filter(Boolean);
  return { isNew, faults, html: one.outerHTML.slice(0, 160) };
}"""
LEFT = """() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")]
  .filter((one) => one.tabIndex >= 0 && !one.disabled && !one.dataset.walked)
  .filter((one) => one.checkVisibility({ checkVisibilityCSS: true }) && one.type !== "radio")
  .map((one) => one.outerHTML.slice(0, 160))"""


@pytest.fixture
def house(tmp_path: Path, sqlite_url: str) -> Iterator[FurnishedServed]:
    with served_furnished(tmp_path) as running:
        yield running


def hold_still(route: Route) -> None:
    """Let a page stand as it was drawn: what comes anew while it is walked was never walked."""
    if "x-fragment" in route.request.headers:
        route.abort()
    else:
        route.continue_()


def walked(page: Page) -> set[str]:
    """What is wrong with a page that is walked from its first stop to its last."""
    wrong: set[str] = set()
    last = ""
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        stop: dict[str, Any] | None = page.evaluate(STOP)
        if stop is None or not (stop["isNew"] or stop["html"] == last):
            return wrong | {f"never reached: {one}" for one in page.evaluate(LEFT)}
        wrong |= {f"{fault}: {stop['html']}" for fault in stop["faults"]}
        last = stop["html"]
    return {*wrong, "there is no end of it"}


@pytest.mark.parametrize(("width", "has_script"), [(1280, True), (360, False)])
def test_every_page_is_walked_by_the_tab_key_alone(
    house: FurnishedServed, open_page: OpenPage, console_errors: list[str], width: int, *, has_script: bool
) -> None:
    size = {"width": width, "height": 900}
    page = house.enter(open_page(viewport=size, java_script_enabled=has_script))
    page.route("**/*", hold_still)
    wrong = {}
    for name, address in house.pages():
        page.goto(address)
        if found := walked(page):
            wrong[name] = found
    assert wrong == {}
    console_errors.clear()
