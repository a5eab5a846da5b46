"""The search of the console: a box on every page, an id that leads to its page, and only what one may see."""

import httpx

from store_client import ExperimentDetail, SubmitJob
from tests.web.desk import Desk
from tests.web.reading import page, rows, says, words
from tests.web.world import World


def index(world: World) -> None:
    """Let everything be found that there is by now."""
    assert world.parts.indexer is not None
    while world.parts.indexer.round():
        pass


async def draft(desk: Desk, slug: str) -> str:
    """An idea of Ada's."""
    base = desk.experiment.base_commit_sha
    assert base is not None
    return await desk.ada.draft(slug, (base,), "Anneal the temperature slowly.")


async def test_the_box_finds_and_an_id_leads_to_its_page(desk: Desk) -> None:
    idea = await draft(desk, "warmer-start")
    index(desk.world)
    home = page(await desk.get("/"))
    box = home.select_one("form.find")
    assert box is not None
    assert box["action"] == "/search"
    assert [(one["name"], one.get("value")) for one in box.select("input")] == [("in", "hello"), ("q", None)]
    found = await desk.browser.get("/search", params={"q": "warmer", "in": "hello"})
    assert found.status_code == 200
    link = page(found).select_one("a[data-found=idea]")
    assert link is not None
    assert (words(link), link["href"]) == ("warmer-start", f"{desk.root}/ideas/{idea}")
    gone = await desk.browser.get("/search", params={"q": f" {idea} "})
    assert (gone.status_code, gone.headers["location"]) == (303, f"{desk.root}/ideas/{idea}")
    stayed = await desk.browser.get("/search", params={"q": idea, "stay": "1"})
    assert "With just this id" in says(stayed)


async def test_a_task_is_found_by_its_id_and_an_experiment_by_its_name(desk: Desk) -> None:
    await desk.world.decide()
    task = await desk.ada.pending("ideation")
    index(desk.world)
    answer = await desk.browser.get("/search", params={"q": task.task_id})
    assert answer.headers["location"] == f"{desk.root}/tasks/{task.task_id}"
    found = await desk.browser.get("/search", params={"q": "hello", "kind": "experiment"})
    links = [str(link["href"]) for link in page(found).select("a[data-found]")]
    assert links == [f"{desk.root}/"]
    people = page(await desk.browser.get("/search", params={"q": "ada", "kind": "worker"}))
    assert [str(link["href"]) for link in people.select("a[data-found]")] == [
        f"{desk.root}/admin/workers/{desk.ada.worker_id}"
    ]


async def test_a_page_follows_a_page_and_odd_questions_are_pages_too(desk: Desk) -> None:
    for number in range(51):
        await draft(desk, f"again-{number}")
    index(desk.world)
    first = page(await desk.browser.get("/search", params={"q": "again"}))
    assert len(rows(first)) == 50
    following = first.select_one("a[rel=next]")
    assert following is not None
    second = page(await desk.browser.get(str(following["href"])))
    assert len(rows(second)) == 1
    for odd in ("", " ", '"', "<b>", "a\x00b", "%", "x" * 900):
        answer = await desk.browser.get("/search", params={"q": odd})
        assert answer.status_code == 200, odd
        assert page(answer).select_one("main b") is None


async def test_a_member_is_led_to_no_page_that_is_not_theirs(world: World, hello: ExperimentDetail) -> None:
    spec = SubmitJob(name="train", command=("true",), commit_sha=str(hello.base_commit_sha))
    job = await world.store(hello.experiment_id).submit_job(spec)
    index(world)
    member = await world.person("Mia", "member")
    (person,) = [one for one in await world.deployment.list_operators() if one.name == "Mia"]
    await world.deployment.grant_role(person.operator_id, hello.experiment_id, "viewer")
    assert "Hello" in says(await member.get("/search", params={"q": "hello"}))
    for q in ("train", job.job_id):
        found = await member.get("/search", params={"q": q})
        assert found.status_code == 200
        assert page(found).select("a[data-found]") == []
    assert "Jobs" not in says(await member.get("/search", params={"q": "train"}))
    assert page(await (await world.signed_in()).get("/search", params={"q": "train"})).select("a[data-found=job]")


async def test_a_viewer_searches_and_a_stranger_does_not(world: World, hello: ExperimentDetail) -> None:
    index(world)
    viewer = await world.person("Vera", "viewer")
    assert "Hello" in says(await viewer.get("/search", params={"q": "hello"}))
    stranger: httpx.AsyncClient = await world.stack.enter_async_context(world.browser())
    assert (await stranger.get("/search", params={"q": "hello"})).status_code in {302, 303, 401}
    assert hello.slug == "hello"
