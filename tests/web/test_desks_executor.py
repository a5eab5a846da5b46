"""The executor's desk: an idea becomes a commit, is looked at, and handed in."""

import asyncio

import httpx
import pytest

from store_client import Assignment, TaskDetail
from tests.web.desk import Desk, fields_of, work_form
from tests.web.reading import page, part, says, words

BODY = {"description": "Tried 1.41."}


def branch_of(desk: Desk, task: TaskDetail) -> str:
    """The branch that the page tells its holder to push."""
    assert task.claim is not None
    assignment = Assignment(desk.experiment, task.task_id, task.claim)
    return assignment.branch(assignment.variant_id)


async def pushed(desk: Desk, number: str = "1.41") -> tuple[TaskDetail, str, str]:
    """A claimed execution with a commit on its branch: the task, its page and the commit."""
    task, path = await desk.claim_execution(content=number)
    return task, path, desk.push(branch_of(desk, task), task.parent_commits[0], guess__txt=f"{number}\n")


def commits(answer: httpx.Response) -> list[str]:
    return [str(option["value"]) for option in page(answer).select("#commit option")]


def checks(answer: httpx.Response) -> list[str]:
    return [words(check) for check in page(answer).select(".checks li")]


async def test_the_page_shows_the_idea_safely_and_how_to_work_on_it(desk_with_git: Desk) -> None:
    desk = desk_with_git
    text = "Use **1.41**.\n\n<script>alert(1)</script>\n\n[bad](javascript:alert(1)) [good](https://example.org/) ![x](https://example.org/x.png)"
    task, path = await desk.claim_execution("closer", text)
    shown = await desk.get(path)
    prose = page(shown).select_one(".prose")
    assert prose is not None
    assert words(prose.find("strong")) == "1.41"
    assert prose.find(["script", "img"]) is None
    assert next((link["href"], link["rel"]) for link in prose.find_all("a")) == (
        "https://example.org/",
        ["noopener", "noreferrer", "nofollow"],
    )
    assert "javascript:" not in str(prose.find_all("a"))
    commands = words(page(shown).select_one(".code code"))
    assert f"git switch -c {branch_of(desk, task)} {task.parent_commits[0][:12]}" in commands
    assert "/git/hello.git hello" in commands
    assert "nothing pushed yet" in words(part(shown, "commit"))


async def test_a_push_to_the_branch_is_found_checked_and_shown(desk_with_git: Desk) -> None:
    desk = desk_with_git
    _, path, commit = await pushed(desk)
    shown = await desk.get(path)
    assert fields_of(work_form(shown))["commit"] == commit
    base = desk.experiment.base_commit_sha or ""
    assert checks(shown) == [
        f"Passed: Descends from its parent baseline at {base[:7]}",
        f"Passed: Changes something 1 file, +1 {chr(8722)}1",
    ]
    assert [words(line) for line in page(shown).select(".diff .is-added, .diff .is-removed")] == ["-1.0", "+1.41"]
    assert "2 checks passed" in words(part(shown, "steps"))


async def test_a_commit_is_submitted_with_its_description_and_its_evaluation_waits(desk_with_git: Desk) -> None:
    desk = desk_with_git
    task, path, commit = await pushed(desk)
    answer = await desk.send(await desk.get(path), "submit", **BODY)
    assert "An evaluation comes next." in says(await desk.follow(answer))
    submitted = await desk.submitted(task.task_id)
    assert (submitted["status"], submitted["commit_sha"]) == ("success", commit)
    variant = await desk.store.read_variant_detail(submitted["variant_id"])
    assert (variant.description, variant.branch) == ("Tried 1.41.", branch_of(desk, task))
    await desk.world.decide()
    assert (await desk.store.list_tasks("evaluation", None))[-1].payload["variant_id"] == variant.variant_id


async def test_sending_twice_lands_once_even_after_it_was_accepted(desk_with_git: Desk) -> None:
    desk = desk_with_git
    task, path, _ = await pushed(desk)
    form = await desk.get(path)
    for _ in range(2):
        assert (await desk.send(form, "submit", **BODY)).status_code == 303
    await desk.world.decide()
    assert (await desk.store.read_task(task.task_id)).state == "completed"
    assert (await desk.send(form, "submit", **BODY)).status_code == 303
    assert len([one for one in await desk.store.list_variants() if one.kind is None]) == 1


async def test_a_second_different_commit_does_not_replace_the_first(desk_with_git: Desk) -> None:
    desk = desk_with_git
    task, path, commit = await pushed(desk)
    form = await desk.get(path)
    await desk.send(form, "submit", **BODY)
    other = desk.push(f"{branch_of(desk, task)}-2", task.parent_commits[0], guess__txt="1.5\n")
    answer = await desk.send(form, "submit", pasted=other, **BODY)
    assert answer.status_code == 409
    assert "that one stands" in says(answer)
    assert (await desk.submitted(task.task_id))["commit_sha"] == commit


async def test_another_push_of_ones_own_can_be_chosen_and_checked_first(desk_with_git: Desk) -> None:
    desk = desk_with_git
    task, path, _ = await pushed(desk)
    other = desk.push(f"{branch_of(desk, task)}-2", task.parent_commits[0], guess__txt="1.5\n")
    shown = await desk.get(path)
    assert other in commits(shown)
    checked = await desk.send(shown, "check", commit=other, **BODY)
    assert checked.status_code == 200
    assert "+1.5" in checked.text
    assert "Tried 1.41." in checked.text
    assert (await desk.send(checked, "submit")).status_code == 303
    submitted = await desk.submitted(task.task_id)
    assert submitted["commit_sha"] == other
    assert (await desk.store.read_variant(submitted["variant_id"])).branch == f"{branch_of(desk, task)}-2"


