"""What became of a result: it landed, it came too late, another one stands, or nobody knows; at every desk."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import httpx
import pytest
from bs4 import Tag

from store_client import TaskDetail
from tests.web.desk import Desk, fields_of, work_form
from tests.web.faults import lossy
from tests.web.reading import page, says
from tests.web.test_failure_pages import detour


@dataclass(frozen=True)
class Role:
    """How somebody works at one desk: how a task comes about, and two results for it."""

    claim: Callable[[Desk], Awaitable[tuple[TaskDetail, str]]]
    act: str
    entered: Mapping[str, str]
    other: Mapping[str, str]
    field: str


ROLES = {
    "ideator": Role(
        lambda desk: desk.claim("ideation"),
        "submit",
        {"content-1": "Use 1.41, it is closer."},
        {"content-1": "Use 1.5."},
        "content-1",
    ),
    "executor": Role(
        lambda desk: desk.claim_execution(),
        "error",
        {"reason": "It contradicts itself."},
        {"reason": "No."},
        "reason",
    ),
    "evaluator": Role(
        lambda desk: desk.claim("evaluation"),
        "submit",
        {"metric.error": "0.25", "notes": "It is closer."},
        {"metric.error": "0.5"},
        "notes",
    ),
}


@pytest.fixture(params=ROLES)
def role(request: pytest.FixtureRequest) -> Role:
    return ROLES[request.param]


def form_to(answer: httpx.Response, end: str) -> Tag:
    """The form of a page that is sent to an address with this end."""
    found = next(
        (form for form in page(answer).select("form") if str(form["action"]).partition("?")[0].endswith(end)), None
    )
    assert found is not None, says(answer)
    return found


async def test_what_nobody_knows_is_sent_again_and_lands_once(desk: Desk, role: Role) -> None:
    task, path = await role.claim(desk)
    form, line = await desk.get(path), lossy(desk.world)
    line.lose("requests", "/submit")
    unknown = await desk.send(form, role.act, **role.entered)
    assert unknown.status_code == 503
    assert "Nobody knows yet whether it arrived" in says(unknown)
    assert role.entered[role.field] in says(unknown)
    assert line.lost > 1  # it was tried again before anybody was told
    line.lose("requests", "/submission")
    assert (await desk.send(form, role.act, **role.entered)).status_code == 303  # nothing has to be read back
    line.heal()
    again = await desk.browser.post(
        str(form_to(unknown, "/submit")["action"]), data=fields_of(form_to(unknown, "/submit"))
    )
    assert again.headers["location"].endswith("/submitted")
    assert "What is stored" in says(await desk.follow(again))
    line.lose("answers", "/submit")
    assert (await desk.send(form, role.act, **role.entered)).status_code == 303  # it is stored, whoever answers
    line.lose("requests", "/submission", "/submit")
    assert (await desk.send(form, role.act, **role.entered)).status_code == 503
    assert (await desk.store.read_task(task.task_id)).state == "submitted"


async def test_another_result_stands_and_what_was_entered_stays(desk: Desk, role: Role) -> None:
    if role.act == "error":
        pytest.skip("two failures are the same result")
    _, path = await role.claim(desk)
    form = await desk.get(path)
    assert (await desk.send(form, role.act, **role.entered)).status_code == 303
    answer = await desk.send(form, role.act, **role.other)
    assert answer.status_code == 409
    assert "Another result stands" in says(answer)
    assert "The result that stands" in says(answer)
    assert next(iter(role.other.values())) in says(answer)


async def test_a_claim_that_is_gone_is_told_and_comes_back_with_what_was_entered(desk: Desk, role: Role) -> None:
    task, path = await role.claim(desk)
    form = await desk.get(path)
    await desk.post(f"/desk/{task.task_id}/release")
    await desk.store.claim_task(task.task_id)
    line = lossy(desk.world)
    line.lose("answers", "/submit")
    lost = await desk.send(form, role.act, **role.entered)
    assert lost.status_code == 409
    assert "Too late for" in says(lost)
    assert "Ada works on this." in says(lost)
    assert role.entered[role.field] in says(lost)
    assert "kept as your draft" in says(lost)
    line.heal()
    await desk.store.release_claim(task.task_id)
    shown = await desk.get(path)
    assert role.entered[role.field] in says(shown)
    await desk.browser.post(str(form_to(shown, "/claim")["action"]))
    assert fields_of(work_form(await desk.get(path))).items() >= dict(role.entered).items()


async def test_a_server_that_is_silent_from_the_first_call_loses_no_word(desk: Desk, role: Role) -> None:
    task, path = await role.claim(desk)
    form = await desk.get(path)
    desk.world.line.is_cut = True
    answer = await desk.send(form, role.act, **role.entered)
    assert answer.status_code == 503
    assert role.entered[role.field] in says(answer)
    desk.world.line.is_cut = False
    again = form_to(answer, "/submit")
    assert (await desk.browser.post(str(again["action"]), data=fields_of(again))).status_code == 303
    assert (await desk.store.read_task(task.task_id)).state == "submitted"


async def test_a_result_that_the_server_refuses_comes_back_with_its_reason_and_may_be_sent_again(
    desk: Desk, role: Role
) -> None:
    task, path = await role.claim(desk)
    form = await desk.get(path)
    told = {"type": "eden://error/invalid-precondition", "status": 409, "detail": "the scale is not that of the schema"}
    refusal = httpx.Response(409, json=told, headers={"content-type": "application/problem+json"})
    line = detour(desk.world, lambda asked: refusal if asked.url.path.endswith("/submit") else None)
    answer = await desk.send(form, role.act, **role.entered)
    assert answer.status_code == 422
    assert "the scale is not that of the schema" in says(answer)
    assert fields_of(form_to(answer, "/submit")).items() >= dict(role.entered).items()
    assert (await desk.store.read_task(task.task_id)).state == "claimed"
    line.instead = lambda _asked: None
    assert (await desk.send(answer, role.act, **role.entered)).status_code == 303
