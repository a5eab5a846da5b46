"""What an experiment's admins may do on our own server: say who decides, give tasks away, take them back."""

import httpx

from store_client import ExperimentDetail, TaskState
from tests.web.desk import Desk
from tests.web.reading import page, part, rows, says, words
from tests.web.world import World


async def test_who_decides_is_shown_to_all_and_changed_by_administrators(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    path, bo = "/e/hello/admin/dispatch", await world.person("Bo")
    seen = await bo.get(path)
    assert "Only members of admins change this." in says(seen)
    assert not page(seen).select("main form")
    assert words(page(seen).select_one("[data-key=termination] .chip")) == "automatic"
    assert (await bo.post(f"{path}/change", data={"decision": "integration", "mode": "manual"})).status_code == 403
    changed = await browser_of_admin.post(f"{path}/change", data={"decision": "integration", "mode": "manual"})
    told = await browser_of_admin.get(changed.headers["location"])
    assert "Integrate variants: people take it from now on." in says(told)
    assert (await world.store(hello.experiment_id).read_dispatch_mode()).integration == "manual"
    wrong = await browser_of_admin.post(f"{path}/change", data={"decision": "lunch", "mode": "manual"})
    assert "Say which decision" in says(await browser_of_admin.get(wrong.headers["location"]))


async def test_an_experiment_that_has_ended_has_nothing_left_to_decide(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    await world.store(hello.experiment_id).end_experiment()
    answer = await browser_of_admin.get("/e/hello/admin/dispatch")
    assert "The experiment has ended" in says(answer)
    assert not page(answer).select("main form")


async def test_a_task_is_given_to_somebody_and_shows_it(desk: Desk) -> None:
    task = await desk.ada.pending("ideation")
    path = f"/tasks/{task.task_id}"
    given = await desk.post(f"{path}/reassign", {"target": desk.ada.worker_id, "reason": "she knows it"})
    answer = await desk.follow(given)
    assert "The task waits for them now." in says(answer)
    assert "Only for Ada" in words(part(answer, "facts"))
    assert "she knows it" in words(part(answer, "history"))
    chosen = page(answer).select_one("select[name=target] option[selected]")
    assert words(chosen) == "Ada"
    await desk.post(f"{path}/reassign", {"target": "anybody", "reason": "she is away"})
    assert (await desk.store.read_task(task.task_id)).target is None


async def test_a_claim_is_taken_back_by_administrators_alone(desk: Desk) -> None:
    task = await desk.ada.claim("ideation")
    bo = await desk.world.person("Bo")
    seen = await bo.get(f"/e/hello/tasks/{task.task_id}")
    assert not page(seen).select("form[action$='/take-back'], form[action$='/reassign']")
    answer = await desk.follow(await desk.post(f"/tasks/{task.task_id}/take-back"))
    assert "The task was taken back. It waits to be claimed." in says(answer)
    assert "Given back: its claim was given up" in words(part(answer, "history"))
    assert (await desk.store.read_task(task.task_id)).state is TaskState.PENDING


async def test_what_has_ended_is_given_to_nobody(desk: Desk) -> None:
    await desk.ada.evaluate(error=1.0)
    listed = await desk.get("/tasks?state=completed")
    assert len(rows(part(listed, "tasks"))) == 1
    link = page(listed).select_one("[data-live=tasks] a.key")
    assert link is not None
    answer = await desk.browser.get(str(link["href"]))
    assert not page(answer).select("form[action$='/take-back'], form[action$='/reassign']")
    refused = await desk.browser.post(f"{link['href']}/reassign", data={"target": "anybody", "reason": "x"})
    assert refused.status_code == 409
