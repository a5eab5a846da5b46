"""Every decision taken by hand in the console, from the first idea to the end, each as the person who takes it."""

import httpx
from bs4 import Tag

from store_client import DISPATCH_KEYS, EvaluationResult, ExperimentDetail, Mode, StoreClient, TaskState, VariantStatus
from tests.web.reading import page, part, says, words
from tests.web.work import Worker
from tests.web.world import World

PATH = "/e/hello/admin/dispatch"


async def by_hand(world: World, one: ExperimentDetail, *keys: str) -> StoreClient:
    """The experiment with these decisions, or all, left to people."""
    store = world.store(one.experiment_id)
    eve = await Worker.of(world, one, "Eve")
    for group in (await store.list_groups()).groups:
        await store.add_to_experiment_group(group.group_id, eve.worker_id)
    mode: dict[str, Mode] = dict.fromkeys(keys or DISPATCH_KEYS, "manual")
    await eve.store.update_dispatch_mode(**mode)
    return eve.store


async def card(browser: httpx.AsyncClient, key: str) -> Tag:
    found = part(await browser.get(PATH), "decisions").select_one(f"[data-key={key}]")
    assert found is not None
    return found


async def take(browser: httpx.AsyncClient, act: str, subject: str = "", detail: str = "") -> str:
    """What the page says after a decision."""
    sent = await browser.post(f"{PATH}/take", data={"act": act, "subject": subject, "detail": detail})
    assert sent.status_code == 303, says(sent)
    return words(page(await browser.get(sent.headers["location"])).select_one(".messages"))


async def press(browser: httpx.AsyncClient, key: str, label: str) -> str:
    """Press the first button of a decision that is so called."""
    button = next(one for one in (await card(browser, key)).select("form button") if words(one) == label)
    form = button.find_parent("form")
    assert form is not None
    given = {str(one["name"]): str(one["value"]) for one in form.select("input[name]")}
    return await take(browser, given["act"], given.get("subject", ""), given.get("detail", ""))


