"""The overview of an experiment: whether it gets better, whether it needs a person, and what one may do about it."""

import json
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from store_client import ExperimentDetail, ExperimentSummary, ProgressPoint, SubmitJob
from tests.web.reading import page, part, rows, says, words
from tests.web.work import Worker
from tests.web.world import HELLO, World
from web_ui.happenings import records

MINUS = "\N{MINUS SIGN}"


@pytest.fixture
async def two_metrics(world: World, tmp_path: Path) -> ExperimentDetail:
    """An experiment with a metric beside its objective, and a text."""
    folder = tmp_path / "source"
    (folder / ".eden").mkdir(parents=True)
    (folder / "guess.txt").write_text("1.0\n")
    config = {
        "parallel_variants": 1,
        "evaluation_schema": {"error": "real", "seconds": "real", "note": "text"},
        "objective": {"expr": "error", "direction": "minimize"},
        "ideation_policy": {"kind": "fixed_total", "total": 9},
        "evaluation_command": "true",
    }
    (folder / ".eden" / "config.yaml").write_text(json.dumps(config))
    return await world.experiment("Two metrics", folder, automation=None)


async def worked(world: World, one: ExperimentDetail) -> Worker:
    """A baseline, a better and a worse variant, a failed execution, a failed variant."""
    ada = await Worker.of(world, one)
    await ada.evaluate(error=1.0)
    await ada.variant("better", 1.4, error=0.25)
    await ada.variant("worse", 1.9, error=1.5)
    await ada.propose("unbuilt")
    await ada.execute()
    await ada.propose("broken")
    await ada.execute(guess__txt="x\n")
    await ada.evaluate()
    return ada


