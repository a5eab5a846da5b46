"""Lists of variants, ideas and tasks, and one of each: the right facts, and nothing of another experiment."""

import httpx
import pytest

from tests.web.desk import Desk
from tests.web.reading import page, part, rows, says, words
from tests.web.work import Worker
from web_ui.filters import MINUS


async def test_variants_stand_newest_first_or_best_first_with_their_distance_to_the_baseline(desk: Desk) -> None:
    await desk.ada.evaluate(error=1.0)
    await desk.ada.variant("near", 1.4, error=0.04)
    await desk.ada.variant("far", 2.0, error=2.0)
    newest = [row[0] for row in rows(part(await desk.get("/variants"), "variants"))]
    assert newest == ["3 far Ada", "2 near Ada", "1 baseline"]
    best = rows(part(await desk.get("/variants?order=best"), "variants"))
    assert [row[:3] for row in best] == [
        ["2 near Ada", "integrated the best so far", f"0.0400 {MINUS}0.9600"],
        ["1 baseline", "scored the baseline", "1.0000"],
        ["3 far Ada", "integrated", "2.0000 +1.0000"],
    ]


async def test_variants_can_be_narrowed_to_a_status_and_odd_filters_are_passed_over(desk: Desk) -> None:
    await desk.ada.evaluate(error=1.0)
    await desk.ada.propose("broken")
    await desk.ada.execute()
    failed = rows(part(await desk.get("/variants?status=error"), "variants"))
    assert [row[0] for row in failed] == ["2 broken Ada"]
    for odd in ("status=great&order=worst", "after=%00", "after=x&after=y"):
        assert (await desk.get(f"/variants?{odd}")).status_code in {200, 400, 409}


async def test_a_variant_shows_its_score_its_parent_and_what_it_changed(desk_with_git: Desk) -> None:
    desk = desk_with_git
    await desk.ada.evaluate(error=1.0)
    variant_id = await desk.ada.variant("near", 1.4, error=0.04)
    shown = await desk.get(f"/variants/{variant_id}")
    assert "The best so far; it is part of the canonical lineage." in says(shown)
    assert words(part(shown, "facts")) == f"error 0.0400 {MINUS}0.9600 from the baseline"
    parent = part(shown, "origin").find("a", string="baseline")
    assert parent is not None
    assert "1.0000" in words(part(shown, "origin"))
    assert [words(line) for line in page(shown).select(".diff .is-added, .diff .is-removed")] == ["-1.0", "+1.4"]
    assert "against baseline" in says(shown)
    said = (await desk.store.read_variant(variant_id)).description
    assert said
    assert said in says(shown)


async def test_a_variant_whose_repository_is_silent_still_shows_everything_else(desk: Desk) -> None:
    await desk.ada.evaluate(error=1.0)
    variant_id = await desk.ada.variant("near", 1.4, error=0.04)
    shown = await desk.get(f"/variants/{variant_id}")
    assert shown.status_code == 200
    assert "The repository does not answer now" in says(shown)
    assert "0.0400" in says(shown)


async def test_an_idea_shows_its_text_its_author_and_what_came_of_it(desk: Desk) -> None:
    await desk.ada.evaluate(error=1.0)
    await desk.ada.propose("near", content="Use *1.4*. <img src=x onerror=alert(1)>")
    await desk.ada.execute(guess__txt="1.4\n")
    idea = (await desk.store.list_ideas())[0]
    assert rows(part(await desk.get("/ideas"), "ideas"))[0][:4] == ["near Ada", "completed", "0.5000", "1 variant"]
    shown = await desk.get(f"/ideas/{idea.idea_id}")
    prose = page(shown).select_one(".prose")
    assert prose is not None
    assert prose.find("img") is None
    assert words(prose) == "Use 1.4 . <img src=x onerror=alert(1)>"
    assert "Proposed by Ada" in says(shown)
    assert "variant 2 Ada" in words(part(shown, "made"))
    assert "No idea is like that" in says(await desk.get("/ideas?state=ready"))


async def test_open_tasks_come_first_and_every_task_can_be_listed(desk: Desk) -> None:
    await desk.ada.propose("near")
    held = await desk.ada.claim("execution")
    shown = await desk.get("/tasks")
    assert [row[:3] for row in rows(part(shown, "held"))] == [["near execution", "claimed", "Ada"]]
    waiting = {row[0] for row in rows(part(shown, "tasks"))}
    assert waiting == {"New ideas ideation", "baseline evaluation"}
    completed = rows(part(await desk.get("/tasks?state=completed"), "tasks"))
    assert [row[:2] for row in completed] == [["New ideas ideation", "completed"]]
    of_a_kind = await desk.get("/tasks?kind=execution&state=any")
    assert {row[0] for row in rows(part(of_a_kind, "tasks"))} == {"near execution"}
    assert f"/tasks/{held.task_id}" in of_a_kind.text


