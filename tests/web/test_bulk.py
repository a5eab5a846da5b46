"""Acting on every task that the box chooses: previewed, confirmed, followed to each task, and taken back."""

import httpx

from store_client import ExperimentDetail
from tests.web.desk import Desk, fields_of
from tests.web.reading import page, part, rows, says, words
from tests.web.world import World


def offered(answer: httpx.Response) -> dict[str, str]:
    """The acts in the head of a page."""
    return {words(link): str(link["href"]) for link in page(answer).select(".head .acts a")}


async def confirmed(desk: Desk, shown: httpx.Response, **entered: str) -> httpx.Response:
    """Send the form of a preview."""
    form = page(shown).select_one("main form[method=post]")
    assert form is not None, says(shown)
    return await desk.browser.post(str(form["action"]), data=fields_of(form) | entered)


def carry_out(world: World) -> None:
    assert world.parts.bulk_acting is not None
    while world.parts.bulk_acting.round():
        pass


async def held(desk: Desk) -> str:
    """An execution that Ada has claimed."""
    await desk.ada.propose("near")
    return (await desk.ada.claim("execution")).task_id


async def test_what_somebody_holds_is_taken_back_by_one_act(desk: Desk) -> None:
    task_id = await held(desk)
    assert list(offered(await desk.get("/tasks"))) == ["Acts on many"], "nothing is done to every task there is"
    acts = offered(await desk.get("/tasks?q=worker:Ada kind:execution"))
    shown = await desk.browser.get(acts["Take these back…"])
    assert "Take back 1 task" in says(shown)
    assert "This cannot be undone" in says(shown)
    assert [row[0] for row in rows(page(shown).select_one("main") or page(shown))] == ["near execution"]
    begun = await confirmed(desk, shown)
    under_way = await desk.follow(begun)
    assert "1 to come" in says(under_way)
    carry_out(desk.world)
    ended = await desk.browser.get(begun.headers["location"])
    assert "1 done" in part(ended, "head").get_text()
    assert rows(part(ended, "items")) == [["near execution", "done"]]
    assert page(ended).select_one("details.confirm") is None, "a claim that is over does not come back"
    assert (await desk.store.read_task(task_id)).state == "pending"
    listed = rows(part(await desk.get("/bulk-acts"), "acts"))
    assert listed[0][0].startswith("Take back 1 task by “kind:execution worker:wkr_")
    nothing = await desk.browser.get(acts["Take these back…"])
    assert "Only tasks that are claimed or submitted" in says(nothing)


async def test_tasks_are_given_away_for_a_reason_and_given_back(desk: Desk) -> None:
    task_id = await held(desk)
    bob = await desk.world.store(desk.experiment.experiment_id).register_worker("Bob")
    acts = offered(await desk.get("/tasks?q=kind:execution"))
    shown = await desk.browser.get(acts["Give these to others…"])
    refused = await confirmed(desk, shown, target=bob.worker_id, reason=" ")
    assert refused.status_code == 422
    assert "Say why" in says(refused)
    chosen = page(refused).select_one("select[name=target] option[selected]")
    assert chosen is not None
    assert chosen["value"] == bob.worker_id
    begun = await confirmed(desk, refused, reason="Ada is away")
    carry_out(desk.world)
    ended = await desk.browser.get(begun.headers["location"])
    assert "Give away to Bob" in says(ended)
    assert "Ada is away" in says(ended)
    assert [row[1] for row in rows(part(ended, "items"))] == ["done"]
    target = (await desk.store.read_task(task_id)).target
    assert target is not None
    assert target.id == bob.worker_id
    undone = await confirmed(desk, ended)
    carry_out(desk.world)
    assert "1 done" in says(await desk.browser.get(undone.headers["location"]))
    assert "It was taken back" in says(await desk.browser.get(begun.headers["location"]))
    assert (await desk.store.read_task(task_id)).target is None


async def test_an_act_on_other_tasks_than_were_seen_is_not_begun(desk: Desk) -> None:
    await held(desk)
    shown = await desk.get("/bulk?act=reassign&q=kind:execution")
    stale = await desk.follow(await confirmed(desk, shown, count="7", reason="x"))
    assert "Nothing was changed: it would concern 1 by now, not 7" in says(stale)
    for odd in ({"count": "x"}, {"act": "burn"}, {"q": "colour:red"}, {"q": '""'}, {"q": ""}, {"up_to": "9" * 40}):
        answer = await desk.follow(await confirmed(desk, shown, **({"reason": "x"} | odd)))
        assert "Narrow the tasks first" in says(answer), odd
    for nowhere in ("grp_nowhere", "wkr_" + "9" * 26):
        answer = await desk.follow(await confirmed(desk, shown, reason="x", target=nowhere))
        assert "choose somebody of this experiment" in says(answer)
    assert rows(page(await desk.get("/bulk-acts"))) == []


async def test_whatever_narrows_the_list_narrows_what_is_acted_on(desk: Desk) -> None:
    await held(desk)
    for asked, count in (("kind:execution age<1d", 1), ("far", 0), ("by:me", 0), ("age>1h", 0), ("NEAR", 1)):
        shown = await desk.get(f"/bulk?act=reassign&q={asked}")
        assert f"Give away {count} task" in says(shown), asked
    shown = await desk.get("/bulk?act=reassign&q=age<1d kind:execution near")
    begun = await confirmed(desk, shown, reason="x", at="2020-01-01T00:00:00Z")
    carry_out(desk.world)
    told = says(await desk.browser.get(begun.headers["location"]))
    assert "1 task by “kind:execution since:2019-12-31T00:00:00.000000Z near”: 1 done." in told
    assert "Narrow the tasks first" in says(await desk.follow(await desk.get('/bulk?act=reassign&q=""')))


async def test_operators_look_and_administrators_act(world: World, hello: ExperimentDetail) -> None:
    operator = await world.person("Bo", "operator")
    assert offered(await operator.get("/e/hello/tasks?state=pending")) == {}
    assert (await operator.get("/e/hello/bulk?act=reassign&state=pending")).status_code == 403
    given = {"act": "reassign", "state": "pending", "reason": "x", "count": "0", "up_to": "1"}
    assert (await operator.post("/e/hello/bulk/begin", data=given)).status_code == 403
    assert (await operator.get("/e/hello/bulk-acts")).status_code == 200
    assert (await operator.get("/e/hello/bulk-acts/x")).status_code == 404
    assert hello.slug == "hello"
