"""A job's page in a browser: its log appears when the job starts, and is followed to its end without a flicker."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Page as BrowserPage
from playwright.sync_api import expect

from tests.web import sample_pages
from tests.web.sample_site import Answer, Site, open_site
from web_ui.job_command import Again
from web_ui.job_log import Log, LogView
from web_ui.pages.jobs import Acts, JobPage

pytestmark = pytest.mark.browser


@pytest.fixture
def site() -> Iterator[Site]:
    with open_site() as opened:
        yield opened


def waiting() -> JobPage:
    return JobPage(
        frame=sample_pages.frame("Job 812", is_deployment=True),
        number=812,
        name="train mlp-128",
        status="queued",
        sentence="Waits, 1st in the queue.",
        ends="",
        why=None,
        progress=None,
        metrics=(),
        priority=5,
        acts=Acts("/cancel", None, None, None),
        facts=(),
        moments=(),
        command="train",
        again=Again("switchyard job submit hello -- train", ""),
        checkpoints=(),
        more_checkpoints=0,
        attempts=(),
        log=None,
        log_fault="",
        view=LogView(),
        files=(),
        job_id="job_812",
    )


def running(text: str, *, is_live: bool = True) -> JobPage:
    log = Log(text, "/log?attempt=1", len(text), is_live, 0, "/log?download=1", 1, "", "/?wrap=off", "/")
    return replace(waiting(), status="running", sentence="Its command runs.", log=log)


@pytest.fixture
def writes(site: Site) -> Callable[[str], None]:
    """Lets the job write more of its log."""
    written = ["first\n"]

    def answer() -> Answer:
        offset = int(next(path for path in reversed(site.asked) if path.startswith("/log")).rpartition("offset=")[2])
        text = "".join(written)
        return Answer(text[offset:], "text/plain", 200, {"X-Log-Offset": str(len(text)), "X-Log-Ended": "false"})

    site.answers["/log"] = answer
    return written.append


def test_the_log_of_a_job_that_starts_appears_and_is_followed(
    site: Site, page: BrowserPage, writes: Callable[[str], None]
) -> None:
    site.show("/job", waiting)
    page.goto(f"{site.origin}/job")
    expect(page.locator("#live-state")).to_have_text("live")
    expect(page.locator("[data-live=log]")).to_contain_text("No log yet")
    site.show("/job", lambda: running("first\n"))
    site.happen()
    expect(page.locator(".log")).to_have_text("first\n")
    writes("second\n")
    expect(page.locator(".log")).to_have_text("first\nsecond\n")


def test_a_log_that_grows_is_not_replaced_until_it_has_ended(
    site: Site, page: BrowserPage, writes: Callable[[str], None]
) -> None:
    site.show("/job", lambda: running("first\n"))
    page.goto(f"{site.origin}/job")
    page.locator(".log").evaluate("log => { log.dataset.mark = 'same' }")
    site.show("/job", lambda: replace(running("first\nsecond\n"), sentence="Still runs."))
    writes("second\n")
    site.happen()
    expect(page.locator("[data-live=head]")).to_contain_text("Still runs.")
    expect(page.locator(".log[data-mark=same]")).to_have_text("first\nsecond\n")
    site.answers["/log"] = lambda: Answer("", "text/plain", 200, {"X-Log-Offset": "13", "X-Log-Ended": "true"})
    site.show("/job", lambda: running("first\nsecond\n", is_live=False))
    expect(page.locator(".log:not([data-mark])")).to_have_text("first\nsecond\n")
    expect(page.get_by_text("Follows the command")).to_have_count(0)
