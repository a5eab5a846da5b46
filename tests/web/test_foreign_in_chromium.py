"""The console before somebody else's server in a real browser: readable everywhere, live, and whole without script."""

from collections.abc import Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from store_client import ExperimentDetail
from tests.browsers import OpenPage
from tests.web.foreign import Foreign, slug
from tests.web.foreign_serving import ServedForeign, served_foreign
from tests.web.test_every_page_in_chromium import faults
from tests.web.work import Worker

pytestmark = pytest.mark.browser
INSIDE = ("", "ideator", "ideas", "variants", "tasks", "admin/workers", "admin/groups", "admin/dispatch", "jobs")


@pytest.fixture
def served(tmp_path: Path, sqlite_url: str) -> Iterator[ServedForeign]:
    """A console with the admin token, which was told of the repositories and of one config."""
    with served_foreign(tmp_path, _furnish) as running:
        yield running


async def _furnish(foreign: Foreign) -> dict[str, Any]:
    one = await foreign.world.experiment()
    configs = foreign.world.data / "configs"
    configs.mkdir()
    foreign.config(one).rename(configs / f"{one.experiment_id}.yaml")
    ada = await Worker.of(foreign.world, one)
    await ada.evaluate(error=1.0)
    await ada.variant("better", 1.4, error=0.25)
    await ada.propose("unbuilt")
    await ada.execute()
    repository = str(foreign.world.data / "repos" / "{experiment_id}.git")
    return {
        "admin_token_file": foreign.admin_token(),
        "operator": "Olga",
        "config": configs,
        "repository": repository,
    }


@pytest.fixture
def one(served: ServedForeign) -> ExperimentDetail:
    async def read() -> ExperimentDetail:
        (found,) = await served.foreign.world.deployment.list_experiment_summaries()
        return await served.foreign.world.store(found.experiment_id).read_experiment_detail()

    return served.run(read)


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_pages_fit_their_width_and_read_well(
    served: ServedForeign,
    one: ExperimentDetail,
    open_page: OpenPage,
    console_errors: list[str],
    width: int,
    scheme: str,
) -> None:
    page = served.sign_in(open_page(viewport={"width": width, "height": 900}, color_scheme=scheme))
    for path in ("/", *(f"/e/{slug(one)}/{name}" for name in INSIDE)):
        page.goto(served.url + path)
        page.evaluate(
            "document.querySelectorAll('details.confirm, details.chart-table').forEach(one => one.open = true)"
        )
        assert faults(page) == set(), path
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
    assert all("404" in error for error in console_errors)  # the jobs, which that server does not offer
    console_errors.clear()


def test_an_open_overview_moves_when_something_is_scored_elsewhere(
    served: ServedForeign, one: ExperimentDetail, open_page: OpenPage
) -> None:
    page = served.sign_in(open_page(), f"/e/{slug(one)}/")
    expect(page.locator("#live-state .word")).to_have_text("live")
    expect(page.locator("[data-live=facts]")).to_contain_text("0.2500")

    async def score() -> None:
        bo = await Worker.of(served.foreign.world, one, "Bo")
        bo.numbers = count(100)  # ids that Ada has not given
        await bo.variant("best-yet", 1.41, error=0.012)

    served.run(score)
    expect(page.locator("[data-live=facts]")).to_contain_text("0.0120")
    expect(page.locator("[data-live=activity]")).to_contain_text("best-yet scored 0.0120, the best so far")


def test_the_whole_of_the_work_is_done_without_script(
    served: ServedForeign, one: ExperimentDetail, open_page: OpenPage, console_errors: list[str]
) -> None:
    page = served.sign_in(open_page(java_script_enabled=False), f"/e/{slug(one)}/ideator")
    served.run(served.foreign.world.decide)
    page.reload()
    page.get_by_role("button", name="Claim New ideas").first.click()
    page.get_by_label("What to try, and why").first.fill("Guess 1.42.")
    page.get_by_role("button", name="Submit", exact=True).click()
    expect(page.locator(".messages")).to_contain_text("1 idea submitted")
    served.run(served.foreign.world.decide)
    served.run(served.foreign.world.decide)
    page.goto(f"{served.url}/e/{slug(one)}/executor")
    page.get_by_role("button", name="Claim guess-1-42").click()
    commit = served.run(partial(_push, served, one))
    page.reload()
    page.get_by_label("Commit", exact=True).select_option(commit)
    page.get_by_role("button", name="Check this commit").click()
    expect(page.locator(".checks")).to_contain_text("Descends from its parent")
    page.get_by_role("button", name="Submit for evaluation").click()
    expect(page.locator(".messages")).to_contain_text("is submitted")
    served.run(served.foreign.world.decide)
    page.goto(f"{served.url}/e/{slug(one)}/evaluator")
    page.get_by_role("button", name="Claim guess-1-42").click()
    page.get_by_label("error").fill("0.0164")
    page.get_by_role("button", name="Submit the evaluation").click()
    served.run(served.foreign.world.decide)
    page.goto(f"{served.url}/e/{slug(one)}/variants?order=best")
    expect(page.locator("tr.is-best")).to_contain_text("guess-1-42")
    _register(page, f"{served.url}/e/{slug(one)}/admin/workers")
    assert all("410" in error for error in console_errors)  # a token's page that is looked at again
    console_errors.clear()


async def _push(served: ServedForeign, one: ExperimentDetail) -> str:
    bo = await Worker.of(served.foreign.world, one, "Bo")
    assert one.base_commit_sha is not None
    best = (await bo.store.list_variant_page(order="best")).items[0]
    return bo.push("work/olga/guess", best.variant_commit_sha or one.base_commit_sha, guess__txt="1.42\n")


def _register(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_label("Name", exact=True).fill("lab-gpu-3")
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_role("heading", name="Token of lab-gpu-3")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="This token was shown already")).to_be_visible()
