"""Chromium for tests: one browser per run, a fresh context per page, and no page that complains on its console."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, expect, sync_playwright

from tests.machine import missing

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MILLISECONDS = 60_000


class OpenPage(Protocol):
    """Open a page in a context of its own (`java_script_enabled=False`, `color_scheme="dark"`, …)."""

    def __call__(self, **context: Any) -> Page: ...


def pytest_itemcollected(item: pytest.Item) -> None:
    """Refuse what `tests/run.sh` would pass over: it looks for the mark in files; the workers collect all."""
    if item.get_closest_marker("browser") and "mark.browser" not in item.path.read_text():
        raise pytest.UsageError(f"{item.nodeid} is the browser's and nothing in its file says mark.browser")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium where there is one, else Playwright's own."""
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable(playwright), args=list(QUIET))
        yield chromium
        chromium.close()


@pytest.fixture
def console_errors() -> list[str]:
    """What the pages of this test complained about; a test that provokes a complaint removes it."""
    return []


@pytest.fixture
def open_page(browser: Browser, console_errors: list[str]) -> Iterator[OpenPage]:
    """Open as many pages as the test likes; afterwards none of them may have complained."""
    contexts = []

    def open_one(**context: Any) -> Page:
        contexts.append(browser.new_context(**context))
        contexts[-1].set_default_timeout(PATIENCE_MILLISECONDS)
        page = contexts[-1].new_page()
        page.on("console", lambda message: _note(console_errors, message))
        page.on("pageerror", lambda error: console_errors.append(str(error)))
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert console_errors == []


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """One page, 1,280 by 800."""
    return open_page(viewport={"width": 1280, "height": 800})


def _note(errors: list[str], message: ConsoleMessage) -> None:
    if message.type == "error":
        errors.append(f"{message.text} ({message.location.get('url', '')})")


def executable(playwright: Playwright) -> str:
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), playwright.chromium.executable_path)
    if not Path(found).exists():
        missing("Chromium (sh tests/fetch_chromium.sh fetches it)")
    return found