async def test_a_commit_that_cannot_be_handed_in_says_why_and_keeps_the_draft(desk_with_git: Desk) -> None:
    desk = desk_with_git
    task, path, _ = await pushed(desk)
    base = task.parent_commits[0]
    stranger = desk.push(f"{branch_of(desk, task)}-3", base, guess__txt="1.3\n")
    for pasted, said in (
        ("0" * 40, "The server has no such commit. Push it first"),
        (base, "It has the very files of its parent."),
        ("main", "This is not a whole commit id"),
        (stranger[:7], "This is not a whole commit id"),
    ):
        answer = await desk.send(await desk.get(path), "submit", pasted=pasted, **BODY)
        assert answer.status_code == 422
        assert said in says(answer)
        assert fields_of(work_form(answer)).items() >= {"pasted": pasted, **BODY}.items()
    assert (await desk.store.read_task(task.task_id)).state == "claimed"


async def test_a_commit_that_does_not_descend_from_the_parent_is_sent_back(desk_with_git: Desk) -> None:
    desk = desk_with_git
    await desk.ada.evaluate(error=1.0)
    first = await desk.ada.variant("first", 1.2, error=0.56)
    built_on = (await desk.store.read_variant(first)).variant_commit_sha or ""
    await desk.ada.propose("second", parents=(built_on,))
    task, path = await desk.claim("execution")
    astray = desk.push(branch_of(desk, task), desk.experiment.base_commit_sha or "", guess__txt="1.41\n")
    shown = await desk.get(path)
    assert any("Does not descend from its parent" in check for check in checks(shown))
    answer = await desk.send(shown, "submit", commit=astray, **BODY)
    assert answer.status_code == 422
    assert "It does not descend from the idea's parent." in says(answer)


async def test_the_git_password_is_shown_once_and_pushes_the_holders_branch_alone(desk_with_git: Desk) -> None:
    desk = desk_with_git
    task, path = await desk.claim_execution()
    answer = await desk.send_to(await desk.get(path), f"{path}/git-password", description="half a thought")
    assert answer.headers["cache-control"] == "no-store"
    assert "half a thought" in answer.text
    codes = [words(code) for code in page(answer).select(".code code")]
    clone, password = codes[0].split()[2], codes[1]
    address = clone.replace("@", f":{password}@")
    bare = desk.world.data / "clone"
    git = desk.world.git
    await asyncio.to_thread(git, "clone", "--quiet", address, str(bare), cwd=desk.world.data)
    git.commit(bare, guess__txt="1.41\n")
    own, canonical = f"HEAD:refs/heads/{branch_of(desk, task)}", "HEAD:refs/heads/main"
    await asyncio.to_thread(git, "push", "--quiet", "origin", own, cwd=bare)
    assert (await asyncio.to_thread(git.tried, "push", "--quiet", "origin", canonical, cwd=bare)).returncode != 0
    assert password not in (await desk.get(path)).text


async def test_whoever_lost_the_claim_gets_no_password_and_keeps_the_draft(desk_with_git: Desk) -> None:
    desk = desk_with_git
    task, path = await desk.claim_execution()
    form = await desk.get(path)
    await desk.post(f"/desk/{task.task_id}/release")
    answer = await desk.send_to(form, f"{path}/git-password", description="half a thought")
    assert answer.status_code == 409
    assert "There is no password for this" in says(answer)
    assert "half a thought" in answer.text


async def test_an_executor_may_say_why_it_could_not_be_done(desk_with_git: Desk) -> None:
    desk = desk_with_git
    task, path = await desk.claim_execution()
    nothing = await desk.send(await desk.get(path), "error")
    assert nothing.status_code == 422
    assert "Say it in a sentence" in says(nothing)
    answer = await desk.send(nothing, "error", reason="The idea contradicts itself.")
    assert "handed back as failed" in says(await desk.follow(answer))
    await desk.world.decide()
    variant = next(one for one in await desk.store.list_variants() if one.kind is None)
    assert variant.status == "error"
    assert (await desk.store.read_task(task.task_id)).state == "failed"
    assert variant.description == "The idea contradicts itself."


async def test_a_lost_claim_makes_no_variant_and_keeps_the_draft(desk_with_git: Desk) -> None:
    desk = desk_with_git
    task, path, _ = await pushed(desk)
    form = await desk.get(path)
    await desk.post(f"/desk/{task.task_id}/release")
    await desk.store.claim_task(task.task_id)
    answer = await desk.send(form, "submit", **BODY)
    assert answer.status_code == 409
    assert "Your claim had ended" in says(answer)
    assert "Tried 1.41." in answer.text
    assert [one for one in await desk.store.list_variants() if one.kind is None] == []


@pytest.mark.parametrize("claim", ["", "forged"])
async def test_a_forged_claim_hands_nothing_in(desk_with_git: Desk, claim: str) -> None:
    desk = desk_with_git
    task, path, _ = await pushed(desk)
    answer = await desk.send(await desk.get(path), "submit", claim=claim, **BODY)
    assert answer.status_code == 422
    assert "Nothing was submitted." in says(answer)
    assert (await desk.store.read_task(task.task_id)).state == "claimed"


async def test_a_repository_that_does_not_answer_is_told_and_nothing_is_submitted(desk: Desk) -> None:
    task, path = await desk.claim_execution()
    shown = await desk.get(path)
    assert shown.status_code == 200
    assert "The repository does not answer now" in says(shown)
    answer = await desk.send(shown, "submit", pasted="0" * 40, **BODY)
    assert answer.status_code == 422
    assert "The repository does not answer now" in says(answer)
    assert (await desk.store.read_task(task.task_id)).state == "claimed"
