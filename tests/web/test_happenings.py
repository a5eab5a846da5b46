"""The activity feed: what happened, in sentences, newest first."""

import httpx

from store_client import ExperimentDetail
from tests.web.reading import part, words
from tests.web.work import Worker, worked
from tests.web.world import World


def told(answer: httpx.Response) -> list[str]:
    """The sentences of the feed."""
    return [words(line.select_one(".feed-what")) for line in part(answer, "activity").select("li")]


async def test_the_feed_tells_in_sentences_what_happened(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    await worked(world, hello)
    await browser_of_admin.post("/e/hello/pause")
    await browser_of_admin.post("/e/hello/resume")
    await browser_of_admin.post("/e/hello/automation", data={"role": "executor", "mode": "automatic"})
    answer = await browser_of_admin.get("/e/hello/")
    assert told(answer) == [
        "Administrator changed who does the work",
        "Administrator resumed the experiment",
        "Administrator paused the experiment",
        "broken failed",
        "Ada proposed broken",
        "unbuilt failed",
        "Ada proposed unbuilt",
        "worse joined the lineage",
        "worse scored 1.5000",
        "Ada proposed worse",
        "better joined the lineage",
        "better scored 0.2500, the best so far",
        "Ada proposed better",
        "baseline scored 1.0000",
    ]
    assert len({str(line["data-key"]) for line in part(answer, "activity").select("li")}) == 14


async def test_failed_jobs_policies_pushes_and_lost_claims_are_told_too(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    ada = await Worker.of(world, hello)
    await world.decide()
    task = await ada.claim("evaluation")

    async def happen(kind: str, **data: object) -> None:
        await world.parts.house.write(lambda tx: tx.at(hello.experiment_id).tell(kind, **data))

    job = {"job_id": "job_1", "number": 7, "name": "score"}
    await happen("job.finished", **job, state="failed", cause="timeout")
    await happen("job.finished", **job, state="failed", cause="user_error", exit_code=3)
    await happen("job.finished", **job, state="failed", cause="user_error")
    await happen("job.finished", **job, state="succeeded")
    await happen("job.requeued", **job, state="queued")
    await happen("experiment.policy_error", policy_kind="termination", error_message="no such metric")
    await happen("repository.pushed", worker_id=ada.worker_id)
    await happen("task.reclaimed", task_id=task.task_id, cause="expired")
    await happen("task.reclaimed", task_id=task.task_id, cause="health_policy")
    await happen("experiment.terminated", reason="", terminated_by="admin")
    await happen("something.unknown")
    await happen("variant.succeeded")
    await happen("repository.pushed", worker_id="wkr_nobody")
    assert told(await browser_of_admin.get("/e/hello/"))[:-1] == [
        "Somebody pushed a branch",
        "A variant was evaluated",
        "The experiment ended",
        "A task was given back: its worker stopped answering",
        "A task was given back: its claim ran out",
        "Ada pushed a branch",
        "The termination policy cannot be computed: no such metric",
        "Job 7 score waits again for another attempt",
        "Job 7 score failed: its command failed",
        "Job 7 score failed: its command ended with exit code 3",
        "Job 7 score failed: it was stopped at its time limit",
    ]
