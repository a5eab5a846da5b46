"""Many tabs of one browser before a console that comes and goes: one stream, nothing missed, nothing taken away."""

import contextlib
import re
import socket
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Page, expect
from starlette.types import ASGIApp

from store_client import ExperimentDetail
from tests.browsers import OpenPage
from tests.web.serving import Quiet, Served, served_world
from tests.web.streaming import PATIENCE_SECONDS
from web_ui.live import Live

pytestmark = pytest.mark.browser
TABS = 8
HIDE = """isHidden => {
  Object.defineProperty(document, "hidden", { get: () => isHidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture
def served(tmp_path: Path, sqlite_url: str) -> Iterator[Served]:
    with served_world(tmp_path) as running:
        yield running


@pytest.fixture
def hello(served: Served) -> ExperimentDetail:
    return served.run(served.world.experiment)


def register(served: Served, one: ExperimentDetail, name: str) -> None:
    """Something that every page of workers of the experiment shows."""
    served.run(partial(served.world.store(one.experiment_id).register_worker, name))


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def is_live(page: Page) -> None:
    expect(page.locator("#live-state .word")).to_have_text("live")


def test_eight_tabs_have_one_stream_that_outlives_each_of_them_and_rests_with_the_last(
    served: Served, hello: ExperimentDetail, open_page: OpenPage
) -> None:
    other = served.run(partial(served.world.experiment, "Other"))
    live: Live = served.world.app.state.live
    first = served.sign_in(open_page(), "/e/hello/admin/workers")
    tabs = [first.context.new_page() for _ in range(TABS - 1)]
    for number, tab in enumerate(tabs):
        tab.goto(f"{served.url}/e/{'other' if number % 2 else 'hello'}/admin/workers")
        is_live(tab)
    until(lambda: live.streams == 1)
    first.close()
    register(served, hello, "Bo")
    register(served, other, "Cy")
    for number, tab in enumerate(tabs):
        expect(tab.locator("[data-live=workers]")).to_contain_text("Cy" if number % 2 else "Bo")
    assert live.streams == 1
    for tab in tabs:
        tab.evaluate(HIDE, arg=True)
    until(lambda: live.streams == 0)
    register(served, other, "Di")
    tabs[1].evaluate(HIDE, arg=False)
    expect(tabs[1].locator("[data-live=workers]")).to_contain_text("Di")
    until(lambda: live.streams == 1)


def test_title_and_icon_of_a_tab_tell_that_somebody_is_needed(
    served: Served, hello: ExperimentDetail, open_page: OpenPage
) -> None:
    page = served.sign_in(open_page(), f"/e/{hello.slug}/")
    is_live(page)
    icon = page.locator("link[rel=icon]")
    expect(icon).to_have_attribute("href", re.compile(r"/mark\.svg"))
    served.run(served.world.decide)
    expect(icon).to_have_attribute("href", re.compile(r"/mark-needs\.svg"))
    expect(page).to_have_title(re.compile(r"\([1-9]\d*\) "))


@contextlib.contextmanager
def console_at(served: Served, console: ASGIApp, port: int) -> Iterator[int]:
    """A console at a port that may have been another's; when it ends, its streams end with it."""
    listener = socket.create_server(("127.0.0.1", port))
    server = Quiet(uvicorn.Config(console, lifespan="off", log_config=None, timeout_graceful_shutdown=1))
    serving = served.portal.start_task_soon(server.serve, [listener])
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        serving.result(30)
        listener.close()


def test_what_happened_while_both_servers_were_away_is_there_when_they_are_back_and_a_form_is_as_it_was_left(
    served: Served, hello: ExperimentDetail, open_page: OpenPage, console_errors: list[str]
) -> None:
    page = served.sign_in(open_page())
    with console_at(served, served.run(served.world.another_console), 0) as port:
        page.goto(f"http://127.0.0.1:{port}/e/hello/admin/workers")
        is_live(page)
        page.locator("[name=name]").fill("half a na")
    expect(page.locator("#live-state .word")).to_have_text("reconnecting")
    served.world.line.is_cut = True
    register(served, hello, "Bo")
    with console_at(served, served.run(served.world.another_console), port):
        expect(page.locator("#live-state .word")).not_to_have_text("live")
        served.world.line.is_cut = False
        expect(page.locator("[data-live=workers]")).to_contain_text("Bo")
        is_live(page)
        expect(page.locator("[name=name]")).to_have_value("half a na")
        assert page.evaluate("document.activeElement.name") == "name"
    console_errors.clear()
