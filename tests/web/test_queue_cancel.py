"""Cancelling every job that a filter chooses: counted, shown job by job, and taken back."""

import httpx

from store_client import ExperimentDetail
from tests.web.reading import page, part, rows, says
from tests.web.test_queue import queued
from tests.web.world import World


async def test_several_jobs_are_cancelled_after_they_were_counted(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    for number in range(3):
        await queued(world, hello, f"sweep-{number}")
    kept = await queued(world, hello, "keep")
    preview = await browser_of_admin.get("/queue/cancel-several?name=sweep")
    assert "Cancel 3 jobs" in says(preview)
    form = page(preview).select_one('form[action^="/queue/cancel-several"]')
    assert form is not None
    fields = {str(one["name"]): str(one["value"]) for one in form.select("input")}
    assert fields["count"] == "3"
    refused = await browser_of_admin.post(str(form["action"]), data={**fields, "count": "2"})
    assert "Nothing was cancelled" in says(await browser_of_admin.get(refused.headers["location"]))
    done = await browser_of_admin.post(str(form["action"]), data=fields)
    result = await browser_of_admin.get(done.headers["location"])
    assert "3 jobs are cancelled." in says(result)
    assert "Filter: cancelled together" in says(result)
    assert "whose name begins with “sweep”" in says(preview)
    assert [row[0].split()[1] for row in rows(part(result, "chosen"))] == ["sweep-2", "sweep-1", "sweep-0"]
    assert {row[3] for row in rows(part(result, "chosen"))} == {"cancelled"}, "one word says it"
    assert (await world.deployment.read_job(kept.job_id)).state == "queued"


async def test_what_became_of_each_is_shown_and_taken_back_where_that_can_be(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    first, second, third = [await queued(world, hello, f"sweep-{number}") for number in range(3)]
    body = {"count": "3", "up_to": "3"}
    done = await browser_of_admin.post("/queue/cancel-several?name=sweep", data=body)
    where = done.headers["location"]
    await world.deployment.retry_job(third.job_id)
    await world.deployment.cancel_job(third.job_id)
    undo = page(await browser_of_admin.get(where)).select_one('form[action^="/queue/cancel-several/undo"]')
    assert undo is not None
    operator = await world.person("Bo", "operator")
    assert "Queue them again" not in (await operator.get(where)).text
    assert (await operator.post(str(undo["action"]))).status_code == 403
    told = says(await browser_of_admin.get((await browser_of_admin.post(str(undo["action"]))).headers["location"]))
    assert "2 jobs wait again." in told
    states = [(await world.deployment.read_job(job.job_id)).state for job in (first, second, third)]
    assert states == ["queued", "queued", "cancelled"], "what was cancelled alone later is no part of it any more"
    again = await browser_of_admin.post(str(undo["action"]))
    assert "none of these is cancelled now" in says(await browser_of_admin.get(again.headers["location"]))
    nowhere = await browser_of_admin.post("/queue/cancel-several/undo?act=<b>")
    assert nowhere.headers["location"] == "/queue"
    assert "Undo…" not in says(await browser_of_admin.get(where))


async def test_arrays_that_were_cut_short_make_the_rest_of_their_jobs_when_that_is_taken_back(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    sweep = await queued(world, hello, "sweep", array=5)
    done = await browser_of_admin.post("/queue/cancel-several?name=sweep", data={"count": "1", "up_to": "1"})
    where = done.headers["location"]
    shown = await browser_of_admin.get(f"/queue?array={sweep.array_id}")
    assert "it was cancelled with others, and 4 are not made unless that is taken back" in says(shown)
    assert page(shown).select_one(f'a[href="{where}"]') is not None
    await world.deployment.retry_job(sweep.job_id)
    undo = page(await browser_of_admin.get(where)).select_one('form[action^="/queue/cancel-several/undo"]')
    assert undo is not None, "its jobs wait again, but it makes no more"
    told = says(await browser_of_admin.get((await browser_of_admin.post(str(undo["action"]))).headers["location"]))
    assert "1 array goes on: 4 jobs are yet to be made." in told
    assert "Undo…" not in told
    array = await world.deployment.read_array(str(sweep.array_id))
    assert (array.is_cancelled, array.acts) == (False, ())
    await browser_of_admin.post("/queue/cancel-several?name=sweep", data={"count": "1", "up_to": "1"})
    (act,) = (await world.deployment.read_array(str(sweep.array_id))).acts
    await world.store(hello.experiment_id).end_experiment("completed")
    ended = await browser_of_admin.post(f"/queue/cancel-several/undo?act={act}")
    told = says(await browser_of_admin.get(ended.headers["location"]))
    assert "Nothing was changed. 1 job could not: job 1: the experiment has ended" in told
    assert "1 array could not: the array of job 1: the experiment has ended" in told


async def test_all_jobs_there_are_cannot_be_cancelled_at_once(browser_of_admin: httpx.AsyncClient) -> None:
    asked = await browser_of_admin.get("/queue/cancel-several")
    assert "Choose which jobs first" in says(await browser_of_admin.get(asked.headers["location"]))
    made_up = {"count": "1", "up_to": "9"}
    sent = await browser_of_admin.post("/queue/cancel-several?state=ended", data=made_up)
    assert "Choose which jobs first" in says(await browser_of_admin.get(sent.headers["location"]))
