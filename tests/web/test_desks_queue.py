"""Doing a claimed task on the queue, and handing in what its job brought back."""

from store_client import read_text
from tests.web.desk import Desk, ended, fields_of, scheduling, work_form
from tests.web.reading import page, part, says, words


async def run_on_queue(desk: Desk, path: str) -> str:
    """Press the button of a task's page; what the page then says."""
    form = part(await desk.get(path), "job").find("form")
    assert form is not None
    return says(await desk.follow(await desk.browser.post(str(form["action"]))))


async def test_a_queued_task_links_to_its_job_and_is_queued_once(desk: Desk) -> None:
    task, path = await desk.claim("evaluation")
    assert "Job 1 is in the queue" in await run_on_queue(desk, path)
    card = part(await desk.get(path), "job")
    assert "Watch its log" in words(card)
    assert card.find("form") is None
    await desk.post(f"/desk/{task.task_id}/run")
    assert (await desk.store.list_experiment_jobs()).total == 1
    assert "on the queue" in words(part(await desk.get("/evaluator"), "mine"))


async def test_the_metrics_of_an_ended_job_are_filled_in_and_submitted_by_hand(desk: Desk) -> None:
    task, path = await desk.claim("evaluation")
    with scheduling(desk.world):
        await run_on_queue(desk, path)
        await ended(desk, task.task_id)
    shown = await desk.get(path)
    assert "The job has measured the variant" in says(shown)
    assert fields_of(work_form(shown))["metric.error"] == "1.0"
    assert (await desk.send(shown)).status_code == 303
    assert (await desk.submitted(task.task_id))["evaluation"] == {"error": 1.0}


async def test_the_commit_of_an_ended_job_is_filled_in_and_submitted_by_hand(desk_with_git: Desk) -> None:
    desk = desk_with_git
    task, path = await desk.claim_execution(content="1.41")
    with scheduling(desk.world):
        await run_on_queue(desk, path)
        job = await ended(desk, task.task_id)
    shown = await desk.get(path)
    assert "The job has made a commit" in says(shown)
    entered = fields_of(work_form(shown))
    assert (entered["commit"], entered["description"]) == (job.published_commit, "try 1.41")
    assert (await desk.send(shown, "submit", description="The job and I")).status_code == 303
    submitted = await desk.submitted(task.task_id)
    assert submitted["commit_sha"] == job.published_commit
    assert job.publish == (await desk.store.read_variant(submitted["variant_id"])).branch


async def test_a_job_that_made_nothing_says_why_and_fills_in_the_reason(desk_with_git: Desk) -> None:
    desk = desk_with_git
    task, path = await desk.claim_execution(content="1.0")
    with scheduling(desk.world):
        await run_on_queue(desk, path)
        await ended(desk, task.task_id)
    shown = await desk.get(path)
    assert "The job has made nothing to submit: guess.txt already says 1.0" in says(shown)
    assert (await desk.send(shown, "error")).status_code == 303
    assert (await desk.submitted(task.task_id))["status"] == "error"


async def test_the_ideas_of_an_ended_job_are_filled_in_and_submitted_by_hand(desk: Desk) -> None:
    task, path = await desk.claim("ideation")
    with scheduling(desk.world):
        await run_on_queue(desk, path)
        await ended(desk, task.task_id)
    shown = await desk.get(path)
    assert "The job has proposed 2 ideas" in says(shown)
    entered = fields_of(work_form(shown))
    assert (await desk.send(shown, "submit", **{"content-1": "1.4142"})).status_code == 303
    ideas = {idea.slug: idea for idea in await desk.store.list_ideas()}
    assert set(ideas) == {entered["name-1"], entered["name-2"]}
    assert await read_text(desk.store, ideas[entered["name-1"]].artifacts_uri) == "1.4142\n"


async def test_a_task_of_somebody_else_is_not_queued(desk: Desk) -> None:
    task = await desk.ada.claim("ideation")
    shown = await desk.follow(await desk.post(f"/desk/{task.task_id}/run"))
    assert "Nothing was queued. Ada works on this." in says(shown)
    assert (await desk.store.list_experiment_jobs()).total == 0
    assert page(shown).select('[data-live="job"]') == []
