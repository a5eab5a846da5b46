"""The board of the queue: who has what, moving and re-prioritising, arrays, and what is offered to whom."""

from functools import partial

import httpx
import pytest

from control_plane.scheduler.operations import arrays, attempts
from control_plane.scheduler.rules.board import Placement
from store_client import ExperimentDetail, JobFilter
from tests.web.reading import page, part, rows, says, words
from tests.web.test_queue import queued
from tests.web.world import World


async def order(browser: httpx.AsyncClient, path: str = "/queue") -> list[str]:
    """The numbers of the waiting jobs, the next one first."""
    return [row[0].split()[0] for row in rows(part(await browser.get(path), "waiting"))]


def acts(shown: httpx.Response) -> list[str]:
    """Where the forms of a page's main part post to, but for that which keeps a view for whoever looks."""
    forms = page(shown).select('main form[method="post"]')
    return [str(form["action"]) for form in forms if form["action"] != "/queue/views/save"]


async def test_no_page_of_the_queue_reads_every_experiment(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    job = await queued(world, hello)
    for path in ("/queue", "/queue?name=train", f"/queue/{job.number}", "/gpus", "/queue/cancel-several?name=train"):
        world.line.calls.clear()
        assert (await browser_of_admin.get(path)).status_code == 200, path
        assert "GET /api/experiments" not in world.line.calls


async def test_running_jobs_stand_by_their_slots_and_experiments_show_what_they_have(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    other = await world.experiment("Other")
    first, second = await queued(world, hello, "first"), await queued(world, other, "second")
    await queued(world, other, "third")
    for job, slot in ((first, "cpu:1"), (second, "cpu:0")):
        placement = Placement.on(job.job_id, slot)
        await world.parts.house.write(partial(attempts.place, placement=placement))
    shown = await browser_of_admin.get("/queue")
    assert [row[:2] for row in rows(part(shown, "running"))] == [
        ["CPU 0", "2 second Other · job"],
        ["CPU 1", "1 first Hello · job"],
    ]
    shares = words(part(shown, "shares"))
    assert "Hello 1 CPU 1 runs" in shares
    assert "Other 1 CPU 1 runs · 1 waits" in shares


async def test_a_job_changes_places_by_the_buttons_of_its_row_and_the_filters_stay(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    for name in ("a", "b", "c"):
        await queued(world, hello, name)
    shown = await browser_of_admin.get("/queue?experiment=hello")
    up = part(shown, "waiting").select('button[data-act="up"]')
    assert [button["value"] for button in up] == ["1", "2"]
    form = up[1].find_parent("form")
    assert form is not None
    moved = await browser_of_admin.post(str(form["action"]), data={"before": "2"})
    assert moved.headers["location"] == "/queue?experiment=hello"
    assert "Job 3 stands before job 2 at priority 5 now." in says(await browser_of_admin.get("/queue?experiment=hello"))
    assert await order(browser_of_admin) == ["1", "3", "2"]


async def test_a_job_that_is_put_beside_one_of_another_priority_takes_that(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    await queued(world, hello, "high", priority=8)
    low = await queued(world, hello, "low")
    await browser_of_admin.post("/queue/2/move?back=/queue", data={"before": "1"})
    assert await order(browser_of_admin) == ["2", "1"]
    assert (await world.deployment.read_job(low.job_id)).priority == 8
    gone = await browser_of_admin.post("/queue/2/move?back=/queue", data={"after": "99"})
    assert "It was not moved" in says(await browser_of_admin.get(gone.headers["location"]))


@pytest.mark.parametrize(
    "back", ["//evil.example/queue", "https://evil.example", "/e/hello/admin/workers", "/queue\r\nX: y"]
)
async def test_an_act_leads_back_to_a_list_of_jobs_alone(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient, back: str
) -> None:
    job = await queued(world, hello)
    answer = await browser_of_admin.post(f"/queue/{job.job_id}/priority", params={"back": back}, data={"priority": "6"})
    assert answer.headers["location"] == f"/queue/{job.job_id}"


async def test_an_experiment_that_is_not_there_narrows_to_nothing_and_not_to_everything(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    job = await queued(world, hello)
    for path in ("/queue", "/queue/cancel-several"):
        assert (await browser_of_admin.get(f"{path}?experiment=gone&name=train")).status_code == 404
    body = {"count": "1", "up_to": "1"}
    sent = await browser_of_admin.post("/queue/cancel-several?experiment=gone&name=train", data=body)
    assert sent.status_code == 404
    assert (await world.deployment.read_job(job.job_id)).state == "queued"


async def test_cancelling_what_is_shown_is_offered_only_where_there_is_something_to_cancel(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    path = "/queue?experiment=hello"
    assert "Cancel these" not in says(await browser_of_admin.get(path))
    job = await queued(world, hello)
    assert "Cancel these" in says(await browser_of_admin.get(path))
    assert "Cancel these" not in says(await browser_of_admin.get("/queue?experiment=hello&cause=timeout"))
    await browser_of_admin.post(f"/queue/{job.job_id}/cancel")
    assert "Cancel these" not in says(await browser_of_admin.get(path))
    assert "Cancel these" not in says(await browser_of_admin.get("/queue?name=train"))


async def test_jobs_of_an_array_are_one_row_which_opens_into_all_of_them(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    job = await queued(world, hello, "sweep", array=5)
    await world.parts.house.write(arrays.unfold)
    (row,) = rows(part(await browser_of_admin.get("/queue"), "waiting"))
    assert "1 sweep [0] Hello · job and 4 more of its array" in row[0]
    opened = await browser_of_admin.get(f"/queue?array={job.array_id}")
    assert len(rows(part(opened, "chosen"))) == 5
    assert "0 of 5 jobs ended" in words(part(opened, "array"))
    done = await browser_of_admin.post(f"/queue/arrays/{job.array_id}/cancel")
    shown = await browser_of_admin.get(done.headers["location"])
    assert "The array of job 1 is cancelled" in says(shown)
    assert "5 of 5 jobs ended" in words(part(shown, "array"))
    assert f"/queue/arrays/{job.array_id}/cancel" not in acts(shown)


async def test_the_row_of_an_array_moves_and_rises_with_all_of_it(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    sweep = await queued(world, hello, "sweep", array=3)
    await queued(world, hello, "single")
    await world.parts.house.write(arrays.unfold)
    await press(browser_of_admin, "down")
    rows_now = rows(part(await browser_of_admin.get("/queue"), "waiting"))
    assert [row[0].split()[0] for row in rows_now] == ["2", "1"]
    assert "and 2 more of its array" in rows_now[1][0]
    await press(browser_of_admin, "down")
    assert await order(browser_of_admin) == ["1", "2"], "the single job goes behind all of the array"
    told = await press(browser_of_admin, "raise")
    assert "The array of job 1 has priority 6 now." in says(told)
    of_array = JobFilter(array_id=sweep.array_id)
    assert {job.priority for job in (await world.deployment.list_jobs(wanted=of_array)).items} == {6}


async def press(browser: httpx.AsyncClient, act: str) -> httpx.Response:
    """Press a button of the first row that waits, and see where that leads."""
    button = part(await browser.get("/queue"), "waiting").select(f'button[data-act="{act}"]')[0]
    form = button.find_parent("form")
    assert form is not None
    fields = {str(field["name"]): str(field["value"]) for field in form.select("input")}
    answer = await browser.post(str(form["action"]), data={**fields, str(button["name"]): str(button["value"])})
    return await browser.get(answer.headers["location"])


async def test_whoever_may_not_change_a_job_is_offered_no_act_on_it(world: World, hello: ExperimentDetail) -> None:
    job = await queued(world, hello)
    for role in ("viewer", "operator"):
        browser = await world.person(role, "viewer" if role == "viewer" else "operator")
        for path in ("/queue", "/queue?experiment=hello", "/e/hello/jobs", "/queue?name=train", f"/queue/{job.number}"):
            shown = await browser.get(path)
            assert acts(shown) == [], (role, path)
            assert "Cancel these" not in says(shown)
            assert page(shown).select("[data-board]") == []
