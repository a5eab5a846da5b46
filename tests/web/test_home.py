"""The deployment home: what needs a person, how the experiments do, what the queue does."""

import httpx

from store_client import ExperimentDetail, SubmitJob
from tests.web.reading import page, part, rows, says, words
from tests.web.work import Worker
from tests.web.world import World


async def test_an_empty_deployment_says_what_to_do_first(world: World, browser_of_admin: httpx.AsyncClient) -> None:
    answer = await browser_of_admin.get("/")
    assert answer.status_code == 200
    assert "There is no experiment yet. Nothing needs you. No job runs or waits." in says(answer)
    way_on = part(answer, "experiments").select_one("a.is-primary")
    assert way_on is not None
    assert "New experiment" in says(await browser_of_admin.get(str(way_on["href"])))


async def test_each_experiment_stands_with_its_state_best_score_course_and_counts(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    ada = await Worker.of(world, hello)
    await ada.evaluate(error=1.0)
    await ada.variant("worse", 1.9, error=1.5)
    await ada.variant("better", 1.4, error=0.25)
    await ada.propose("failing")
    await ada.execute()
    table = part(await browser_of_admin.get("/"), "experiments")
    ((name, state, best, _course, variants, flight),) = rows(table)
    assert name.startswith("Hello")
    assert "minimise error" in name
    assert state.startswith("running")
    assert best == "0.2500 \N{MINUS SIGN}0.7500"
    assert variants == "4 3 scored · 2 integrated"
    assert flight == "0 7 waiting"
    assert words(table.select_one("svg.spark title")) == "Best so far of Hello"
    assert table.select_one("td.num[title=better]") is not None


async def test_what_waits_for_a_person_is_listed_with_the_desk_that_answers_it(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    await world.decide()
    await world.experiment("Sketch", is_draft=True)
    answer = await browser_of_admin.get("/")
    needs = part(answer, "needs")
    assert "10 ideation tasks wait for a person Hello" in words(needs)
    assert "1 evaluation task waits for a person Hello" in words(needs)
    assert "A draft: start it when it is ready Sketch" in words(needs)
    links = [str(link["href"]) for link in needs.select("a.btn")]
    assert links == ["/e/hello/ideator", "/e/hello/evaluator", "/e/sketch/"]
    assert "1 of 2 experiments runs. 3 things need you." in says(answer)


async def test_work_of_automatic_roles_and_of_paused_experiments_needs_nobody(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    await world.decide()
    store = world.store(hello.experiment_id)
    await store.update_automation({"ideator": "automatic", "evaluator": "automatic"})
    assert "Nothing needs you" in words(part(await browser_of_admin.get("/"), "needs"))
    await store.update_automation({"ideator": "manual"})
    await store.pause_experiment()
    answer = await browser_of_admin.get("/")
    assert "Nothing needs you" in words(part(answer, "needs"))
    assert "No experiment runs." in says(answer)


async def test_what_runs_comes_first_and_what_has_ended_last(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    paused, ended = await world.experiment("Paused"), await world.experiment("Ended")
    await world.experiment("Sketch", is_draft=True)
    await world.store(paused.experiment_id).pause_experiment()
    await world.store(ended.experiment_id).end_experiment()
    listed = [row[0].split()[0] for row in rows(part(await browser_of_admin.get("/"), "experiments"))]
    assert listed == ["Hello", "Paused", "Sketch", "Ended"]


async def test_the_queue_stands_beside_with_its_first_jobs(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    store = world.store(hello.experiment_id)
    for number in range(10):
        await store.submit_job(SubmitJob(name=f"job-{number}", command=("true",)))
    answer = await browser_of_admin.get("/")
    queue = part(answer, "queue")
    assert "0 running · 10 waiting" in words(queue)
    assert "1 job-0" in words(queue)
    assert "Hello · job" in words(queue)
    assert len(queue.select("li")) == 8
    assert "10 jobs wait." in says(answer)
    assert "10 waiting" in words(part(answer, "fleet"))
    (last, *_) = (await world.deployment.list_jobs()).items
    await world.deployment.reprioritise_job(last.job_id, 9)
    shown = [words(link) for link in part(await browser_of_admin.get("/"), "queue").select("li a.key")]
    assert shown == ["10 job-9", *(f"{number + 1} job-{number}" for number in range(7))]  # the next one first


async def test_however_many_experiments_there_are_home_asks_a_bounded_number_of_questions(
    world: World, browser_of_admin: httpx.AsyncClient
) -> None:
    for number in range(30):
        await world.experiment(f"Experiment {number}")
    await browser_of_admin.get("/")
    world.line.calls.clear()
    answer = await browser_of_admin.get("/")
    assert len(rows(part(answer, "experiments"))) == 30
    assert len(world.line.calls) == 4  # the experiments with those that wait, slots, jobs on them and the queue


async def test_an_operator_sees_the_same_home_without_being_an_administrator(
    world: World, hello: ExperimentDetail
) -> None:
    answer = await (await world.person("Bo", "viewer")).get("/")
    assert answer.status_code == 200
    assert words(page(answer).select_one(".operator-who")) == "Bo viewer"


async def test_a_long_list_is_searched_narrowed_and_paged(world: World, browser_of_admin: httpx.AsyncClient) -> None:
    for number in range(43):
        await world.experiment(f"Experiment {number}", is_draft=number == 7)
    first = await browser_of_admin.get("/")
    listed = rows(part(first, "experiments"))
    assert len(listed) == 40
    assert "1 to 40 of 43" in words(part(first, "experiments"))
    later = part(first, "experiments").select_one("a[rel=next]")
    assert later is not None
    second = rows(part(await browser_of_admin.get(str(later["href"])), "experiments"))
    assert [row[0].split(" minimise")[0] for row in second][-1] == "Experiment 7 1"[: len("Experiment 7")]
    assert len(second) == 3
    found = rows(part(await browser_of_admin.get("/?q=EXPERIMENT-42"), "experiments"))
    assert [row[0].startswith("Experiment 42") for row in found] == [True]
    drafts = await browser_of_admin.get("/?status=draft")
    assert len(rows(part(drafts, "experiments"))) == 1
    assert len(rows(part(await browser_of_admin.get("/?needs=true"), "experiments"))) == 1
    nothing = part(await browser_of_admin.get("/?q=nowhere&status=draft"), "experiments")
    assert "No experiment is like that" in words(nothing)
    assert nothing.select_one("a.btn[href='/']") is not None


async def test_the_course_of_the_best_is_drawn_from_its_records(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    ada = await Worker.of(world, hello)
    await ada.evaluate(error=1.0)
    await ada.variant("better", 1.4, error=0.25)
    world.line.calls.clear()
    table = part(await browser_of_admin.get("/"), "experiments")
    assert table.select_one("svg.spark path") is not None
    assert not [call for call in world.line.calls if "progress" in call or "/course" in call]