async def test_a_task_tells_how_it_came_to_where_it_stands(desk: Desk) -> None:
    await desk.ada.propose("near")
    await desk.ada.execute(guess__txt="1.4\n")
    task = (await desk.store.list_tasks("execution"))[0]
    shown = await desk.get(f"/tasks/{task.task_id}")
    told = [words(line.select_one(".feed-what")) for line in part(shown, "history").select("li")]
    assert told == ["Accepted", "Submitted by Ada", "Claimed by Ada", "Created"]
    assert "Outcome success Variant near Commit" in words(part(shown, "submission"))
    assert part(shown, "facts").find("a", string="near") is not None


async def test_a_task_that_was_given_back_says_why(desk: Desk) -> None:
    task = await desk.ada.claim("ideation")
    await desk.store.release_claim(task.task_id)
    shown = await desk.get(f"/tasks/{task.task_id}")
    assert "Given back: its claim was given up" in words(part(shown, "history"))


async def test_long_lists_go_forward_and_back_over_the_same_pages(desk: Desk) -> None:
    for number in range(60):
        idea = await desk.ada.draft(f"idea-{number}", (desk.experiment.base_commit_sha or "",), "Try.")
        assert idea
    first = await desk.get("/ideas")
    assert "1 to 50 of 60" in says(first)
    later = page(first).find("a", rel="next")
    assert later is not None
    second = await desk.browser.get(str(later["href"]))
    assert "51 to 60 of 60" in says(second)
    assert rows(part(second, "ideas"))[-1][0] == "idea-0 Ada"
    earlier = page(second).find("a", rel="prev")
    assert earlier is not None
    assert rows(part(await desk.browser.get(str(earlier["href"])), "ideas"))[0][0] == "idea-59 Ada"


@pytest.mark.parametrize("path", ["/variants/nobody", "/ideas/nobody", "/tasks/nobody", "/variants/%00"])
async def test_what_is_not_here_gets_a_clear_page(desk: Desk, path: str) -> None:
    answer = await desk.get(path)
    assert answer.status_code in {400, 404, 409}
    assert "This page failed" not in says(answer)


async def test_nothing_of_one_experiment_is_shown_in_another(desk: Desk) -> None:
    other = await desk.world.experiment("Other")
    eve = await Worker.of(desk.world, other, "Eve")
    await eve.evaluate(error=1.0)
    theirs = await eve.variant("secret-plan", 1.3, error=0.3)
    idea = (await eve.store.list_ideas())[0]
    for path in ("/variants", "/ideas", "/tasks?state=any", "/executor", "/jobs"):
        shown: httpx.Response = await desk.get(path)
        assert "secret-plan" not in shown.text
    for path in (f"/variants/{theirs}", f"/ideas/{idea.idea_id}"):
        assert (await desk.get(path)).status_code == 404


async def test_tasks_and_ideas_are_narrowed_by_who_did_them_and_tasks_by_their_age(desk: Desk) -> None:
    await desk.ada.evaluate(error=1.0)
    await desk.ada.propose("near")
    bob = await Worker.of(desk.world, desk.experiment, "Bob")
    bob.numbers = desk.ada.numbers
    await bob.propose("far")

    async def found(path: str, kept: str) -> list[str]:
        return [row[0] for row in rows(part(await desk.get(path), kept))]

    assert await found("/ideas?q=by:Bob", "ideas") == ["far Bob"]
    assert await found(f"/ideas?by={bob.worker_id}", "ideas") == ["far Bob"]
    assert await found("/tasks?q=by:Ada kind:evaluation", "tasks") == ["baseline evaluation"]
    assert await found("/tasks?q=by:me", "tasks") == []
    everything = await found("/tasks?q=state:any", "tasks")
    assert sorted(await found("/tasks?q=age<1h", "tasks")) == sorted(everything)
    assert await found("/tasks?q=age>1h", "tasks") == []
    assert "the newest first" in words(part(await desk.get("/tasks?q=age<1h"), "tasks"))
    assert "Take these back" in says(await desk.get("/tasks?q=age<1h"))
    assert await found("/tasks?q=NEA", "tasks") == ["near execution"]
    assert "by priority" in words(part(await desk.get("/tasks?q=near"), "tasks"))
    for nothing in ("/tasks?q=%22%22", "/tasks?q=state:any", "/tasks?q=%00"):
        assert "Take these back" not in says(await desk.get(nothing))
    assert "is compared with a time like" in says(await desk.get("/tasks?q=age<soon"))
    assert "Nobody in this experiment is called" in says(await desk.get("/ideas?q=by:Zoe"))
