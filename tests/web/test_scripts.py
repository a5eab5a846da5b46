"""The scripts keep a page current, leave its reader alone, and only ever add."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Page as BrowserPage
from playwright.sync_api import expect

from tests.browsers import OpenPage
from tests.web import sample_pages, sample_pieces
from tests.web.sample_site import Answer, Site, open_site
from tests.web.streaming import PATIENCE_SECONDS
from web_ui.pages.overview import Overview

pytestmark = pytest.mark.browser

STATE = "#live-state"


@pytest.fixture
def site() -> Iterator[Site]:
    with open_site() as opened:
        yield opened


@pytest.fixture
def overview(site: Site, page: BrowserPage) -> BrowserPage:
    """The overview, live."""
    page.goto(f"{site.origin}/overview")
    expect(page.locator(STATE)).to_have_text("live")
    return page


def better(overview: Overview) -> Overview:
    """The same overview a moment later: another best, one leader changed, another title."""
    leaders = (replace(overview.leaders[0], name="mlp-200", value=0.9913), *overview.leaders[1:])
    return replace(overview, best=0.9913, leaders=leaders, frame=replace(overview.frame, title="Overview, better"))


def improve(site: Site, overview: Overview | None = None) -> None:
    """The experiment gets better, and the pages are told."""
    site.show("/overview", lambda: better(overview or sample_pages.overview()))
    site.happen()


def advance_until(page: BrowserPage, words: str) -> None:
    """Let up to two minutes pass on the page's clock, second by second, until it says so."""
    for _ in range(120):
        page.clock.run_for(1000)
        if words in (page.locator(STATE).text_content() or ""):
            return
    raise AssertionError(f"two minutes passed and the page does not say {words!r}")


def test_an_event_brings_the_new_values_in_and_marks_what_changed(site: Site, overview: BrowserPage) -> None:
    improve(site)
    expect(overview.locator("[data-live=facts]")).to_contain_text("0.9913")
    expect(overview.locator("[data-live=leaders] tr.fresh")).to_have_count(1)
    expect(overview.locator("[data-live=leaders] tr.fresh")).to_contain_text("mlp-200")
    expect(overview).to_have_title("Overview, better · digits · Switchyard")
    assert "/events/stream?of=%3A41" in site.asked


def test_a_burst_of_events_asks_at_most_once_a_second(site: Site, overview: BrowserPage) -> None:
    for _ in range(50):
        site.happen()
    improve(site)
    expect(overview.locator("[data-live=facts]")).to_contain_text("0.9913")
    assert site.asked.count("/overview") <= 5


def test_a_page_looks_only_at_what_can_concern_one_of_its_parts(site: Site, overview: BrowserPage) -> None:
    overview.evaluate("document.querySelectorAll('[data-live]').forEach(one => one.dataset.liveOn = 'job gpu')")
    site.kinds = ["session"]
    site.happen()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while site.told < site.position:
        assert time.monotonic() < deadline, "nobody was told of the newest event"
        time.sleep(0.01)
    site.kinds = ["worker", "job"]
    improve(site)
    expect(overview.locator("[data-live=facts]")).to_contain_text("0.9913")
    assert site.asked.count("/overview") == 2


def test_a_row_that_only_grew_older_is_not_marked(site: Site, page: BrowserPage) -> None:
    page.goto(f"{site.origin}/home")
    later = replace(sample_pages.home().frame, now="2025-11-21T09:03:00Z")
    site.show("/home", lambda: replace(sample_pages.home(), frame=later))
    site.happen()
    expect(page.locator("[data-live=experiments] time").first).to_have_text("3 min ago")
    expect(page.locator(".fresh")).to_have_count(0)


def test_what_somebody_holds_open_waits_until_they_are_done(site: Site, overview: BrowserPage) -> None:
    overview.locator("[data-live=head] .confirm summary").click()
    improve(site, replace(sample_pages.overview(), name="digits two"))
    expect(overview.locator("[data-live=facts]")).to_contain_text("0.9913")
    expect(overview.locator("h1")).to_have_text("digits running")
    overview.keyboard.press("Escape")
    expect(overview.locator("h1")).to_have_text("digits two running")


def test_what_somebody_wrote_is_never_taken_away(site: Site, page: BrowserPage) -> None:
    page.goto(f"{site.origin}/pieces")
    expect(page.locator(STATE)).to_have_text("live")
    page.locator("#change").fill("Half a sentence")
    page.locator("h1").click()
    later = sample_pieces.pieces()
    site.show("/pieces", lambda: replace(later, frame=replace(later.frame, title="Later"), fields=later.fields[::-1]))
    site.happen()
    expect(page).to_have_title("Later · digits · Switchyard")
    expect(page.locator("#change")).to_have_value("Half a sentence")


def test_focus_and_open_tables_survive_a_change(site: Site, overview: BrowserPage) -> None:
    overview.locator(".chart-table summary").click()
    overview.locator("[data-live=leaders] tr", has_text="mlp-64").get_by_role("link").focus()
    improve(site, sample_pages.overview(60))
    expect(overview.locator("[data-live=facts]")).to_contain_text("0.9913")
    expect(overview.locator(".chart-table summary")).to_have_text("Table of 61 variants")
    assert overview.evaluate("document.activeElement.textContent") == "mlp-64-relu-l2"
    assert overview.locator(".chart-table").evaluate("table => table.open")


