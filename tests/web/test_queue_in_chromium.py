"""The queue and a job's page in a real browser: readable at any width, and whole without script."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from sqlalchemy import insert

from control_plane.scheduler.operations import attempts
from control_plane.scheduler.rules.board import Placement
from control_plane.scheduler.tables import progress
from store_client import JobDetail, SubmitJob
from tests.browsers import OpenPage
from tests.web.serving import Served, served_world

pytestmark = pytest.mark.browser


@pytest.fixture
def served(tmp_path: Path, sqlite_url: str) -> Iterator[Served]:
    with served_world(tmp_path) as running:
        yield running


async def queued(served: Served) -> list[JobDetail]:
    """A job that runs and reports, and two that wait for it."""
    world = served.world
    one = await world.experiment()
    store, house = world.store(one.experiment_id), world.parts.house

    async def submit(name: str, **wish: Any) -> JobDetail:
        body = {"name": name, "command": ("true",), "resources": {"cpus": world.parts.settings.cpu_slots}, **wish}
        return await store.submit_job(SubmitJob.model_validate(body))

    jobs = [await submit("runs"), await submit("first", tags=["night"]), await submit("second")]
    slots = [f"cpu:{index}" for index in range(world.parts.settings.cpu_slots)]
    placement = Placement.on(jobs[0].job_id, *slots)
    await house.write(lambda tx: attempts.place(tx, placement))
    await house.write(lambda tx: attempts.start(tx, jobs[0].job_id, 1))
    said = {"at": jobs[0].created_at, "fraction": 0.62, "message": "epoch 62"}
    row = {"job_id": jobs[0].job_id, "attempt": 1, "at": jobs[0].created_at, "said": said}
    await house.write(lambda tx: tx.connection.execute(insert(progress).values(**row)))
    return jobs


def faults(page: Page) -> set[str]:
    found = Axe().run(page).response["violations"]
    return {f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found}


def test_the_pages_read_well_wide_narrow_and_dark(served: Served, open_page: OpenPage) -> None:
    runs, first, _ = served.run(partial(queued, served))
    for width, scheme in ((390, "light"), (1280, "dark")):
        page = served.sign_in(open_page(viewport={"width": width, "height": 900}, color_scheme=scheme), "/queue")
        for path in ("/queue", f"/queue/{runs.number}", f"/queue/{first.number}", "/queue/cancel-several?name=first"):
            page.goto(served.url + path)
            page.evaluate("document.querySelectorAll('details').forEach(one => one.open = one.className == 'confirm')")
            page.evaluate("document.querySelectorAll('.narrowing, .again').forEach(one => one.open = true)")
            assert faults(page) == set(), path
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path


def test_the_queue_is_changed_without_script(served: Served, open_page: OpenPage) -> None:
    _, _first, second = served.run(partial(queued, served))
    page = served.sign_in(open_page(java_script_enabled=False), "/queue")
    waiting = page.locator("[data-live=waiting] tbody tr")
    expect(waiting.first).to_contain_text("first")
    waiting.last.locator("summary").click()
    waiting.last.get_by_role("button", name="To the front").click()
    expect(page.locator(".messages")).to_contain_text("at the front of priority 5")
    expect(waiting.first).to_contain_text("second")
    page.locator(".narrowing > summary").click()
    page.get_by_label("Tag").fill("night")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name="Cancel these…").click()
    page.get_by_role("button", name="Cancel 1 job").click()
    expect(page.locator(".messages")).to_contain_text("1 job is cancelled.")
    expect(page.locator("[data-live=chosen] tbody tr")).to_have_count(1)
    page.goto(f"{served.url}/queue")
    expect(waiting).to_have_count(1)
    page.goto(f"{served.url}/queue/{second.number}")
    expect(page.locator("[data-live=why]")).to_contain_text("job 1 holds what is missing")


@pytest.mark.parametrize("width", [360, 700, 1280])
def test_the_button_of_a_row_stays_under_the_finger_when_it_opens(
    served: Served, open_page: OpenPage, width: int
) -> None:
    served.run(partial(queued, served))
    page = served.sign_in(open_page(viewport={"width": width, "height": 500}), "/queue")
    buttons = page.locator("[data-live=waiting] tbody tr summary")
    expect(buttons).to_have_count(2)
    page.evaluate("scrollTo(0, document.querySelector('[data-live=waiting]').getBoundingClientRect().top - 100)")
    for number, is_open in ((0, 1), (1, 1), (1, 0)):  # the second opens while the first closes above it
        before = buttons.nth(number).bounding_box()
        buttons.nth(number).click()
        expect(page.locator("[data-live=waiting] .confirm[open]")).to_have_count(is_open)
        assert buttons.nth(number).bounding_box() == pytest.approx(before, abs=1)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_waiting_jobs_are_moved_by_keys_and_by_dragging(served: Served, open_page: OpenPage) -> None:
    _, first, second = served.run(partial(queued, served))
    page = served.sign_in(open_page(), "/queue")
    rows = page.locator("[data-board] tbody tr")
    rows.last.locator("a.key").focus()
    page.keyboard.press("Alt+ArrowUp")
    expect(page.locator("#board-said")).to_contain_text(f"Job {second.number} stands before job {first.number}")
    expect(rows.first).to_contain_text("second")
    expect(rows.first.locator("a.key")).to_be_focused()
    page.keyboard.press("+")
    expect(page.locator("#board-said")).to_contain_text(f"Job {second.number} has priority 6 now.")
    expect(rows.first.locator("a.key")).to_be_focused()
    rows.last.drag_to(rows.first, target_position={"x": 200, "y": 2})
    expect(page.locator("#board-said")).to_contain_text(f"Job {first.number} stands before job {second.number}")
    expect(rows.first).to_contain_text("first")


def test_a_change_that_would_help_is_a_button(served: Served, open_page: OpenPage) -> None:
    runs, first, _ = served.run(partial(queued, served))
    page = served.sign_in(open_page(), f"/queue/{runs.number}")
    expect(page.locator("[data-live=reported]")).to_contain_text("62 % · epoch 62")
    page.goto(f"{served.url}/queue/{first.number}")
    why = page.locator("[data-live=why]")
    expect(why).to_contain_text("holds what is missing")
    why.locator("summary", has_text=f"Cancel job {runs.number}…").click()
    why.get_by_role("button", name=f"Cancel job {runs.number}").click()
    expect(page.locator(".messages")).to_contain_text("is being stopped")
