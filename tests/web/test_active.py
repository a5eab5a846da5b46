"""Which experiment a request works on: that of its address, and nothing can talk it out of that."""

import httpx
import pytest

from store_client import ExperimentDetail
from tests.web.reading import page, says, words
from tests.web.world import World
from web_ui.frame import ADMIN_TABS, EXPERIMENT_TABS


@pytest.fixture
async def two(world: World) -> tuple[ExperimentDetail, ExperimentDetail]:
    """Two experiments; the newer one comes first in lists."""
    return await world.experiment("First"), await world.experiment("Second")


def active(answer: httpx.Response) -> str:
    return words(page(answer).select_one("[data-live=switcher-summary] .name"))


async def test_the_id_and_the_slug_lead_to_the_same_page(
    two: tuple[ExperimentDetail, ExperimentDetail], browser_of_admin: httpx.AsyncClient
) -> None:
    for named in (two[0].slug, two[0].experiment_id):
        answer = await browser_of_admin.get(f"/e/{named}/")
        assert active(answer) == "First"
        assert page(answer).select_one("a[href='/e/first/executor']") is not None


async def test_an_address_without_a_slash_leads_to_the_overview(
    two: tuple[ExperimentDetail, ExperimentDetail], browser_of_admin: httpx.AsyncClient
) -> None:
    answer = await browser_of_admin.get("/e/first", follow_redirects=True)
    assert active(answer) == "First"


async def test_the_address_wins_over_the_session_and_the_session_over_the_default(
    two: tuple[ExperimentDetail, ExperimentDetail], browser_of_admin: httpx.AsyncClient
) -> None:
    assert (await browser_of_admin.get("/variants")).headers["location"] == "/e/second/variants"
    await browser_of_admin.post("/e/first/select")
    assert (await browser_of_admin.get("/variants")).headers["location"] == "/e/first/variants"
    assert active(await browser_of_admin.get("/e/second/admin/groups")) == "Second"
    assert (await browser_of_admin.get("/variants")).headers["location"] == "/e/first/variants"


async def test_the_default_is_one_that_runs(
    world: World, two: tuple[ExperimentDetail, ExperimentDetail], browser_of_admin: httpx.AsyncClient
) -> None:
    await world.store(two[1].experiment_id).end_experiment()
    assert (await browser_of_admin.get("/tasks")).headers["location"] == "/e/first/tasks"


@pytest.mark.parametrize("name", ["ideator", "executor", "evaluator", "ideas", "variants", "tasks"])
async def test_an_address_that_names_no_experiment_leads_to_the_active_one_by_get_alone(
    two: tuple[ExperimentDetail, ExperimentDetail], browser_of_admin: httpx.AsyncClient, name: str
) -> None:
    assert (await browser_of_admin.get(f"/{name}")).headers["location"] == f"/e/second/{name}"
    assert (await browser_of_admin.post(f"/{name}")).status_code == 405


async def test_forms_in_two_tabs_each_land_where_their_tab_says(
    world: World, two: tuple[ExperimentDetail, ExperimentDetail], browser_of_admin: httpx.AsyncClient
) -> None:
    tabs = {}
    for slug in ("first", "second"):
        await browser_of_admin.post(f"/e/{slug}/select")
        tabs[slug] = page(await browser_of_admin.get(f"/e/{slug}/"))
    # The session says "second" now; the first tab is older than that choice, and still acts on its own experiment.
    forms = {slug: str(tab.select("form[action$='role=executor']")[0]["action"]) for slug, tab in tabs.items()}
    assert (await browser_of_admin.post(forms["first"], data={"automation": "automatic"})).status_code == 303
    details = [await world.store(one.experiment_id).read_experiment_detail() for one in two]
    assert [one.automation.executor for one in details] == ["automatic", "manual"]
    await browser_of_admin.post("/e/first/pause")
    statuses = {one.slug: one.status for one in await world.deployment.list_experiment_summaries()}
    assert statuses == {"first": "paused", "second": "running"}


async def test_no_form_of_an_experiments_page_posts_outside_of_it(
    world: World, two: tuple[ExperimentDetail, ExperimentDetail], browser_of_admin: httpx.AsyncClient
) -> None:
    for _, route, *_ in (*EXPERIMENT_TABS, *ADMIN_TABS):
        answer = await browser_of_admin.get(str(world.app.url_path_for(route, experiment="first")))
        if answer.status_code == 501:
            continue
        assert answer.status_code == 200, route
        posts = [str(form["action"]) for form in page(answer).select("main form[method=post]")]
        assert all(action.startswith("/e/first/") for action in posts), route


async def test_switching_keeps_the_kind_of_page(
    two: tuple[ExperimentDetail, ExperimentDetail], browser_of_admin: httpx.AsyncClient
) -> None:
    for route, path in (("workers", "admin/workers"), ("groups", "admin/groups"), ("overview", "")):
        shown = page(await browser_of_admin.get(f"/e/first/{path}"))
        (form,) = shown.select("#switcher form[action^='/e/second/']")
        assert str(form["action"]).endswith(f"next={route}")
        answer = await browser_of_admin.post(str(form["action"]))
        assert answer.headers["location"] == f"/e/second/{path}"


async def test_from_a_page_of_the_deployment_one_gets_to_what_is_nearest(
    two: tuple[ExperimentDetail, ExperimentDetail], browser_of_admin: httpx.AsyncClient
) -> None:
    for current, path in (("home", "/e/first/"), ("queue", "/e/first/jobs"), ("", "/e/first/")):
        answer = await browser_of_admin.post(f"/e/first/select?next={current}")
        assert answer.headers["location"] == path


async def test_selecting_leads_nowhere_but_to_pages_of_the_experiment(
    two: tuple[ExperimentDetail, ExperimentDetail], browser_of_admin: httpx.AsyncClient
) -> None:
    elsewhere = ["https://evil.example", "//evil.example", "signout", "pause", "end", "artifact", "live"]
    for target in [*elsewhere, "static", "job", "variant", "\x00", "/", "../..", "home"]:
        answer = await browser_of_admin.post("/e/first/select", params={"next": target})
        assert answer.headers["location"] == "/e/first/", target


async def test_after_an_act_one_is_led_back_into_the_same_experiment_alone(
    two: tuple[ExperimentDetail, ExperimentDetail], browser_of_admin: httpx.AsyncClient
) -> None:
    cases = {
        "/e/first/executor": "/e/first/executor",
        f"/e/{two[0].experiment_id}/tasks": f"/e/{two[0].experiment_id}/tasks",
        "/e/second/executor": "/e/first/",
        "//evil.example/e/first/": "/e/first/",
        "/\\evil.example": "/e/first/",
        "https://evil.example/e/first/": "/e/first/",
        "": "/e/first/",
    }
    for wanted, led in cases.items():
        data = {"role": "executor", "mode": "manual", "next": wanted}
        answer = await browser_of_admin.post("/e/first/automation", data=data)
        assert answer.headers["location"] == led, wanted
    headers = {"Referer": "https://console/e/first/evaluator?x=1"}
    answer = await browser_of_admin.post("/e/first/automation", data={"role": "executor"}, headers=headers)
    assert answer.headers["location"] == "/e/first/evaluator"
    answer = await browser_of_admin.post("/e/first/automation", headers={"Referer": "http://["})
    assert answer.headers["location"] == "/e/first/"
    assert "Say which role" in says(await browser_of_admin.get("/e/first/"))