async def test_the_answer_comes_first_best_counts_and_what_is_in_flight(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    await worked(world, hello)
    answer = await browser_of_admin.get("/e/hello/")
    best, variants, flight, needs = part(answer, "facts").select(".fact")
    assert words(best) == f"Best error 0.2500 {MINUS}0.7500 from the baseline"
    assert best.select_one(".up") is not None
    assert words(variants) == "Variants 5 3 scored · 2 failed · 2 integrated"
    assert words(flight) == "In flight 6 0 in work · 6 waiting"
    assert words(needs) == "Needs you 1 see what"
    assert "Minimise error." in says(answer)
    assert "It ends by itself after 20 variants; so far 4." in says(answer)
    assert "All its work is done by hand." in says(answer)


async def test_the_plot_has_every_variant_as_a_link_and_the_best_named(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    await worked(world, hello)
    progress = part(await browser_of_admin.get("/e/hello/"), "progress")
    titles = [words(title) for title in progress.select("svg.plot a title")]
    assert titles == ["better: 0.2500", "worse: 1.5000", "unbuilt: failed", "broken: failed", "Best: better 0.2500"]
    assert all("/e/hello/variants/" in str(link["href"]) for link in progress.select("svg.plot a"))
    assert "baseline 1.0000" in words(progress)
    assert [row[:2] for row in rows(progress)] == [
        ["broken", "failed"],
        ["unbuilt", "failed"],
        ["worse", "1.5000"],
        ["better", "0.2500"],
    ]


async def test_another_metric_is_plotted_without_calling_anything_the_best(
    world: World, two_metrics: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    ada = await Worker.of(world, two_metrics)
    await ada.evaluate(error=1.0, seconds=3.0)
    await ada.variant("better", 1.4, error=0.25, seconds=7.5)
    path = "/e/two-metrics/"
    shown = part(await browser_of_admin.get(path), "progress")
    assert [words(tab) for tab in shown.select("nav a")] == ["error", "seconds"]
    other = part(await browser_of_admin.get(path, params={"metric": "seconds"}), "progress")
    assert words(other.select_one("nav a[aria-current]")) == "seconds"
    assert words(other.select_one("header .sub")) == "seconds by variant"
    assert "better: 7.5000" in words(other)
    assert words(other.select_one("thead")) == "Variant seconds Note"
    assert other.select_one(".best-line, .best-ring") is None
    for nonsense in ("note", "no_such_metric", "<b>", "error"):
        again = part(await browser_of_admin.get(path, params={"metric": nonsense}), "progress")
        assert words(again.select_one("nav a[aria-current]")) == "error", nonsense
    table = part(await browser_of_admin.get(path), "leaders")
    assert words(table.select_one("thead")) == "Variant error seconds note What changed By"


async def test_the_leaders_are_the_best_first_with_the_baseline_marked(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    await worked(world, hello)
    leaders = rows(part(await browser_of_admin.get("/e/hello/"), "leaders"))
    assert [row[0] for row in leaders] == ["better", "baseline baseline", "worse"]
    assert leaders[0][1:] == [f"0.2500 {MINUS}0.7500", "wrote guess.txt", "Ada"]
    assert leaders[2][1] == "1.5000 +0.5000"


async def test_an_experiment_without_a_variant_says_what_comes_first(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    answer = await browser_of_admin.get("/e/hello/")
    assert "No variant yet" in words(part(answer, "progress"))
    assert "Nothing scored yet" in words(part(answer, "leaders"))
    assert words(part(answer, "facts").select(".fact")[0]) == "Best error \N{EN DASH} nothing scored yet"
    assert "The experiment was created" in words(part(answer, "activity"))


async def test_the_feed_tells_in_sentences_what_happened(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    await worked(world, hello)
    await browser_of_admin.post("/e/hello/pause")
    await browser_of_admin.post("/e/hello/resume")
    await browser_of_admin.post("/e/hello/automation", data={"role": "executor", "mode": "automatic"})
    feed = part(await browser_of_admin.get("/e/hello/"), "activity")
    told = [words(line.select_one(".feed-what")) for line in feed.select("li")]
    assert told == [
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
    assert len({str(line["data-key"]) for line in feed.select("li")}) == len(told)


async def test_failed_jobs_policies_pushes_and_lost_claims_are_told_too(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    ada = await Worker.of(world, hello)
    await world.decide()
    task = await ada.claim("evaluation")
    events: list[tuple[str, Mapping[str, object]]] = [
        ("job.finished", {"job_id": "job_1", "number": 7, "name": "score", "state": "failed", "cause": "timeout"}),
        (
            "job.finished",
            {"job_id": "job_2", "number": 8, "name": "score", "state": "failed", "cause": "user_error", "exit_code": 3},
        ),
        ("job.finished", {"job_id": "job_3", "number": 9, "name": "score", "state": "succeeded"}),
        ("job.requeued", {"job_id": "job_2", "number": 8, "name": "score", "state": "queued"}),
        ("experiment.policy_error", {"policy_kind": "termination", "error_message": "no such metric"}),
        ("repository.pushed", {"worker_id": ada.worker_id}),
        ("task.reclaimed", {"task_id": task.task_id, "cause": "expired"}),
        ("task.reclaimed", {"task_id": task.task_id, "cause": "health_policy"}),
        ("experiment.terminated", {"reason": "", "terminated_by": "admin"}),
        ("something.unknown", {}),
        ("variant.succeeded", {}),
        ("repository.pushed", {"worker_id": "wkr_nobody"}),
    ]
    for kind, data in events:
        await world.parts.house.write(
            lambda tx, kind=kind, data=data: tx.at(hello.experiment_id).tell(kind, **data)  # type: ignore[misc]
        )
    feed = part(await browser_of_admin.get("/e/hello/"), "activity")
    told = [words(line.select_one(".feed-what")) for line in feed.select("li")]
    assert told[:-1] == [
        "Somebody pushed a branch",
        "A variant was evaluated",
        "The experiment ended",
        "A task was given back: its worker stopped answering",
        "A task was given back: its claim ran out",
        "Ada pushed a branch",
        "The termination policy cannot be computed: no such metric",
        "Job 8 score waits again for another attempt",
        "Job 8 score failed: its command ended with exit code 3",
        "Job 7 score failed: it was stopped at its time limit",
    ]


def test_a_record_is_what_was_better_than_everything_scored_before_it() -> None:
    def point(place: int, value: float | None) -> ProgressPoint:
        at = f"2030-01-01T00:00:{place:02}.000000Z"
        return ProgressPoint(
            variant_id=str(place), label="", status="success", number=99 - place, objective_value=value, at=at
        )

    points = [point(place, value) for place, value in enumerate([1.0, None, 0.5, 2.0, 2.0, 3.0])]
    assert records(reversed(points), "maximize") == {"3", "5"}
    assert records(reversed(points), "minimize") == {"2"}
    assert records([], "maximize") == frozenset()


async def test_what_one_holds_oneself_is_listed_with_the_way_to_go_on(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    await world.decide()
    store = world.store(hello.experiment_id)
    page_of_tasks = await store.list_task_page("evaluation")
    task_id = page_of_tasks.items[0].task_id
    answer = await browser_of_admin.post(f"/e/hello/desk/{task_id}/claim")
    assert answer.status_code == 303, says(answer)
    needs = part(await browser_of_admin.get("/e/hello/"), "needs")
    assert "You hold the evaluation of baseline" in words(needs)
    assert needs.select_one(f"a[href='/e/hello/evaluator/{task_id}']") is not None
    bo = await world.person("Bo")
    assert "You hold" not in words(part(await bo.get("/e/hello/"), "needs"))


async def test_jobs_under_way_are_listed_and_the_queue_is_one_click_away(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    await world.store(hello.experiment_id).submit_job(SubmitJob(name="score", command=("true",)))
    jobs = part(await browser_of_admin.get("/e/hello/"), "jobs")
    assert "1 score" in words(jobs)
    assert "waiting · 1st" in words(jobs)


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


async def test_an_experiment_without_any_baseline_says_so(world: World, browser_of_admin: httpx.AsyncClient) -> None:
    config = {
        "parallel_variants": 1,
        "evaluation_schema": {"score": "real"},
        "objective": {"expr": "score * 2", "direction": "maximize"},
        "ideation_policy": {"kind": "fixed_total", "total": 3},
        "baseline": {"enabled": False},
    }
    one = await world.experiment("Expression", HELLO, config=config)
    ada = await Worker.of(world, one)
    await ada.variant("first", 1.4, score=2.0)
    answer = await browser_of_admin.get("/e/expression/")
    assert words(part(answer, "facts").select(".fact")[0]) == "Best score * 2 4.0000 there is no baseline"
    assert words(part(answer, "progress").select_one("header .sub")) == "score * 2 by variant, best so far"
    shown = part(await browser_of_admin.get("/e/expression/", params={"metric": "score"}), "progress")
    assert "first: 2.0000" in words(shown)
