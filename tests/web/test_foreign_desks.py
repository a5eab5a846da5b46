"""A person's work on somebody else's server, by hand, from the idea to the score."""

import re
from typing import Any

import httpx
import pytest
from bs4 import Tag

from store_client import ExperimentDetail
from tests.web.desk import Desk, fields_of, work_form
from tests.web.foreign import Foreign
from tests.web.reading import page, says, words


@pytest.fixture
async def one(foreign: Foreign) -> ExperimentDetail:
    return await foreign.world.experiment()


async def at_desk(foreign: Foreign, one: ExperimentDetail, **own: Any) -> Desk:
    """Olga at the desks, with what her console was told besides her credential."""
    held = foreign.credentials({one.experiment_id: await foreign.worker(one)})
    console = await foreign.console(experiment_id=one.experiment_id, credential_file=held, **own)
    return await foreign.desk(one, console)


def value_of(answer: httpx.Response, name: str) -> str:
    """What a field of the page's form holds."""
    return fields_of(work_form(answer))[name]


async def test_several_ideas_are_handed_in_at_once(foreign: Foreign, one: ExperimentDetail) -> None:
    desk = await at_desk(foreign, one, config=foreign.config(one))
    task, path = await desk.claim("ideation")
    answer = await desk.get(path)
    assert "On the queue" not in says(answer)
    assert not page(answer).select("form[action$='/extend']")
    entered = {"content-1": "Guess lower.\n", "content-2": "Guess higher.", "priority-2": "0.9"}
    sent = await desk.send(answer, "submit", **entered)
    assert "2 ideas submitted" in says(await desk.follow(sent))
    submission = await desk.submitted(task.task_id)
    ideas = [await desk.store.read_idea_detail(id_) for id_ in submission["idea_ids"]]
    assert [(idea.slug, idea.author_name, idea.state.value) for idea in ideas] == [
        ("guess-lower", "Olga", "ready"),
        ("guess-higher", "Olga", "ready"),
    ]
    own = await desk.get(f"/ideas/{ideas[0].idea_id}")
    assert "Guess lower." in says(own)  # one's own text is to be had


async def test_what_to_build_on_is_pasted_where_nothing_is_offered(foreign: Foreign, one: ExperimentDetail) -> None:
    foreign.fence.untold = ("base_commit_sha",)
    desk = await at_desk(foreign, one)
    task, path = await desk.claim("ideation")
    answer = await desk.get(path)
    assert page(answer).select("input[name=parent-1]")
    nothing = await desk.send(answer, "submit", **{"content-1": "Guess lower."})
    assert nothing.status_code == 422
    assert "Choose what it builds on" in says(nothing)
    base = str(one.base_commit_sha)
    sent = await desk.send(answer, "submit", **{"content-1": "Guess lower.", "parent-1": base})
    assert sent.status_code == 303, says(sent)
    (idea_id,) = (await desk.submitted(task.task_id))["idea_ids"]
    assert (await desk.store.read_idea(idea_id)).parent_commits == (base,)


async def test_a_commit_is_picked_where_the_repository_is_known(foreign: Foreign, one: ExperimentDetail) -> None:
    repository = foreign.world.repository(one.experiment_id)
    desk = await at_desk(foreign, one, repository=str(repository))
    task, path = await desk.claim_execution()
    answer = await desk.get(path)
    assert f"git clone {repository}" in words(page(answer).select_one("section[aria-labelledby=locally]"))
    assert "Show password" not in says(answer)
    commit = desk.push("work/olga/try-it", task.parent_commits[0], guess__txt="1.4\n")
    answer = await desk.get(path)
    offered = {str(option["value"]) for option in page(answer).select("select[name=commit] option")}
    assert commit in offered
    checked = await desk.send(answer, "check", commit=commit)
    assert "Descends from its parent" in says(checked)
    sent = await desk.send(checked, "submit", commit=commit, description="wrote 1.4")
    assert "is submitted" in says(await desk.follow(sent))
    await foreign.world.decide()
    variant = (await desk.store.list_variant_page(limit=1)).items[0]
    assert (variant.commit_sha, variant.branch, variant.executor_name) == (commit, "work/olga/try-it", "Olga")


