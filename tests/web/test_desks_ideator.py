"""The ideator's desk: one or several ideas, handed in without losing a word."""

import httpx
import pytest
from bs4 import Tag

from store_client import Target, read_text
from tests.web.desk import Desk, fields_of, work_form
from tests.web.reading import page, part, says, words
from web_ui.filters import MINUS


def slots(answer: httpx.Response) -> int:
    return len(page(answer).select("fieldset.idea"))


async def test_the_page_says_the_goal_and_offers_the_best_variants_as_parents(desk: Desk) -> None:
    await desk.ada.evaluate(error=1.0)
    await desk.ada.variant("halfway", 1.2, error=0.56)
    _, path = await desk.claim("ideation")
    shown = await desk.get(path)
    assert "Minimise error" in says(shown)
    assert [words(row) for row in part(shown, "best").select("tbody tr")] == [
        f"halfway 0.5600 {MINUS}0.4400",
        "baseline 1.0000",
    ]
    offered = [words(option) for option in page(shown).select("#parent-1 option")]
    assert offered == ["halfway · 0.5600 · best so far", "baseline · 1.0000"]
    best = (await desk.store.list_variant_page(order="best")).items[0]
    assert fields_of_work(shown)["parent-1"] == best.variant_commit_sha


def fields_of_work(answer: httpx.Response) -> dict[str, str]:
    form = page(answer).find("form", id="work")
    assert form is not None
    return fields_of(form)


async def test_ideas_are_kept_as_text_and_wait_for_an_executor(desk: Desk) -> None:
    task, path = await desk.claim("ideation")
    entered = {
        "content-1": "Use 1.41.\r\n\r\nIt is *closer*.",
        "name-1": "Closer, Much!",
        "content-3": "Use 1.42 instead",
        "priority-3": "2",
    }
    answer = await desk.send(await desk.get(path), "submit", **entered)
    assert "2 ideas submitted." in says(await desk.follow(answer))
    ideas = {idea.slug: idea for idea in await desk.store.list_ideas()}
    assert set(ideas) == {"closer-much", "use-1-42-instead"}
    assert {idea.state.value for idea in ideas.values()} == {"ready"}
    assert ideas["use-1-42-instead"].priority == 2
    assert ideas["closer-much"].parent_commits == task.parent_commits
    assert await read_text(desk.store, ideas["closer-much"].artifacts_uri) == "Use 1.41.\n\nIt is *closer*.\n"
    assert set((await desk.submitted(task.task_id))["idea_ids"]) == {idea.idea_id for idea in ideas.values()}


async def test_sending_the_same_ideas_twice_lands_once(desk: Desk) -> None:
    _, path = await desk.claim("ideation")
    form = await desk.get(path)
    for _ in range(2):
        assert (await desk.send(form, "submit", **{"content-1": "Use 1.41."})).status_code == 303
    await desk.world.decide()
    assert (await desk.send(form, "submit", **{"content-1": "Use 1.41."})).status_code == 303
    assert len(await desk.store.list_ideas()) == 1


async def test_other_ideas_after_the_first_were_submitted_do_not_replace_them(desk: Desk) -> None:
    _, path = await desk.claim("ideation")
    form = await desk.get(path)
    await desk.send(form, "submit", **{"content-1": "Use 1.41."})
    answer = await desk.send(form, "submit", **{"content-1": "Use 1.5."})
    assert answer.status_code == 409
    assert "that one stands" in says(answer)
    assert "Use 1.5." in answer.text
    assert len(await desk.store.list_ideas()) == 1


@pytest.mark.parametrize(
    ("entered", "said"),
    [
        ({}, "Write at least one idea."),
        ({"content-2": "why", "priority-2": "high"}, "Enter a number, such as 0.5."),
        ({"content-2": "why", "priority-2": "nan"}, "Enter a number, such as 0.5."),
        ({"content-2": "why", "priority-2": "inf"}, "Enter a number, such as 0.5."),
        ({"content-2": "why", "parent-2": "main"}, "Choose what it builds on."),
        ({"name-2": "only a name"}, "Say what to try."),
        ({"content-2": "¡¿!?", "name-2": ""}, "Give it a name with letters or digits."),
        ({"content-2": "x" * 200_001}, "characters; 200,000 are kept"),
    ],
)
async def test_what_is_wrong_is_said_beside_it_and_nothing_typed_is_lost(
    desk: Desk, entered: dict[str, str], said: str
) -> None:
    task, path = await desk.claim("ideation")
    answer = await desk.send(await desk.get(path), "submit", **entered)
    assert answer.status_code == 422
    assert said in says(answer)
    assert page(answer).select_one('[aria-invalid="true"]') is not None
    assert (
        fields_of_work(answer).items() >= {name: text for name, text in entered.items() if name != "parent-2"}.items()
    )
    assert (await desk.store.read_task(task.task_id)).state == "claimed"
    assert await desk.store.list_ideas() == ()


