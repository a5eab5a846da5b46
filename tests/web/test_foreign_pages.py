"""Before somebody else's server every address answers with a page: what it shows, or that there is no such thing."""

import httpx
import pytest

from store_client import ExperimentDetail
from tests.web.foreign import Foreign, slug
from tests.web.reading import page, part, rows, says, words
from tests.web.test_gates import table
from tests.web.work import Worker, worked
from web_ui.offers import BEYOND

ACTS_ON_NOTHING = {303, 307, 400, 403, 404, 409, 422}


@pytest.fixture
async def one(foreign: Foreign) -> ExperimentDetail:
    return await foreign.world.experiment()


@pytest.fixture
async def ada(foreign: Foreign, one: ExperimentDetail) -> Worker:
    """Ada, who has worked there: a baseline, a better and a worse variant, two failures."""
    return await worked(foreign.world, one)


async def olga(foreign: Foreign, one: ExperimentDetail, *, has_config: bool = True) -> httpx.AsyncClient:
    """The browser of Olga, who has nothing there but the credential of her worker."""
    held = foreign.credentials({one.experiment_id: await foreign.worker(one)})
    config = foreign.config(one) if has_config else None
    console = await foreign.console(experiment_id=one.experiment_id, credential_file=held, config=config)
    return await foreign.signed_in(console)


async def test_every_address_answers_and_none_with_a_fault(
    foreign: Foreign, one: ExperimentDetail, ada: Worker
) -> None:
    held = foreign.credentials({one.experiment_id: await foreign.worker(one)})
    console = await foreign.console(experiment_id=one.experiment_id, credential_file=held)
    browser = await foreign.signed_in(console)
    for method, path in table(console.app.routes):
        if path.endswith("/live") or path == "/signout" or method == "HEAD":
            continue
        address = path.replace("/e/hello", f"/e/{slug(one)}")
        answer = await browser.request(method, address)
        assert answer.status_code in {200, 410} | ACTS_ON_NOTHING, (method, path, says(answer))
    for name, told in BEYOND.items():
        routes = {"experiment_jobs": f"/e/{slug(one)}/jobs", "queue": "/queue", "job": "/queue/x"}
        if name in routes:
            answer = await browser.get(routes[name])
            assert answer.status_code == 404
            assert f"This server does not offer {told}." in says(answer)


async def test_the_tabs_lead_only_to_what_works(foreign: Foreign, one: ExperimentDetail, ada: Worker) -> None:
    browser = await olga(foreign, one)
    home = await browser.get("/")
    overview = await browser.get(f"/e/{slug(one)}/")
    assert not page(home).select("a[href*='/queue'], .fleet")
    assert not page(overview).select("a[href*='/queue'], a[href$='/jobs']")
    for answer in (home, overview):
        links = {str(link["href"]) for link in page(answer).select("nav.tabs a, main a[href^='/'], .menu a")}
        assert links
        for link in links:
            assert (await browser.get(link)).status_code == 200, link


async def test_the_overview_says_what_can_be_known_and_claims_no_more(
    foreign: Foreign, one: ExperimentDetail, ada: Worker
) -> None:
    browser = await olga(foreign, one)
    answer = await browser.get(f"/e/{slug(one)}/")
    assert "Best error 0.2500" in words(part(answer, "facts"))
    assert "better" in words(part(answer, "leaders"))
    assert not page(answer).select("[data-live=stages] li:not([data-key=Integrate]) .chip")  # nobody tells who works
    assert not page(answer).select("form[action$='/pause'], form[action*='/automation'], form[action$='/end']")
    assert "Ada proposed better" in words(part(answer, "activity"))


async def test_without_the_config_nothing_is_called_the_best(
    foreign: Foreign, one: ExperimentDetail, ada: Worker
) -> None:
    browser = await olga(foreign, one, has_config=False)
    answer = await browser.get(f"/e/{slug(one)}/")
    assert "this console was not given" in says(answer)
    assert "est error" not in says(answer)
    assert "error by variant" in words(part(answer, "progress"))
    variants = await browser.get(f"/e/{slug(one)}/variants")
    assert "not told by this server" not in says(variants)
    assert {"0.250", "1.500"} <= {cell for row in rows(part(variants, "variants")) for cell in row}