async def test_a_commit_is_pasted_where_no_repository_is_known(foreign: Foreign, one: ExperimentDetail) -> None:
    desk = await at_desk(foreign, one)
    task, path = await desk.claim_execution()
    answer = await desk.get(path)
    assert not page(answer).select("select[name=commit]")
    branch = value_of(answer, "branch")
    assert re.fullmatch(r"work/wkr_\w+/v-\w+", branch)
    commit = desk.push(branch, task.parent_commits[0], guess__txt="1.4\n")
    wrong = await desk.send(answer, "submit", pasted=commit[:7], branch="main")
    assert wrong.status_code == 422
    assert "not a whole commit id" in says(wrong)
    assert "begins with work/" in says(wrong)
    sent = await desk.send(answer, "submit", pasted=commit)
    assert sent.status_code == 303, says(sent)
    await foreign.world.decide()
    variant = (await desk.store.list_variant_page(limit=1)).items[0]
    assert (variant.commit_sha, variant.branch) == (commit, branch)


async def test_what_could_not_be_done_is_handed_back(foreign: Foreign, one: ExperimentDetail) -> None:
    desk = await at_desk(foreign, one)
    task, path = await desk.claim_execution()
    sent = await desk.send(await desk.get(path), "error", reason="it does not compile")
    assert "handed back as failed" in says(await desk.follow(sent))
    assert (await desk.submitted(task.task_id))["status"] == "error"


async def test_metrics_are_typed_by_the_schema_where_the_config_is_known(
    foreign: Foreign, one: ExperimentDetail
) -> None:
    desk = await at_desk(foreign, one, config=foreign.config(one))
    task, path = await desk.claim("evaluation")
    answer = await desk.get(path)
    wrong = await desk.send(answer, "submit", **{"metric.error": "much"})
    assert wrong.status_code == 422
    assert "Enter a number" in says(wrong)
    sent = await desk.send(wrong, "submit", **{"metric.error": "0.5"})
    assert sent.status_code == 303, says(sent)
    assert (await desk.submitted(task.task_id))["evaluation"] == {"error": 0.5}


async def test_metrics_are_named_by_the_person_where_the_schema_is_not_known(
    foreign: Foreign, one: ExperimentDetail
) -> None:
    desk = await at_desk(foreign, one)
    task, path = await desk.claim("evaluation")
    answer = await desk.get(path)
    more = await desk.send(answer, "add", **{"measure-1": "error", "value-1": "0.5"})
    assert len(page(more).select("input[name^=measure-]")) == 4
    wrong = await desk.send(more, "submit", **{"measure-1": "the error", "measure-2": "x", "value-2": ""})
    assert wrong.status_code == 422
    assert "letters, digits and underscores" in says(wrong)
    assert "Enter what was measured" in says(wrong)
    sent = await desk.send(wrong, "submit", **{"measure-1": "error", "measure-2": "", "value-1": "0.5"})
    assert sent.status_code == 303, says(sent)
    assert (await desk.submitted(task.task_id))["evaluation"] == {"error": 0.5}
    await foreign.world.decide()
    assert "0.500" in says(await desk.get("/variants"))


async def test_a_task_is_given_back_by_who_holds_it(foreign: Foreign, one: ExperimentDetail) -> None:
    desk = await at_desk(foreign, one)
    task, _ = await desk.claim("evaluation")
    assert "Claimed by you" in says(await desk.get("/evaluator"))
    released = await desk.post(f"/desk/{task.task_id}/release")
    assert "The task is released" in says(await desk.follow(released))
    assert (await desk.store.read_task(task.task_id)).state == "pending"


async def test_a_form_of_a_claim_that_has_ended_loses_nothing(foreign: Foreign, one: ExperimentDetail) -> None:
    desk = await at_desk(foreign, one, config=foreign.config(one))
    task, path = await desk.claim("evaluation")
    answer = await desk.get(path)
    await desk.store.reclaim_task(task.task_id, "operator")
    sent = await desk.send(answer, "submit", **{"metric.error": "0.5"})
    assert sent.status_code == 409
    assert "Your claim had ended" in says(sent)
    again = page(sent).find("form", action=re.compile("/submit$"))
    assert isinstance(again, Tag)
    form = await desk.browser.post(str(again["action"]), data=fields_of(again) | {"act": "show"})
    assert value_of(form, "metric.error") == "0.5"