async def test_another_place_can_be_had_as_often_as_needed(desk: Desk) -> None:
    _, path = await desk.claim("ideation")
    answer = await desk.send(await desk.get(path), "add", **{"content-1": "kept"})
    answer = await desk.send(answer, "add", **{"content-4": "kept, too"})
    assert slots(answer) == 5
    assert fields_of_work(answer).items() >= {"content-1": "kept", "content-4": "kept, too"}.items()
    assert (await desk.send(answer, "submit")).status_code == 303
    assert {idea.slug for idea in await desk.store.list_ideas()} == {"kept", "kept-too"}


@pytest.mark.parametrize("claim", ["", "forged", "WyJleHAiXQ.aaaa.bbbb"])
async def test_a_forged_claim_submits_nothing_and_keeps_what_was_typed(desk: Desk, claim: str) -> None:
    task, path = await desk.claim("ideation")
    answer = await desk.send(await desk.get(path), "submit", **{"content-1": "precious words", "claim": claim})
    assert answer.status_code == 422
    assert "Nothing was submitted." in says(answer)
    assert fields_of_work(answer)["content-1"] == "precious words"
    assert (await desk.store.read_task(task.task_id)).state == "claimed"
    assert (await desk.send(answer, "submit")).status_code == 303


async def test_the_form_of_one_experiment_does_nothing_in_another(desk: Desk) -> None:
    other = await Desk.of(desk.world, await desk.world.experiment("Other"), desk.browser)
    (task, path), (theirs, other_path) = await desk.claim("ideation"), await other.claim("ideation")
    mine = fields_of_work(await desk.get(path))
    answer = await other.post(f"{other_path}/submit", mine | {"act": "submit", "content-1": "here or there?"})
    assert answer.status_code == 422
    assert (await other.store.read_task(theirs.task_id)).state == "claimed"
    assert (await desk.store.read_task(task.task_id)).state == "claimed"
    assert await other.store.list_ideas() == ()


async def test_a_form_of_an_earlier_claim_is_shown_again_under_the_new_one(desk: Desk) -> None:
    task, path = await desk.claim("ideation")
    form = await desk.get(path)
    await desk.post(f"/desk/{task.task_id}/release")
    await desk.post(f"/desk/{task.task_id}/claim")
    answer = await desk.send(form, "submit", **{"content-1": "still good"})
    assert answer.status_code == 409
    assert "claimed this task anew" in says(answer)
    assert (await desk.send(answer, "submit")).status_code == 303


async def test_a_lost_claim_is_told_with_what_was_typed(desk: Desk) -> None:
    task, path = await desk.claim("ideation")
    form = await desk.get(path)
    await desk.post(f"/desk/{task.task_id}/release")
    await desk.store.claim_task(task.task_id)
    answer = await desk.send(form, "submit", **{"content-1": "too late"})
    assert answer.status_code == 409
    assert "Your claim had ended before this arrived, so nothing was submitted" in says(answer)
    assert "too late" in answer.text
    assert await desk.store.list_ideas() == ()


async def test_an_ideator_may_say_that_nothing_came_to_mind(desk: Desk) -> None:
    task, path = await desk.claim("ideation")
    answer = await desk.send(await desk.get(path), "error")
    assert "no idea came of it" in says(await desk.follow(answer))
    assert (await desk.submitted(task.task_id))["status"] == "error"


async def test_a_silent_control_plane_is_told_as_that(desk: Desk) -> None:
    _, path = await desk.claim("ideation")
    form = await desk.get(path)
    desk.world.line.is_cut = True
    answer = await desk.send(form, "submit", **{"content-1": "into the void"})
    assert answer.status_code == 503
    assert "does not answer" in says(answer)


async def test_a_name_that_is_taken_is_said_before_anything_is_handed_in(desk: Desk) -> None:
    await desk.ada.propose("closer")
    _, path = await desk.claim("ideation")
    entered = {"name-1": "Closer", "content-1": "Use 1.41.", "name-2": "Closer", "content-2": "Use 1.42."}
    warned = await desk.send(await desk.get(path), "submit", **entered)
    assert warned.status_code == 422
    assert "There is an idea called closer already." in says(warned)
    renamed = await desk.send(warned, "preview", **{"name-1": "nearer"})
    assert renamed.status_code == 200
    assert "There is an idea called" in says(renamed)
    meant = await desk.send(warned, "submit", anyway="yes")
    assert meant.status_code == 303
    assert [idea.slug for idea in await desk.store.list_ideas()] == ["closer"] * 3


