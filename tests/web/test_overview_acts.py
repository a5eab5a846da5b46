"""What one may do on the overview, by status and by role, and what it says it did."""

import httpx
import pytest

from store_client import ExperimentDetail, ExperimentSummary
from tests.web.reading import page, part, says, words
from tests.web.work import worked
from tests.web.world import World


@pytest.mark.parametrize(
    ("status", "offered"),
    [
        ("running", {"ideator", "pause", "end"}),
        ("paused", {"resume", "end"}),
        ("draft", {"resume"}),
        ("completed", set()),
    ],
)
async def test_the_acts_are_those_that_the_status_allows(
    world: World, browser_of_admin: httpx.AsyncClient, status: str, offered: set[str]
) -> None:
    one = await world.experiment(is_draft=status == "draft")
    store = world.store(one.experiment_id)
    if status == "paused":
        await store.pause_experiment()
    if status == "completed":
        await store.end_experiment(reason="enough was learned")
    answer = await browser_of_admin.get("/e/hello/")
    head = part(answer, "head")
    found = {str(form["action"]) for form in head.select("form")} | {str(a["href"]) for a in head.select("a")}
    assert {address.rsplit("/", 1)[-1] for address in found} == offered
    assert len(head.select(".is-primary")) <= 1
    assert words(head.select_one("h1")) == f"Hello {status}"
    sentences = {
        "paused": "Paused: what is claimed may finish",
        "draft": "A draft: nothing happens until it is started.",
        "completed": "Completed: enough was learned.",
        "running": "All its work is done by hand.",
    }
    assert sentences[status] in says(answer)


async def test_acts_happen_and_say_what_they_did(world: World, browser_of_admin: httpx.AsyncClient) -> None:
    one = await world.experiment(is_draft=True)

    async def act(name: str, **data: str) -> tuple[str, ExperimentSummary]:
        answer = await browser_of_admin.post(f"/e/hello/{name}", data=data)
        assert answer.headers["location"] == "/e/hello/"
        told = words(page(await browser_of_admin.get("/e/hello/")).select_one(".messages"))
        assert not page(await browser_of_admin.get("/e/hello/")).select(".messages")  # a message is shown once
        return told, await world.store(one.experiment_id).read_experiment_detail()

    told, after = await act("resume")
    assert (told, after.status) == ("Hello runs.", "running")
    told, after = await act("pause")
    assert after.status == "paused"
    assert told.startswith("Hello is paused.")
    await act("resume")
    told, after = await act("automation", role="executor", mode="automatic")
    assert (told, after.automation.executor) == ("The executor's work is now done by automatic workers.", "automatic")
    told, after = await act("automation", role="integrator", mode="automatic")
    assert told.startswith("Say which role")
    told, after = await act("end")
    assert after.status == "completed"
    assert "stay readable" in told
    answer = await browser_of_admin.get("/e/hello/")
    assert "Completed: ended by Administrator." in says(answer)


async def test_a_role_without_a_command_cannot_be_made_automatic_and_the_page_says_why(
    world: World, two_metrics: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    stages = part(await browser_of_admin.get("/e/two-metrics/"), "stages")
    execute, evaluate = stages.select("li")[1:3]
    assert "has no command, so people do it" in words(execute)
    assert execute.select_one("form") is None
    assert evaluate.select_one("form") is not None
    await browser_of_admin.post("/e/two-metrics/automation", data={"role": "executor", "mode": "automatic"})
    assert "Nothing was changed:" in says(await browser_of_admin.get("/e/two-metrics/"))


async def test_others_than_administrators_see_everything_and_are_offered_what_they_may_do(
    world: World, hello: ExperimentDetail
) -> None:
    bo = await world.person("Bo")
    answer = await bo.get("/e/hello/")
    assert not part(answer, "head").select("form")
    assert part(answer, "head").select_one("a[href='/e/hello/ideator']") is not None
    assert not part(answer, "stages").select("form")
    for act in ("pause", "resume", "end"):
        assert (await bo.post(f"/e/hello/{act}")).status_code == 403
    answer = await bo.post("/e/hello/automation", data={"role": "executor", "mode": "automatic"})
    assert answer.status_code == 403
    again = await world.store(hello.experiment_id).read_experiment_detail()
    assert (again.status, again.automation) == (hello.status, hello.automation)


async def test_after_the_end_nothing_waits_and_nothing_is_hot(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    await worked(world, hello)
    await world.store(hello.experiment_id).end_experiment("failed", "the machine was sold")
    answer = await browser_of_admin.get("/e/hello/")
    assert "Failed: the machine was sold." in says(answer)
    assert words(part(answer, "facts").select(".fact")[2]) == "In flight 0 0 in work · 0 waiting"
    assert not part(answer, "stages").select("form")
    assert not part(answer, "tabs").select(".is-hot")
    assert "Best: better 0.2500" in words(part(answer, "progress"))