def test_the_page_says_how_current_it_is(site: Site, page: BrowserPage, console_errors: list[str]) -> None:
    page.add_init_script("delete globalThis.SharedWorker")  # its own stream, on its own clock
    page.clock.install()
    page.goto(f"{site.origin}/overview")
    advance_until(page, "live")
    site.answers["/overview"] = lambda: Answer("no", "text/plain", 503)
    site.refuse()
    advance_until(page, "reconnecting")
    advance_until(page, "stale")
    site.show("/overview", lambda: better(sample_pages.overview()))
    advance_until(page, "every 10 s")
    expect(page.locator("[data-live=facts]")).to_contain_text("0.9913")
    site.refuse(is_refusing=False)
    advance_until(page, "live")
    console_errors.clear()


def test_a_page_that_lost_its_session_says_so_and_keeps_what_it_shows(
    site: Site, overview: BrowserPage, console_errors: list[str]
) -> None:
    site.answers["/overview"] = lambda: Answer("sign in", status=401)
    site.happen()
    expect(overview.locator(STATE)).to_have_text("signed out: reload")
    expect(overview.locator("[data-live=facts]")).to_contain_text("0.9811")
    console_errors.clear()


@pytest.fixture
def log(site: Site) -> Callable[[], int]:
    """A log of two more parts, handed out by offset; says how often it was asked for."""
    parts = {"120": ("epoch 3  loss 0.41\n", "139", "false"), "139": ("epoch 4  loss 0.40\n", "158", "true")}
    offsets: list[str] = []

    def answer() -> Answer:
        offsets.append(next(path for path in reversed(site.asked) if path.startswith("/log")).rpartition("offset=")[2])
        text, following, is_ended = parts[offsets[-1]]
        return Answer(text, "text/plain", headers={"X-Log-Offset": following, "X-Log-Ended": is_ended})

    site.answers["/log"] = answer
    return lambda: len(offsets)


def test_a_log_is_followed_to_its_end(site: Site, page: BrowserPage, log: Callable[[], int]) -> None:
    page.goto(f"{site.origin}/pieces")
    expect(page.locator(".log")).to_contain_text("epoch 2  loss 0.52\nepoch 3  loss 0.41\nepoch 4  loss 0.40")
    assert page.locator("[data-log-live]").count() == 0
    assert log() == 2


def test_the_switcher_opens_by_a_key_filters_and_goes(site: Site, overview: BrowserPage) -> None:
    site.show("/e/packing/", sample_pages.home)
    overview.keyboard.press("/")
    overview.keyboard.type("pack")
    expect(overview.locator("#switcher li:visible")).to_have_count(1)
    overview.keyboard.press("Enter")
    expect(overview).to_have_title("Home · Switchyard")


def test_the_switcher_takes_arrow_keys_says_when_nothing_matches_and_closes(overview: BrowserPage) -> None:
    overview.keyboard.press("/")
    overview.keyboard.press("ArrowDown")
    overview.keyboard.press("ArrowDown")
    assert "packing" in overview.evaluate("document.activeElement.textContent")
    overview.get_by_role("searchbox").fill("zebra")
    expect(overview.get_by_text("No experiment has that in its name.")).to_be_visible()
    overview.keyboard.press("Escape")
    expect(overview.locator("#switcher .menu-panel")).to_be_hidden()


def test_enter_asks_the_server_where_none_of_the_listed_ones_is_meant(site: Site, overview: BrowserPage) -> None:
    overview.keyboard.press("/")
    overview.keyboard.type("zebra")
    overview.keyboard.press("Enter")
    overview.wait_for_url("**/home?q=zebra")  # whole: a page that is still on its way may not let itself be closed


def test_the_tab_that_is_shown_is_in_sight_and_the_bar_says_where_there_are_more(
    site: Site, open_page: OpenPage
) -> None:
    frame = sample_pages.overview().frame
    tabs = tuple(replace(tab, is_current=tab == frame.tabs[-2]) for tab in frame.tabs)
    site.show("/overview", lambda: replace(sample_pages.overview(), frame=replace(frame, tabs=tabs)))
    page = open_page(viewport={"width": 360, "height": 800})
    page.goto(f"{site.origin}/overview")
    expect(page.locator("nav.tabs [aria-current]")).to_be_in_viewport(ratio=1)
    expect(page.locator("nav.tabs")).to_have_class(re.compile("has-before"))
    page.locator("nav.tabs").evaluate("bar => (bar.scrollLeft = 0)")
    expect(page.locator("nav.tabs")).to_have_class(re.compile("has-after"))
    expect(page.locator("nav.tabs")).not_to_have_class(re.compile("has-before"))


def test_a_slash_in_a_field_is_a_slash(site: Site, page: BrowserPage) -> None:
    page.goto(f"{site.origin}/pieces")
    page.locator("#change").press("/")
    expect(page.locator("#switcher .menu-panel")).to_be_hidden()
    assert "/" in page.locator("#change").input_value()


def test_a_command_is_copied_where_the_page_is_served_in_the_clear_too(site: Site, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(f"{site.origin}/pieces")
    page.evaluate("delete Navigator.prototype.clipboard")
    page.locator(".code .copy").click()
    expect(page.locator(".code .copy")).to_have_class("copy js-only is-copied")
