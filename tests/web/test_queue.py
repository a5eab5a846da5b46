"""The queue and its jobs: what runs and waits and why, the log as it grows, and the acts on a job."""

from typing import Any

import httpx
import pytest

from store_client import ExperimentDetail, JobDetail, SubmitJob
from tests.web.desk import Desk, reached, scheduling
from tests.web.reading import page, part, rows, says, words
from tests.web.world import World


async def queued(world: World, experiment: ExperimentDetail, name: str = "train", **spec: Any) -> JobDetail:
    """A job of an experiment."""
    body = {"name": name, "command": ("/bin/sh", "-c", "echo hello"), **spec}
    return await world.store(experiment.experiment_id).submit_job(SubmitJob.model_validate(body))


async def ended(world: World, experiment: ExperimentDetail, job: JobDetail) -> JobDetail:
    return await reached(world.store(experiment.experiment_id), job.job_id, lambda one: one.state.is_final)


NO_GPU = "needs 2 GPUs at once with 20 GB each and 4 CPU slots; no machine here has a GPU that would do"


async def test_waiting_jobs_stand_in_the_order_of_placement_with_their_needs(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    other = await world.experiment("Other")
    await queued(world, hello, "later")
    await queued(
        world, other, "sooner", priority=9, resources={"gpus": 2, "gpu_memory_bytes": 20_000_000_000, "cpus": 4}
    )
    shown = await browser_of_admin.get("/queue")
    assert "2 jobs wait, 0 run." in says(shown)
    assert [row[:4] for row in rows(part(shown, "waiting"))] == [
        [
            "2 sooner Other · job", "2 GPUs with 20 GB · 4 CPUs", "9",
            f"waiting · 1st {NO_GPU}",
        ],
        [
            "1 later Hello · job", "1 CPU", "5",
            "waiting · 2nd nothing is in its way: it starts when the scheduler looks next",
        ],
    ]  # fmt: skip
    assert "When they start is not known: fewer than 5 attempts have ended" in says(shown)


async def test_one_experiments_jobs_can_be_looked_at_alone(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    other = await world.experiment("Other")
    await queued(world, hello, "mine")
    await queued(world, other, "theirs")
    for path in ("/queue?experiment=hello", "/e/hello/jobs"):
        shown = await browser_of_admin.get(path)
        assert "mine" in words(part(shown, "waiting"))
        assert "theirs" not in words(part(shown, "waiting"))


async def test_what_ended_last_comes_first_whenever_it_was_submitted(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    older, newer = [await queued(world, hello, name) for name in ("older", "newer")]
    for job in (newer, older):
        await world.store(hello.experiment_id).cancel_experiment_job(job.job_id)
    for path in ("/queue", "/e/hello/jobs"):
        shown = rows(part(await browser_of_admin.get(path), "ended"))
        assert [row[0].split()[:2] for row in shown] == [["1", "older"], ["2", "newer"]]
    assert "older Hello" in words(part(await browser_of_admin.get("/queue"), "ended"))
    whole = rows(part(await browser_of_admin.get("/queue?state=ended"), "chosen"))
    assert [row[0].split()[:2] for row in whole] == [["1", "older"], ["2", "newer"]]


async def test_the_list_costs_the_same_few_calls_however_many_jobs_wait(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    async def calls() -> int:
        world.line.calls.clear()
        await browser_of_admin.get("/queue")
        beside = ("/events", "/summaries")  # what listens beside the page, and the switcher, which is read now and then
        return sum(not call.endswith(beside) for call in world.line.calls)

    await calls()  # the first visit also asks who the visitor is
    before = await calls()
    for _ in range(12):
        await queued(world, hello)
    assert await calls() == before


async def test_jobs_that_wait_for_others_are_counted_apart_and_can_be_listed(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    first = await queued(world, hello, "first")
    await queued(world, hello, "second", depends_on=[{"job_id": first.job_id}])
    shown = await browser_of_admin.get("/queue")
    assert "second" not in words(part(shown, "waiting"))
    assert "1 more job waits for other jobs" in says(shown)
    listed = await browser_of_admin.get("/queue?state=queued")
    assert {"first", "second"} <= set(words(part(listed, "chosen")).split())


async def test_jobs_are_found_by_state_name_and_tag(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    await queued(world, hello, "train-a", tags=["sweep"])
    await queued(world, hello, "score-b")
    for query in ("name=train", "tag=sweep", "name=tag:sweep state:queued train"):
        wanted, not_wanted = "train-a", "score-b"
        found = words(part(await browser_of_admin.get(f"/queue?{query}"), "chosen"))
        assert wanted in found
        assert not_wanted not in found
    assert "No job is like that" in says(await browser_of_admin.get("/queue?state=failed"))
    written = page(await browser_of_admin.get("/queue?name=state:failed tag:night near x:y"))
    assert "No job is like that" in words(written.select_one("main"))
    fields = [str(one.get("value", "")) for one in written.select("#filter-name, #filter-tag, option[selected]")]
    assert sorted(fields) == ["failed", "near x:y", "night"]
    assert (await browser_of_admin.get("/queue?state=odd&name=" + "x" * 500)).status_code == 200


async def test_a_job_says_why_it_waits_and_offers_the_change_that_would_help(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    ahead = await queued(world, hello, "ahead", priority=6, resources={"cpus": world.parts.settings.cpu_slots})
    job = await queued(world, hello, "behind")
    shown = await browser_of_admin.get(f"/queue/{job.number}")
    assert f"job {ahead.number} holds what is missing" in words(part(shown, "why"))
    assert "Raise its priority to 7; it would start now." in words(part(shown, "why"))
    form = part(shown, "why").find("form")
    assert form is not None
    await browser_of_admin.post(str(form["action"]), data={"priority": "7"})
    assert "has priority 7 now" in says(await browser_of_admin.get(f"/queue/{job.number}"))
    assert (await world.deployment.read_queue()).items[0].job.job_id == job.job_id


async def test_a_waiting_job_is_moved_from_the_list_and_leads_back_there(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    first, second = await queued(world, hello, "first"), await queued(world, hello, "second")
    answer = await browser_of_admin.post(f"/queue/{second.job_id}/move?back=/queue", data={"to": "front"})
    assert answer.headers["location"] == "/queue"
    shown = await browser_of_admin.get("/queue")
    assert [row[0].split()[0] for row in rows(part(shown, "waiting"))] == [str(second.number), str(first.number)]
    odd = await browser_of_admin.post(f"/queue/{second.job_id}/move", data={"to": "somewhere"})
    assert "to the front or to the back" in says(await browser_of_admin.get(odd.headers["location"]))


async def test_a_job_that_must_wait_says_what_for(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    job = await queued(world, hello, resources={"cpus": 99})
    store = world.store(hello.experiment_id)
    with scheduling(world):
        await reached(store, job.job_id, lambda one: one.waiting_for is not None)
    shown = await browser_of_admin.get("/queue")
    assert "99 CPU slots" in words(part(shown, "waiting"))
    assert "Needs 99 CPU slots at once" in says(await browser_of_admin.get(f"/queue/{job.job_id}"))


async def test_an_ended_job_shows_its_log_its_attempts_and_how_it_ended(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    job = await queued(world, hello, command=("/bin/sh", "-c", "echo '<b>before</b>'; exit 3"))
    with scheduling(world):
        await ended(world, hello, job)
    shown = await browser_of_admin.get(f"/queue/{job.number}")
    assert "its command ended with exit code 3" in says(shown)
    log = page(shown).select_one("pre.log")
    assert log is not None
    assert log.get_text() == "<b>before</b>\n"
    assert not log.has_attr("data-log-live")
    assert rows(part(shown, "attempts"))[0][:3] == ["1st", "failed", "CPU 0"]
    assert "its command ended with exit code 3" in words(part(await browser_of_admin.get("/queue"), "ended"))


async def test_the_log_goes_on_from_any_offset_and_says_when_no_more_will_come(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    job = await queued(world, hello, command=("/bin/sh", "-c", "echo größer; echo second"))
    with scheduling(world):
        await ended(world, hello, job)
    whole = await browser_of_admin.get(f"/queue/{job.job_id}/log")
    assert whole.headers["content-type"].startswith("text/plain")
    assert whole.text == "größer\nsecond\n"
    assert (whole.headers["x-log-offset"], whole.headers["x-log-ended"]) == (str(len(whole.content)), "true")
    rest = await browser_of_admin.get(f"/queue/{job.job_id}/log?offset=9&attempt=1")
    assert rest.text == "second\n"
    file = await browser_of_admin.get(f"/queue/{job.job_id}/log?download=1")
    assert file.headers["content-disposition"] == f'attachment; filename="job-{job.number}-attempt-1.log"'
    assert file.text == whole.text
    for odd in ("offset=-1", "offset=abc", f"offset={'9' * 30}", "attempt=x"):
        assert (await browser_of_admin.get(f"/queue/{job.job_id}/log?{odd}")).status_code == 200


async def test_a_waiting_job_has_no_log_yet_and_can_be_moved_and_cancelled(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    job = await queued(world, hello)
    path = f"/queue/{job.job_id}"
    assert "No log yet" in says(await browser_of_admin.get(path))
    moved = await browser_of_admin.post(f"{path}/priority", data={"priority": "9"})
    assert moved.headers["location"] == path
    assert "has priority 9 now" in says(await browser_of_admin.get(path))
    for odd in ("11", "-1", "high", ""):
        await browser_of_admin.post(f"{path}/priority", data={"priority": odd})
        assert "A priority is a whole number from 0 to 10" in says(await browser_of_admin.get(path))
    await browser_of_admin.post(f"{path}/cancel")
    shown = await browser_of_admin.get(path)
    assert "is cancelled" in says(shown)
    assert page(shown).select(f'form[action="{path}/cancel"]') == []


async def test_an_ended_job_can_be_run_again(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    job = await queued(world, hello)
    path = f"/queue/{job.job_id}"
    await browser_of_admin.post(f"{path}/cancel")
    await browser_of_admin.post(f"{path}/retry")
    assert "is queued again" in says(await browser_of_admin.get(path))
    again = await browser_of_admin.post(f"{path}/retry")
    assert again.status_code == 409
    assert "That cannot be done now" in says(again)


async def test_an_operator_cancels_only_jobs_of_their_own(world: World, hello: ExperimentDetail, desk: Desk) -> None:
    job = await queued(world, hello)
    bob = await world.person("Bob")
    refused = await bob.post(f"/queue/{job.job_id}/cancel")
    assert refused.status_code == 403
    theirs = await Desk.of(world, hello, bob)
    task, path = await theirs.claim("ideation")
    await theirs.post(f"/desk/{task.task_id}/run")
    link = part(await theirs.get(path), "job").find("a")
    assert link is not None
    assert page(await bob.get(str(link["href"]))).select('form[action$="/cancel"]')
    await bob.post(f"{link['href']}/cancel")
    assert "is cancelled" in says(await bob.get(str(link["href"])))
    assert page(await bob.get(str(link["href"]))).select('form[action$="/retry"]') == []


@pytest.mark.parametrize("path", ["/queue/job_nobody", "/queue/99999", "/queue/job_nobody/log", "/queue/%00"])
async def test_a_job_that_is_not_here_gets_a_clear_page(
    browser_of_admin: httpx.AsyncClient, hello: ExperimentDetail, path: str
) -> None:
    answer = await browser_of_admin.get(path)
    assert answer.status_code in {400, 404, 409}
    assert "failed" not in words(page(answer).find("h1"))


async def test_the_machines_slots_say_who_holds_them(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    assert "all free" in words(part(await browser_of_admin.get("/queue"), "slots"))
    job = await queued(world, hello, command=("/bin/sh", "-c", "sleep 60"))
    store = world.store(hello.experiment_id)
    with scheduling(world):
        await reached(store, job.job_id, lambda one: one.state == "running")
        shown = await browser_of_admin.get("/queue")
        assert f"held by job {job.number}" in words(part(shown, "slots"))
        assert "No job waits, 1 runs." in says(shown)
        log = page(await browser_of_admin.get(f"/queue/{job.job_id}")).select_one("pre.log[data-log-live]")
        assert log is not None
        assert log["data-log-url"] == f"/queue/{job.job_id}/log?attempt=1"


async def test_a_tag_that_says_what_the_row_says_already_is_left_out(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    await queued(world, hello, "train-a", tags=["job", "sweep"])
    shown = words(part(await browser_of_admin.get("/queue"), "waiting"))
    assert "· job · sweep" in shown
    assert "job · job" not in shown
