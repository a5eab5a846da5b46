"""The desks in a real browser: a draft across a restart of everything, two tabs, and all of it without script."""

import time
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import select

from control_plane.task_store.draft_tables import drafts
from tests.browsers import OpenPage
from tests.web.serving import Served, served_world
from tests.web.test_every_page_in_chromium import faults
from tests.web.work import Worker

pytestmark = pytest.mark.browser


async def prepare(served: Served) -> Worker:
    """Two variants with scores, and an idea that waits for its executor."""
    one = await served.world.experiment()
    ada = await Worker.of(served.world, one)
    await ada.evaluate(error=1.0)
    await ada.variant("halfway", 1.2, error=0.56)
    await ada.propose("much-nearer", content="Try **1.41**.")
    return ada


def until_saved(served: Served, text: str) -> None:
    """Wait for a draft that says so."""
    stored, deadline = select(drafts.c.fields), time.monotonic() + 60
    while text not in str(served.world.parts.house.read_now(lambda tx: tx.connection.scalars(stored).all())):
        assert time.monotonic() < deadline, f"nobody saved {text}"
        time.sleep(0.02)


def reads_well(page: Page) -> None:
    assert faults(page) == set(), page.url
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, page.url


def test_a_draft_outlives_both_servers_and_two_tabs_lose_nothing(
    tmp_path: Path, sqlite_url: str, open_page: OpenPage, console_errors: list[str]
) -> None:
    with served_world(tmp_path) as served:
        served.run(partial(prepare, served))
        page = served.sign_in(
            open_page(viewport={"width": 360, "height": 800}, color_scheme="dark"), "/e/hello/executor"
        )
        reads_well(page)
        page.get_by_role("button", name="Claim much-nearer").click()
        page.get_by_label("What did you change?").fill("Half a thought.")
        page.get_by_label("Logs or files").set_input_files(
            {"name": "run.log", "mimeType": "text/plain", "buffer": b"a line"}
        )
        expect(page.locator(".kept li")).to_contain_text("run.log")
        expect(page.locator("[data-draft-words]")).to_contain_text("Draft saved")
        reads_well(page)
        page.get_by_label("What did you change?").fill("Half a thought, and then some.")
        page.goto("about:blank")  # nothing was pressed, and nobody waited
        until_saved(served, "Half a thought, and then some.")
    with served_world(tmp_path) as served:
        page = served.sign_in(open_page(viewport={"width": 1280, "height": 900}), "/work")
        reads_well(page)
        page.get_by_role("link", name="Continue much-nearer").click()
        expect(page.get_by_label("What did you change?")).to_have_value("Half a thought, and then some.")
        expect(page.locator(".kept li")).to_contain_text("run.log")
        other = page.context.new_page()
        other.goto(page.url)
        other.get_by_label("What did you change?").fill("Of the other tab.")
        expect(other.locator("[data-draft-words]")).to_contain_text("Draft saved just now")
        page.get_by_label("What did you change?").fill("Of the first tab.")
        expect(page.locator("[data-draft-words]")).to_contain_text("Another tab or browser has saved another version")
        page.get_by_role("button", name="Save draft").click()
        expect(page.get_by_label("What did you change?")).to_have_value("Of the first tab.")
        expect(page.locator(".said")).to_contain_text("Of the other tab.")
        page.get_by_role("button", name="Save draft").click()
        expect(page.locator("[data-draft-words]")).to_contain_text("Draft saved just now")
    assert all("409" in error for error in console_errors), console_errors
    console_errors.clear()


def test_ideas_are_worked_out_without_script(tmp_path: Path, sqlite_url: str, open_page: OpenPage) -> None:
    with served_world(tmp_path) as served:
        served.run(partial(prepare, served))
        page = served.sign_in(open_page(java_script_enabled=False), "/e/hello/ideator")
        page.get_by_role("button", name="Claim New ideas").first.click()
        texts = page.get_by_label("What to try, and why")
        texts.nth(0).fill("To be removed.")
        texts.nth(1).fill("Use **1.414**.")
        page.get_by_role("button", name="Add another idea").click()
        expect(texts).to_have_count(4)
        page.get_by_role("button", name="Remove idea 1").click()
        page.get_by_role("button", name="Preview").click()
        expect(page.locator(".preview strong")).to_have_text("1.414")
        page.get_by_role("button", name="Choose what idea 1 builds on").click()
        page.get_by_label("Name or commit begins with").fill("base")
        page.get_by_role("button", name="Find", exact=True).click()
        page.get_by_label("baseline").check()
        page.get_by_role("button", name="Build on these").click()
        expect(page.get_by_label("Builds on").first.locator("option:checked")).to_contain_text("baseline")
        page.get_by_role("button", name="Submit", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("New ideas are submitted")


def test_evaluations_and_executions_are_done_by_keys_alone_without_script(
    tmp_path: Path, sqlite_url: str, open_page: OpenPage
) -> None:
    with served_world(tmp_path) as served:
        ada = served.run(partial(prepare, served))
        served.run(partial(ada.execute, guess__txt="1.41\n"))
        served.run(partial(ada.propose, "farther"))
        page = served.sign_in(open_page(java_script_enabled=False), "/e/hello/evaluator")
        reach(page, page.get_by_role("button", name="Claim much-nearer"), "Enter")
        reach(page, page.get_by_label("error"), "0.25")
        reach(page, page.get_by_role("button", name="Submit", exact=False).first, "Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("much-nearer is submitted")
        served.run(served.world.decide)
        page.goto(page.url.partition("/desk/")[0] + "/executor")
        reach(page, page.get_by_role("button", name="Claim farther"), "Enter")
        reach(page, page.locator("[data-key=give-up] summary"), "Enter")
        reach(page, page.locator("[data-key=give-up] textarea"), "The machine is too small.")
        reach(page, page.get_by_role("button", name="Hand it back as failed"), "Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("farther is submitted")


def reach(page: Page, wanted: Locator, keys: str) -> None:
    """Go to something by the Tab key, and press a key there or type."""
    for _ in range(150):
        if wanted.evaluate("one => one === document.activeElement"):
            page.keyboard.press(keys) if keys == "Enter" else page.keyboard.type(keys)
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"no key leads to {wanted}")
