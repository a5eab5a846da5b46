"""The overview of an experiment: whether it gets better, whether it needs a person, and what one may do about it."""

from datetime import timedelta

import httpx
from sqlalchemy import select, update

from control_plane.db.tables import workers
from control_plane.db.transaction import Tx
from control_plane.task_store.operations import courses
from control_plane.task_store.tables import ideas, variants
from store_client import ExperimentDetail, SubmitJob, format_time, parse_time
from tests.web.reading import part, rows, says, words
from tests.web.work import Worker, worked
from tests.web.world import HELLO, World
from web_ui.charts import POINTS_DRAWN

MINUS = "\N{MINUS SIGN}"


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


async def test_the_best_stands_with_what_changed_in_it_and_what_was_the_best_before(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    ada = await Worker.of(world, hello)
    await ada.evaluate(error=1.0)
    await ada.variant("better", 1.4, error=0.25)
    best = part(await browser_of_admin.get("/e/hello/"), "best")
    assert f"better 0.2500 {MINUS}0.7500 from the baseline" in words(best)
    assert "wrote guess.txt" in words(best)
    assert f"Built on baseline , {MINUS}0.7500 from it · by Ada" in words(best)
    assert words(best.select_one(".feed")).startswith("baseline 1.0000")
    idea = best.find("a", string="Whole idea")
    assert idea is not None
    assert "/e/hello/ideas/" in str(idea["href"])


async def test_stages_tell_since_when_the_oldest_waits_and_who_is_at_work(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    ada = await Worker.of(world, hello)
    await ada.claim("ideation")
    answer = await browser_of_admin.get("/e/hello/")
    ideate = part(answer, "stages").select_one("[data-key=Ideate]")
    assert "9 waiting · 1 active · oldest" in words(ideate)
    assert ideate is not None
    assert ideate.select_one("time[data-time=age]") is not None
    assert "Ada new ideas" in words(part(answer, "at-work"))


async def test_what_is_stuck_is_said_with_its_reason_and_the_act(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    ada = await Worker.of(world, hello)
    task = await ada.claim("evaluation")

    def forget(tx: Tx) -> None:
        past = format_time(parse_time(tx.now) - timedelta(minutes=14, seconds=1))
        seen = update(workers).where(workers.c.worker_id == ada.worker_id)
        tx.connection.execute(seen.values(last_seen_at=past))

    await world.parts.house.write(forget)
    at = hello.experiment_id
    await world.parts.house.write(
        lambda tx: tx.at(at).tell("experiment.policy_error", policy_kind="ideation", error_message="no such metric")
    )
    needs = part(await browser_of_admin.get("/e/hello/"), "needs")
    assert "Evaluation of baseline stuck: Ada has not answered for 14 min" in words(needs)
    assert needs.select_one(f"a.btn[href='/e/hello/tasks/{task.task_id}']") is not None
    assert "The ideation policy cannot be computed: no such metric. Until it can," in words(needs)
    assert needs.select_one("a.btn[href='/e/hello/admin/dispatch']") is not None


async def test_the_overview_asks_as_much_and_draws_as_much_for_many_variants_as_for_few(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    await worked(world, hello)
    await browser_of_admin.get("/e/hello/")
    world.line.calls.clear()
    await browser_of_admin.get("/e/hello/")
    few = len(world.line.calls)

    def grow(tx: Tx) -> None:
        inside = tx.at(hello.experiment_id)
        (row,) = inside.rows(select(variants).where(variants.c.experiment_id == hello.experiment_id).limit(1))
        for number in range(100, 700):
            told = {**row, "number": number, "kind": None, "objective_value": number / 7, "evaluation": {}}
            courses.end(inside, {**told, "idea_id": _idea(inside), "status": "success"})

    await world.parts.house.write(grow)
    world.line.calls.clear()
    answer = await browser_of_admin.get("/e/hello/")
    assert len(world.line.calls) <= few  # the list of experiments may be known still
    assert 100 < len(part(answer, "progress").select("svg.plot a")) <= POINTS_DRAWN + 1
    assert len(answer.content) < 150_000


def _idea(tx: Tx) -> str:
    return str(tx.rows(select(ideas.c.idea_id).where(ideas.c.experiment_id == tx.experiment_id).limit(1))[0]["idea_id"])
