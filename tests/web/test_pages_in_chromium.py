"""The console's own pages in a real browser: live, and whole without script."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browsers import OpenPage
from tests.web.serving import Served, served_world
from tests.web.work import Worker

pytestmark = pytest.mark.browser
LONG = "an experiment with a name as long as people give when nobody stops them, and a bit more"


@pytest.fixture
def served(tmp_path: Path, sqlite_url: str) -> Iterator[Served]:
    with served_world(tmp_path) as running:
        yield running


@pytest.fixture
def worker(served: Served) -> Worker:
    """Ada, at work in an experiment that has a baseline, a good variant and a failed one."""
    return served.run(partial(_worked, served))


async def _worked(served: Served) -> Worker:
    one = await served.world.experiment()
    await served.world.experiment("Sketch", is_draft=True)
    await served.world.experiment(LONG)
    ada = await Worker.of(served.world, one)
    await ada.evaluate(error=1.0)
    await ada.variant("better", 1.4, error=0.25)
    await ada.propose("unbuilt")
    await ada.execute()
    await served.world.store(one.experiment_id).register_group("night shift", (ada.worker_id,))
    return ada


def test_an_open_overview_moves_when_something_is_scored_elsewhere(
    served: Served, worker: Worker, open_page: OpenPage
) -> None:
    page = served.sign_in(open_page(), "/e/hello/")
    expect(page.locator("#live-state .word")).to_have_text("live")
    expect(page.locator("[data-live=facts]")).to_contain_text("0.2500")
    served.run(partial(worker.variant, "best-yet", 1.41, error=0.012))
    expect(page.locator("[data-live=facts]")).to_contain_text("0.0120")
    expect(page.locator("[data-live=progress] .best-name").last).to_have_text("best-yet 0.0120")
    expect(page.locator("[data-live=activity]")).to_contain_text("best-yet scored 0.0120, the best so far")
    expect(page.locator("[data-live=switcher-summary]")).to_contain_text("best 0.0120")


def test_an_open_home_hears_of_every_experiment(served: Served, worker: Worker, open_page: OpenPage) -> None:
    page = served.sign_in(open_page())
    served.run(partial(served.world.experiment, "Brand new"))
    expect(page.locator("[data-live=experiments]")).to_contain_text("Brand new")


def test_a_page_says_that_it_is_stale_while_the_control_plane_is_away_and_recovers(
    served: Served, worker: Worker, open_page: OpenPage, console_errors: list[str]
) -> None:
    page = served.sign_in(open_page(), "/e/hello/")
    word = page.locator("#live-state .word")
    expect(word).to_have_text("live")
    served.world.line.is_cut = True
    served.run(partial(served.world.store(worker.experiment.experiment_id).register_worker, "Bo"))
    expect(word).to_have_text("reconnecting")
    served.world.line.is_cut = False
    expect(word).to_have_text("live")
    assert all("503" in error for error in console_errors)
    console_errors.clear()


def test_two_tabs_on_two_experiments_do_not_mix(served: Served, worker: Worker, open_page: OpenPage) -> None:
    first = served.sign_in(open_page(), "/e/hello/")
    second = first.context.new_page()
    second.goto(f"{served.url}/e/sketch/")
    second.locator("#switcher summary").click()
    second.locator("#switcher li", has_text=LONG).get_by_role("button").click()
    expect(second.get_by_role("heading", level=1)).to_contain_text(LONG)
    first.get_by_role("button", name="Pause").click()
    expect(first.locator(".messages")).to_contain_text("Hello is paused.")
    expect(first.get_by_role("heading", level=1)).to_contain_text("paused")
    second.reload()
    expect(second.get_by_role("heading", level=1)).to_contain_text("running")


def test_everything_works_without_script(served: Served, worker: Worker, open_page: OpenPage) -> None:
    page = served.sign_in(open_page(java_script_enabled=False), "/e/hello/")
    page.locator("[data-live=stages] li", has_text="Execute").get_by_role("button", name="automatic").click()
    expect(page.locator(".messages")).to_contain_text("automatic workers")
    page.locator("#switcher summary").click()
    page.locator("#switcher li", has_text="Sketch").get_by_role("button").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Sketch")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("running")
    page.locator(".confirm summary").click()
    page.get_by_role("button", name="End Sketch").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("completed")
    page.goto(f"{served.url}/e/hello/admin/workers")
    page.get_by_label("Name", exact=True).fill("lab-gpu-3")
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_role("heading", name="Token of lab-gpu-3")).to_be_visible()
    page.locator(".operator summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator(".messages")).to_contain_text("You are signed out")