async def test_lists_filter_sort_and_page(foreign: Foreign, one: ExperimentDetail, ada: Worker) -> None:
    browser, root = await olga(foreign, one), f"/e/{slug(one)}"
    best = await browser.get(f"{root}/variants?order=best&status=success")
    assert [row[0].split()[1] for row in rows(part(best, "variants"))] == ["better", "baseline", "worse"]
    failed = await browser.get(f"{root}/variants?status=error")
    assert {row[0].split()[1] for row in rows(part(failed, "variants"))} == {"unbuilt", "broken"}
    completed = await browser.get(f"{root}/tasks?state=completed&kind=execution")
    assert {row[0].split()[0] for row in rows(part(completed, "tasks"))} == {"better", "worse", "broken"}
    ideas = await browser.get(f"{root}/ideas?state=completed")
    assert len(rows(part(ideas, "ideas"))) == 4


async def test_a_task_an_idea_and_a_variant_have_their_pages(
    foreign: Foreign, one: ExperimentDetail, ada: Worker
) -> None:
    browser, root = await olga(foreign, one), f"/e/{slug(one)}"
    (best, *_) = (await ada.store.list_variant_page(order="best")).items
    shown = await browser.get(f"{root}/variants/{best.variant_id}")
    assert "The best so far" in says(shown)
    assert "started without a repository" in says(shown)
    idea = await browser.get(f"{root}/ideas/{best.idea_id}")
    assert "integrated 0.2500" in words(part(idea, "made"))
    assert "The file cannot be read" in says(idea)  # the protocol gives it to its depositor and to admins
    (task, *_) = (await ada.store.list_task_page("execution")).items
    answer = await browser.get(f"{root}/tasks/{task.task_id}")
    assert "Submitted by Ada" in words(part(answer, "history"))


async def test_before_our_own_server_the_same_console_knows_more_and_asks_for_no_session(
    foreign: Foreign, one: ExperimentDetail, ada: Worker
) -> None:
    foreign.fence.is_ours = True
    browser, root = await olga(foreign, one, has_config=False), f"/e/{slug(one)}"
    overview = await browser.get(f"{root}/")
    assert "Best error 0.2500" in words(part(overview, "facts"))
    for path in ("ideas", "variants", "tasks", "admin/workers", "admin/groups", "admin/dispatch", "executor"):
        assert (await browser.get(f"{root}/{path}")).status_code == 200, path
    assert (await browser.get("/queue")).status_code == 404
    assert not [path for _, path, _ in foreign.fence.asked if path.startswith(("/api/exchange", "/api/sessions"))]


async def test_an_experiment_that_is_not_there_and_one_of_others_have_a_page(
    foreign: Foreign, one: ExperimentDetail
) -> None:
    browser = await olga(foreign, one)
    assert (await browser.get("/e/elsewhere/")).status_code == 404
    assert (await browser.get(f"/e/{slug(one)}/tasks/nothing")).status_code == 404


async def test_a_server_that_is_away_is_said_to_be_away(foreign: Foreign, one: ExperimentDetail) -> None:
    browser = await olga(foreign, one)
    assert (await browser.get(f"/e/{slug(one)}/")).status_code == 200
    foreign.fence.is_cut = True
    answer = await browser.get(f"/e/{slug(one)}/")
    assert answer.status_code == 503
    assert "does not answer" in says(answer)


async def test_no_request_leaves_the_protocol_and_each_is_the_operators_own(
    foreign: Foreign, one: ExperimentDetail, ada: Worker
) -> None:
    worker = await foreign.worker(one)
    held = foreign.credentials({one.experiment_id: worker})
    browser = await foreign.signed_in(await foreign.console(experiment_id=one.experiment_id, credential_file=held))
    for path in ("", "ideas", "variants", "tasks", "admin/workers", "admin/groups", "admin/dispatch", "executor"):
        assert (await browser.get(f"/e/{slug(one)}/{path}")).status_code == 200, path
    assert {principal for _, path, principal in foreign.fence.asked if "/control" not in path} == {worker.worker_id}
    assert not [path for _, path, _ in foreign.fence.asked if "/control" in path]  # one experiment needs no list