@pytest.mark.parametrize("strange", ["name-" + "9" * 5000, "slots"])
async def test_a_number_that_no_form_of_ours_has_is_no_failure(desk: Desk, strange: str) -> None:
    _, path = await desk.claim("ideation")
    answer = await desk.send(await desk.get(path), "remove-1", **{strange: "9" * 5000, "content-2": "Use 1.41."})
    assert answer.status_code in {200, 409}, "the form again, whether or not it could be kept"
    assert fields_of_work(answer)["content-1"] == "Use 1.41."


async def test_ideas_are_previewed_removed_and_meant_for_somebody_with_their_files(desk: Desk) -> None:
    _, path = await desk.claim("ideation")
    by_enter = work_form(await desk.get(path)).select("button")[0]
    assert by_enter["value"] == "save", "the Enter key in a field must neither hand in nor take anything away"
    entered = {"content-1": "one", "content-2": "Use **1.41**.", "executor-2": "Ada", "evaluator-2": "nobody"}
    shown = await desk.send(await desk.get(path), "preview", **entered)
    assert words(page(shown).select_one(".preview strong")) == "1.41"
    removed = await desk.send(shown, "remove-1")
    assert slots(removed) == 2
    assert fields_of_work(removed)["content-1"] == "Use **1.41**."
    refused = await desk.send(removed, "submit")
    assert refused.status_code == 422
    assert "Nobody here is called this." in says(refused)
    form = page(refused).find("form", id="work")
    assert isinstance(form, Tag)
    fields = fields_of(form) | {"act": "submit", "evaluator-1": ""}
    files = [("files-1", ("plot.svg", b"<svg/>", "image/svg+xml"))]
    assert (await desk.browser.post(str(form["action"]), data=fields, files=files)).status_code == 303
    (idea,) = await desk.store.list_ideas()
    assert idea.intended_executor == Target(kind="worker", id=desk.ada.worker_id)
    assert await read_text(desk.store, idea.artifacts_uri) == "Use **1.41**.\n"
    await desk.world.decide()
    task = await desk.ada.pending("execution")
    said = says(await desk.get(f"/executor/{task.task_id}"))
    assert "With the idea" in said
    assert "plot.svg" in said


async def test_a_parent_is_found_among_all_variants_and_several_are_brought_together(desk: Desk) -> None:
    await desk.ada.evaluate(error=1.0)
    halfway = await desk.ada.variant("halfway", 1.2, error=0.56)
    sha = (await desk.store.read_variant(halfway)).variant_commit_sha or ""
    task, path = await desk.claim("ideation")
    answer = await desk.send(await desk.get(path), "parents-2", **{"content-2": "bring them together"})
    chooser = await desk.follow(answer)
    assert [words(one) for one in page(chooser).select("tbody label")] == ["halfway", "baseline"]
    found = await desk.get(f"{path}/parents?idea=2&q=HALF")
    assert [words(one) for one in page(found).select("tbody label")] == ["halfway"]
    both = [sha, desk.experiment.base_commit_sha]
    chosen = await desk.post(f"{path}/parents/choose", {"idea": "2", "commit": both})
    shown = await desk.follow(chosen)
    assert fields_of_work(shown)["content-2"] == "bring them together"
    assert (await desk.send(shown, "submit")).status_code == 303
    idea = next(one for one in await desk.store.list_ideas() if one.slug != "halfway")
    assert list(idea.parent_commits) == both
    assert (await desk.store.read_task(task.task_id)).state == "submitted"


async def test_an_address_may_name_what_to_build_on(desk: Desk) -> None:
    await desk.ada.evaluate(error=1.0)
    await desk.ada.variant("halfway", 1.2, error=0.56)
    base = desk.experiment.base_commit_sha or ""
    task = await desk.ada.pending("ideation")
    shown = await desk.get(f"/ideator?parent={base}")
    form = page(shown).select_one(f'form[action*="{task.task_id}/claim"]')
    assert isinstance(form, Tag)
    claimed = await desk.follow(await desk.browser.post(str(form["action"])))
    assert fields_of_work(claimed)["parent-1"] == base
    path = claimed.url.path.removeprefix("/e/hello")
    best, baseline = (await desk.store.list_variant_page(order="best")).items
    assert "to build on baseline." in says(await desk.get(f"/ideator?parent={baseline.variant_id}"))
    assert fields_of_work(await desk.get(f"{path}?parent={baseline.variant_id}"))["parent-1"] == base
    for nobody in ("var_nobody", "../x", "%00", "x" * 200):
        assert fields_of_work(await desk.get(f"{path}?parent={nobody}"))["parent-1"] == best.variant_commit_sha
        assert "to build on" not in says(await desk.get(f"/ideator?parent={nobody}"))
