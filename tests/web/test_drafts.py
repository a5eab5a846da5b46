"""Drafts at the desks: kept on the server without script, for one person, in every browser."""

from typing import Any

import httpx

from store_client import ExperimentDetail
from tests.web.desk import Desk, fields_of, work_form
from tests.web.reading import page, part, says, words
from tests.web.world import World

LOG = ("files", ("run.log", b"a line\n", "text/plain"))


async def send(desk: Desk, answer: httpx.Response, act: str, *files: Any, **entered: str) -> httpx.Response:
    """Send a form with files, as a browser does: ticked boxes only."""
    form = work_form(answer)
    fields: dict[str, Any] = {**fields_of(form), **entered, "act": act}
    fields["kept"] = [str(box["value"]) for box in form.select("input[name=kept][checked]")]
    return await desk.browser.post(str(form["action"]), data=fields, files=list(files) or [("none", b"")])


def kept(answer: httpx.Response) -> list[str]:
    return [words(line).partition(" ")[0] for line in page(answer).select(".kept li")]


async def test_a_saved_draft_is_there_in_every_browser_with_its_files_until_it_is_handed_in(
    desk: Desk,
) -> None:
    task, path = await desk.claim("evaluation")
    saved = await send(desk, await desk.get(path), "save", LOG, notes="half a thought")
    assert (saved.status_code, kept(saved)) == (200, ["run.log"])
    assert "Draft saved just now" in says(saved)
    again = await Desk.of(desk.world, desk.experiment, await desk.world.signed_in())
    shown = await again.get(path)
    assert fields_of(work_form(shown))["notes"] == "half a thought"
    assert kept(shown) == ["run.log"]
    answer = await send(again, shown, "submit", **{"metric.error": "0.5", "notes": ""})
    assert answer.status_code == 303, says(answer)
    uri = (await desk.submitted(task.task_id))["artifacts_uri"]
    assert (await desk.get(f"/artifacts?uri={uri}")).text == "a line\n"
    assert "You hold no task." in says(await desk.get("/work"))


async def test_files_of_an_executors_draft_go_with_what_is_handed_in(desk: Desk) -> None:
    task, path = await desk.claim_execution()
    saved = await send(desk, await desk.get(path), "save", LOG, reason="half a thought")
    assert kept(saved) == ["run.log"]
    answer = await send(desk, saved, "error", reason="It contradicts itself.")
    assert answer.status_code == 303, says(answer)
    uri = (await desk.submitted(task.task_id))["artifacts_uri"]
    assert (await desk.get(f"/artifacts?uri={uri}")).text == "a line\n"


async def test_more_files_than_a_draft_may_have_take_no_word_along(desk: Desk) -> None:
    _, path = await desk.claim("evaluation")
    saved = await send(desk, await desk.get(path), "save", LOG)
    form = work_form(saved)
    mark = str(form.select("input[name=kept]")[0]["value"])
    fields: dict[str, Any] = {**fields_of(form), "act": "save", "notes": "precious words", "kept": [mark] * 201}
    answer = await desk.browser.post(str(form["action"]), data=fields)
    assert answer.status_code == 409
    assert "The draft is not saved: it has more fields or files" in says(answer)
    assert fields_of(work_form(answer))["notes"] == "precious words"


async def test_a_file_that_is_unticked_is_left_out(desk: Desk) -> None:
    _, path = await desk.claim("evaluation")
    saved = await send(desk, await desk.get(path), "save", LOG)
    fields = fields_of(work_form(saved)) | {"act": "save"}
    fields.pop("kept")
    assert kept(await desk.browser.post(str(work_form(saved)["action"]), data=fields)) == []


async def test_what_two_tabs_enter_is_never_lost_unseen(desk: Desk) -> None:
    _, path = await desk.claim("evaluation")
    first, second = await desk.get(path), await desk.get(path)
    await desk.send(first, "save", notes="of the first tab")
    refused = await desk.send(second, "save", notes="of the second tab")
    assert refused.status_code == 409
    assert "Another tab or browser has saved another version" in says(refused)
    assert "of the first tab" in says(refused)
    assert fields_of(work_form(refused))["notes"] == "of the second tab"
    assert (await desk.send(refused, "save")).status_code == 200
    assert fields_of(work_form(await desk.get(path)))["notes"] == "of the second tab"
    silent = await desk.browser.post(
        str(work_form(first)["action"]),
        data=fields_of(work_form(first)) | {"act": "save", "notes": "late"},
        headers={"X-Fragment": "draft"},
    )
    assert silent.status_code == 409
    assert page(silent).select_one("[data-draft] input[name=draft]") is not None
    assert page(silent).find("main") is None


async def test_a_draft_of_a_task_that_ended_is_read_and_forgotten(desk: Desk) -> None:
    task, path = await desk.claim("ideation")
    await desk.send(await desk.get(path), "save", **{"content-1": "precious words"})
    await desk.post(f"/desk/{task.task_id}/release")
    await desk.ada.propose("faster")
    await desk.world.decide()
    shown = await desk.get(path)
    assert "You do not hold this task now." in says(shown)
    assert "precious words" in says(shown)
    row = words(page(await desk.get("/work")).select_one(".work li"))
    assert row.startswith("New ideas ideator")
    assert "precious words" in row
    await desk.post(f"/desk/{task.task_id}/forget")
    assert "precious words" not in says(await desk.get(path))


async def test_at_hand_is_everything_in_every_experiment_with_its_acts(desk: Desk) -> None:
    other = await Desk.of(desk.world, await desk.world.experiment("Other"), desk.browser)
    task, _ = await desk.claim("ideation")
    await other.claim("evaluation")
    held = part(await desk.browser.get("/work"), "held")
    assert [words(row.select_one("a.key")) for row in held.select(".work li")] == ["New ideas", "baseline"]
    assert "Other" in words(held)
    extend = held.select_one(f'form[action*="{task.task_id}/extend"]')
    assert extend is not None
    answer = await desk.browser.post(str(extend["action"]))
    assert answer.headers["location"] == "/work"
    assert "Your claim is extended" in says(await desk.follow(answer))
    assert "Other" not in words(part(await desk.get("/work"), "held"))


async def test_a_draft_is_its_writers_alone(world: World, hello: ExperimentDetail, desk: Desk) -> None:
    _, path = await desk.claim("evaluation")
    await desk.send(await desk.get(path), "save", notes="for my eyes")
    bob = await world.person("Bob")
    assert "for my eyes" not in (await bob.get(desk.root + path)).text
    assert (await bob.get("/work")).status_code == 200