async def test_an_experiment_goes_from_idea_to_end_with_every_decision_taken_in_the_browser(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    store, ada, browser = await by_hand(world, hello), await Worker.of(world, hello), browser_of_admin
    assert "waits for an ideator" in await take(browser, "ideate", detail="1")
    await ada.propose("better")
    assert "is missing" in words(await card(browser, "ideation_creation"))
    assert "better" in words(await card(browser, "execution_dispatch"))
    assert "waits for an executor" in await press(browser, "execution_dispatch", "Hand out")
    assert "Hand out" not in [words(one) for one in (await card(browser, "execution_dispatch")).select("li button")]
    variant_id = await ada.execute(guess__txt="1.4\n")
    assert "not evaluated yet" in words(await card(browser, "evaluation_dispatch"))
    assert "waits for an evaluator" in await take(browser, "evaluate", variant_id)
    task = await ada.claim("evaluation")
    created = await store.read_task(task.task_id)
    me = {one.worker_id: one.name for one in (await store.list_workers()).workers}
    assert me[str(created.created_by)] == "Administrator"  # the person's own identity, and nobody else's
    assert task.subject_id == variant_id
    result = EvaluationResult(variant_id=variant_id, status="success", evaluation={"error": 0.25})
    await ada.store.submit_task(task.task_id, result)
    await world.decide()
    assert "Your worker is in orchestrators now" in await take(browser, "join")
    assert "Integrated as commit" in await press(browser, "integration", "Integrate")
    variant = await store.read_variant(variant_id)
    assert variant.variant_commit_sha is not None
    branches = world.git("for-each-ref", "refs/heads/variant", cwd=world.repository(hello.experiment_id))
    assert variant.variant_commit_sha in branches
    assert "Nothing was changed: type the experiment's name" in await take(browser, "end", detail="hello")
    assert "is ended" in await take(browser, "end", detail="Hello")
    told = await browser.get(PATH)
    assert "Integrated a variant" in words(part(told, "taken"))
    assert "people end the experiment" in words(part(told, "modes"))


async def test_an_evaluation_that_ended_without_a_verdict_is_tried_again_or_given_up(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    store, ada, browser = (
        await by_hand(world, hello, "evaluation_dispatch"),
        await Worker.of(world, hello),
        browser_of_admin,
    )
    await world.decide()  # the baseline
    assert "waits for an evaluator" in await press(browser, "evaluation_dispatch", "Hand out")
    task = await ada.claim("evaluation")
    result = EvaluationResult(variant_id=str(task.subject_id), status="evaluation_error")
    await ada.store.submit_task(task.task_id, result)
    await world.decide()
    waiting = words(await card(browser, "evaluation_dispatch"))
    assert "1 evaluation of it ended without a verdict" in waiting
    assert "waits for an evaluator" in await press(browser, "evaluation_dispatch", "Evaluate again")
    again = await ada.claim("evaluation")
    assert again.subject_id == task.subject_id
    await ada.store.submit_task(again.task_id, result)
    await world.decide()
    assert "is given up" in await press(browser, "evaluation_dispatch", "Give up")
    assert (await store.read_variant(str(task.subject_id))).status is VariantStatus.EVALUATION_ERROR
    assert "Nothing was changed:" in await take(browser, "evaluate", str(task.subject_id))


async def test_a_result_that_waits_gets_its_verdict_from_a_person(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    ada, browser = await Worker.of(world, hello), browser_of_admin
    task = await ada.claim("evaluation")
    result = EvaluationResult(variant_id=str(task.subject_id), status="success", evaluation={"error": 1.0})
    await ada.store.submit_task(task.task_id, result)
    assert (await browser.post(f"{PATH}/take", data={"act": "accept", "subject": task.task_id})).status_code == 403
    assert "Your worker is in orchestrators now" in await take(browser, "join")
    assert "baseline evaluation by Ada" in words(part(await browser.get(PATH), "decisions").select_one("section"))
    assert "say why" in await take(browser, "reject", task.task_id)
    assert "is rejected" in await take(browser, "reject", task.task_id, "validation_error")
    assert (await ada.store.read_task(task.task_id)).state is TaskState.FAILED
    assert "Nothing was changed:" in await take(browser, "accept", task.task_id)
    assert "Rejected a result" in words(part(await browser.get(PATH), "taken"))


async def test_what_is_no_decision_changes_nothing_and_others_take_none(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    store, bo = await by_hand(world, hello), await world.person("Bo")
    before = len(await store.list_tasks())
    assert "Say which decision" in await take(browser_of_admin, "lunch")
    for count in ("", "0", "21", "x", "1e1"):
        assert "ask for 1 to 20" in await take(browser_of_admin, "ideate", detail=count)
    for act in ("execute", "evaluate", "integrate", "accept", "give_up"):
        assert "say what it is about" in await take(browser_of_admin, act)
    for act in ("execute", "evaluate"):
        assert "Nothing was changed:" in await take(browser_of_admin, act, "nothing-of-ours/..")
    assert not page(await bo.get(PATH)).select("main form")
    for act, detail in (("ideate", "1"), ("integrate", ""), ("accept", ""), ("join", ""), ("end", "Hello")):
        sent = await bo.post(f"{PATH}/take", data={"act": act, "subject": "x", "detail": detail})
        assert sent.status_code == 403, act
    assert len(await store.list_tasks()) == before


async def test_while_orchestrators_decide_there_is_nothing_to_press_but_the_end(
    hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    answer = await browser_of_admin.get(PATH)
    buttons = {words(one) for one in part(answer, "decisions").select("form[action$='/take'] button")}
    assert buttons == set()
    assert "The policy wants 10 ideation tasks in all" in says(answer)
    assert f"Type {hello.name} to end it" in says(answer)
