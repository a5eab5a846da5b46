"""Every sample page reads in both colours and at every width, and nothing in it is refused by the content policy."""

import re
from collections.abc import Iterator
from itertools import product

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browsers import OpenPage
from tests.web.sample_site import PAGES, ROOT, Site, open_site

GROUNDS = ("ground", "surface", "sunken", "raised", "hover")
INKS = ("text", "muted", "faint", "accent", "run", "wait", "ok", "bad")
READABLE = 4.5
VISIBLE = 3.0


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with open_site() as opened:
        yield opened


def show(page: Page, site: Site, path: str) -> Page:
    page.goto(site.origin + path)
    return page


def colours(scheme: str) -> dict[str, tuple[int, ...]]:
    """The colour tokens of one scheme."""
    text = (ROOT / "static/css/tokens.css").read_text(encoding="utf-8")
    pairs = re.findall(r"--([\w-]+): light-dark\(#(\w{6}), #(\w{6})\)", text)
    chosen = {name: light if scheme == "light" else dark for name, light, dark in pairs}
    return {name: tuple(bytes.fromhex(value)) for name, value in chosen.items()}


def contrast(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: tuple[int, ...]) -> float:
    linear = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_ink_reads_on_every_ground(scheme: str) -> None:
    colour = colours(scheme)
    pairs = [*product(INKS, GROUNDS), *((s, f"{s}-soft") for s in ("run", "wait", "ok", "bad", "idle", "accent"))]
    pairs += [("accent-ink", "accent"), ("text", "ok-soft"), ("text", "bad-soft"), ("muted", "idle-soft")]
    low = {(ink, on): contrast(colour[ink], colour[on]) for ink, on in pairs}
    assert {pair: round(ratio, 2) for pair, ratio in low.items() if ratio < READABLE} == {}
    assert contrast(colour["line-control"], colour["surface"]) >= VISIBLE


def test_styles_hold_no_gradients_and_no_shadows() -> None:
    for sheet in (ROOT / "static/css").glob("*.css"):
        assert not re.search(r"gradient|shadow", sheet.read_text(encoding="utf-8")), sheet.name


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 768, 1280, 1920])
def test_no_page_scrolls_sideways_or_complains(site: Site, open_page: OpenPage, width: int) -> None:
    page = open_page(viewport={"width": width, "height": 900})
    for path in PAGES:
        show(page, site, path)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
        page.locator("#switcher summary").click()
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path


@pytest.mark.browser
@pytest.mark.parametrize(("scheme", "width"), [*product(["light", "dark"], [360, 1280])])
def test_axe_finds_nothing_serious(site: Site, open_page: OpenPage, scheme: str, width: int) -> None:
    page = open_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    for path in PAGES:
        show(page, site, path)
        page.evaluate("document.querySelectorAll('details').forEach(details => (details.open = true))")
        found = Axe().run(page).response["violations"]
        serious = {
            f"{each['id']}: {each['nodes'][0]['html'][:160]}"
            for each in found
            if each["impact"] in {"serious", "critical"}
        }
        assert serious == set(), path


@pytest.mark.browser
def test_a_chosen_theme_wins_over_the_setting_of_the_machine(site: Site, open_page: OpenPage) -> None:
    page = show(open_page(color_scheme="light"), site, "/home")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    assert page.evaluate(ground) != light


@pytest.mark.browser
def test_without_script_the_menus_open_and_nothing_dead_is_offered(site: Site, open_page: OpenPage) -> None:
    page = show(open_page(java_script_enabled=False), site, "/pieces")
    page.locator("#switcher summary").click()
    expect(page.get_by_role("link", name="packing")).to_be_visible()
    expect(page.locator("#switcher").get_by_role("searchbox")).to_be_visible()  # a form, which asks the server
    expect(page.locator("#live-state")).to_be_hidden()
    assert page.locator(".copy:visible").count() == 0
    page.locator(".confirm summary").click()
    expect(page.get_by_role("button", name="Release the task")).to_be_visible()


@pytest.mark.browser
def test_a_printed_page_holds_the_content_and_not_the_controls(site: Site, open_page: OpenPage) -> None:
    page = show(open_page(), site, "/overview")
    page.emulate_media(media="print")
    expect(page.locator(".top")).to_be_hidden()
    expect(page.get_by_role("heading", name="Leaders")).to_be_visible()
    assert page.locator(".btn:visible").count() == 0


@pytest.mark.browser
def test_a_chart_keeps_its_type_and_its_places_at_every_width(site: Site, open_page: OpenPage) -> None:
    page = show(open_page(viewport={"width": 360, "height": 900}), site, "/overview")
    label = page.locator(".best-name").first
    narrow = label.bounding_box()
    page.set_viewport_size({"width": 1920, "height": 900})
    wide = label.bounding_box()
    assert narrow is not None
    assert wide is not None
    assert abs(narrow["height"] - wide["height"]) < 1
    plot, ring = page.locator(".plot").first.bounding_box(), page.locator(".best-ring").first.bounding_box()
    assert plot is not None
    assert ring is not None
    assert plot["x"] <= ring["x"] + ring["width"] / 2 <= plot["x"] + plot["width"]
