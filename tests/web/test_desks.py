"""The desks: what is claimed and pending, claiming, keeping, giving back, and who does the work."""

from datetime import UTC, datetime, timedelta

from store_client import ExperimentDetail, Target, format_time
from tests.web.desk import Desk
from tests.web.reading import page, part, rows, says, words
from tests.web.work import Worker
from tests.web.world import World


async def test_pending_tasks_stand_by_priority_each_with_a_claim_button(desk: Desk) -> None:
    await desk.ada.propose("first", "second")
    shown = await desk.get("/executor")
    assert rows(part(shown, "pending")) == [["first by Ada", "0.5000", "0 s", "Claim"]]
    assert "1 task waits for a person" in says(shown)


async def test_claiming_leads_to_the_task_and_the_desk_lists_it_first(desk: Desk) -> None:
    task, path = await desk.claim("ideation")
    shown = await desk.get(path)
    assert "Claimed by you" in says(shown)
    assert "The task is yours now" in says(shown)
    mine = part(await desk.get("/ideator"), "mine")
    assert words(mine.select_one("li")) == "New ideas 29 min left Continue"
    assert task.claim is not None


async def test_whoever_comes_second_is_told_who_was_faster(desk: Desk) -> None:
    task = await desk.ada.claim("ideation")
    shown = await desk.follow(await desk.post(f"/desk/{task.task_id}/claim"))
    assert "Nothing was claimed. Ada works on this." in says(shown)
    claimed = await desk.store.read_task(task.task_id)
    assert claimed.claim is not None
    assert claimed.claim.worker_id == desk.ada.worker_id


async def test_a_task_for_somebody_else_says_for_whom_and_cannot_be_claimed(desk: Desk) -> None:
    task = await desk.ada.pending("ideation")
    admins = next(
        group
        for group in (await desk.world.store(desk.experiment.experiment_id).list_groups()).groups
        if group.name == "admins"
    )
    await desk.world.store(desk.experiment.experiment_id).add_to_group(admins.group_id, desk.ada.worker_id)
    await desk.store.reassign_task(task.task_id, Target(kind="worker", id=desk.ada.worker_id), "she knows it")
    first = part(await desk.get("/ideator?eligible=0"), "pending").select_one(f'[data-key="{task.task_id}"]')
    assert first is not None
    assert "for Ada only" in words(first)
    assert first.select_one("button[disabled]") is not None
    shown = await desk.follow(await desk.post(f"/desk/{task.task_id}/claim"))
    assert "This task is for Ada only." in says(shown)


async def test_a_claim_can_be_kept_longer_and_given_back(desk: Desk) -> None:
    task, _ = await desk.claim("ideation")
    assert "59 min left" in says(await desk.follow(await desk.post(f"/desk/{task.task_id}/extend")))
    shown = await desk.follow(await desk.post(f"/desk/{task.task_id}/release"))
    assert "The task is released." in says(shown)
    assert (await desk.store.read_task(task.task_id)).state == "pending"


async def test_what_is_not_held_can_neither_be_kept_nor_given_back(desk: Desk) -> None:
    task = await desk.ada.claim("ideation")
    for act in ("extend", "release"):
        shown = await desk.follow(await desk.post(f"/desk/{task.task_id}/{act}"))
        assert "held by another worker" in says(shown)
    assert (await desk.store.read_task(task.task_id)).state == "claimed"


async def test_a_paused_experiment_says_why_nothing_can_be_claimed(desk: Desk) -> None:
    task = await desk.ada.pending("ideation")
    await desk.post("/pause")
    shown = await desk.get("/ideator")
    assert "Hello is paused. Nothing new is claimed until it runs" in says(shown)
    assert part(shown, "pending").select('form[action*="/claim"]') == []
    refused = await desk.follow(await desk.post(f"/desk/{task.task_id}/claim"))
    assert "The experiment is paused, so nothing can be claimed." in says(refused)


async def test_the_switch_hands_a_role_over_and_comes_back_to_the_desk(desk: Desk) -> None:
    switch = part(await desk.get("/evaluator"), "head").select_one("form.either")
    assert switch is not None
    referer = {"referer": f"http://console{desk.root}/evaluator"}
    answer = await desk.browser.post(str(switch["action"]), data={"automation": "automatic"}, headers=referer)
    assert answer.headers["location"] == f"{desk.root}/evaluator"
    shown = await desk.follow(answer)
    assert page(shown).select_one('button[value="automatic"][aria-pressed="true"]') is not None


async def test_an_operator_sees_who_does_a_role_but_cannot_switch_it(world: World, hello: ExperimentDetail) -> None:
    bob = await world.person("Bob")
    head = part(await bob.get("/e/hello/executor"), "head")
    assert head.select("form.either") == []
    assert "by hand" in words(head)


async def test_a_task_of_another_experiment_or_desk_is_not_here(desk: Desk) -> None:
    other = await desk.world.experiment("Other")
    theirs = await (await Worker.of(desk.world, other)).pending("ideation")
    for path in (
        f"/ideator/{theirs.task_id}",
        "/ideator/nobody",
        f"/executor/{(await desk.ada.pending('ideation')).task_id}",
    ):
        assert (await desk.get(path)).status_code == 404
    assert (await desk.post(f"/desk/{theirs.task_id}/claim")).status_code == 404
    assert (await desk.world.store(other.experiment_id).read_task(theirs.task_id)).state == "pending"


async def test_a_task_that_lapsed_and_went_to_another_shows_who_has_it(desk: Desk) -> None:
    _, path = await desk.claim("ideation")
    task_id = path.rpartition("/")[2]
    await desk.post(f"/desk/{task_id}/release")
    await desk.store.claim_task(task_id, format_time(datetime.now(UTC) + timedelta(hours=3)))
    shown = await desk.get(path)
    assert "Ada works on this. It can be claimed when they give it back." in says(shown)
    assert page(shown).find("form", id="work") is None
