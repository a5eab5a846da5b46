"""What a server may do as it likes is taken as it comes; what it may not is said in words."""

from typing import Any

import pytest
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from store_client.client import StoreClient
from store_client.errors import (
    BadRequest,
    Forbidden,
    IllegalTransition,
    NotFound,
    ProtocolBroken,
    SwitchyardError,
    Unauthorized,
    Unavailable,
)
from store_client.transport import Upload
from store_client.wire.calls import CALLS
from store_client.wire.tasks import IdeationResult
from tests.wire.canned import CLAIM, EXPERIMENT, WORKER, Server, problem

NOW = "2030-01-01T00:00:00Z"
SHA = "a" * 40
GROUP: dict[str, Any] = {"group_id": f"grp_{'1' * 26}", "experiment_id": EXPERIMENT, "members": [], "created_at": NOW}
IDEA: dict[str, Any] = {
    "idea_id": "i" * 500, "experiment_id": EXPERIMENT, "slug": "s" * 500, "priority": 1, "parent_commits": [SHA],
    "artifacts_uri": "urn:x", "state": "ready", "created_at": NOW,
}  # fmt: skip
TASK = {"task_id": "t", "kind": "ideation", "state": "pending", "payload": {"experiment_id": EXPERIMENT}}
TASK |= {"created_at": NOW, "updated_at": NOW}
RESULT = {"idea_ids": [], "status": "success"}


def store(*answers: Response) -> StoreClient:
    return Server([*answers]).store()


async def test_nothing_comes_back_from_a_mark_ready_and_the_idea_is_read() -> None:
    assert (await store(Response(), JSONResponse(IDEA)).mark_idea_ready("i")).idea_id == IDEA["idea_id"]


async def test_a_membership_edit_may_be_answered_with_204() -> None:
    added = store(Response(status_code=204), JSONResponse(GROUP))
    assert (await added.add_to_group(GROUP["group_id"], WORKER)).group_id == GROUP["group_id"]
    await store(Response(status_code=200)).delete_group("grp")


async def test_nulls_and_fields_nobody_knows_are_passed_over() -> None:
    odd = {"warnings": None, "intended_executor": None, "x": {"y": [None]}}
    assert (await store(JSONResponse(IDEA | odd)).read_idea("i")).intended_executor is None
    mode = await store(
        JSONResponse({"termination": None, "integration": "manual", "vendor": "auto"})
    ).read_dispatch_mode()
    assert (mode.termination, mode.integration) == ("manual", "manual")
    claim = await store(JSONResponse(CLAIM | {"expires_at": None})).claim_task("t")
    assert claim.expires_at is None


async def test_lists_may_stand_inside_an_object() -> None:
    assert len(await store(JSONResponse({"ideas": [IDEA], "next": None})).list_ideas()) == 1
    assert len(await store(JSONResponse([IDEA])).list_ideas()) == 1


async def test_a_submission_may_be_wrapped() -> None:
    for told in (RESULT, {"payload": RESULT}, {"task_id": "t", "status": "submitted", "payload": RESULT}):
        assert await store(JSONResponse(told)).read_submission("t") == RESULT


async def test_a_metric_that_is_null_stays_null() -> None:
    told = {"variant_id": "v", "status": "success", "evaluation": {"x": None}}
    assert (await store(JSONResponse(told)).read_submission("t"))["evaluation"] == {"x": None}


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (HTMLResponse("<h1>Not found</h1>", 404), NotFound, "404 with text/html"),
        (HTMLResponse("<h1>Who?</h1>", 401), Unauthorized, "401 with text/html"),
        (PlainTextResponse("no", 403), Forbidden, "403 with text/plain"),
        (Response(status_code=409), IllegalTransition, "409 with nothing"),
        (JSONResponse("no", 400), BadRequest, "400 with application/json"),
        (HTMLResponse("slow down", 429), Unavailable, "429"),
        (HTMLResponse("bad gateway", 502), Unavailable, "502 with text/html"),
        (problem(418, "teapot"), BadRequest, "because"),
        (problem(409, "of-tomorrow"), IllegalTransition, "because"),
        (JSONResponse({"type": 7, "title": None}, 403), Forbidden, "403"),
        (Response(status_code=302, headers={"location": "/"}), ProtocolBroken, "302"),
        (HTMLResponse("<h1>Hello</h1>"), ProtocolBroken, "text/html, not JSON"),
        (Response(), ProtocolBroken, "nothing, not JSON"),
        (JSONResponse({}), ProtocolBroken, "task_id: Field required"),
        (JSONResponse(TASK | {"state": "resting"}), ProtocolBroken, "state"),
        (JSONResponse([TASK]), ProtocolBroken, "another shape"),
        (PlainTextResponse("[" * 100_000, media_type="application/json"), ProtocolBroken, "read_task"),
    ],
)
async def test_an_answer_of_a_stranger_is_an_error_that_says_what_came(
    answer: Response, error: type[SwitchyardError], words: str
) -> None:
    with pytest.raises(error, match=words):
        await store(answer).read_task("t")


SAFE = {
    "submit_task", "integrate_variant", "deposit_artifact", "terminate_experiment", "renew_claim", "renew_lease",
    "release_lease", "create_training", "schedule_training", "begin_attempt", "report_attempt", "end_attempt",
    "keep_checkpoints", "save_draft", "forget_draft", "change_view", "delete_view", "preview_bulk_act",
    "quarantine_gpu", "drain_gpu", "readmit_gpu", "set_policy", "set_experiment_share", "set_operator_share",
    "grant_role", "withdraw_role", "publish_variant", "inspect_checkpoint", "end_lease",
    "remove_work_branches", "restore_work_branches", "set_out_to_provider", "unlink_provider",
    "check_config", "change_config", "archive_experiment", "unarchive_experiment", "reopen_arrays",
}  # fmt: skip


def test_only_what_changes_nothing_the_second_time_is_repeated() -> None:
    repeated = {call.name for call in CALLS if call.is_repeatable and not call.is_read}
    assert repeated == SAFE
    assert all(call.is_repeatable for call in CALLS if call.is_read)


async def test_what_is_safe_is_repeated_and_what_is_not_is_asked_once() -> None:
    server = Server([PlainTextResponse("", 503)])
    result = IdeationResult(idea_ids=(), status="success")
    for act, attempts in (
        (lambda: server.store().submit_task("t", result), 3),
        (lambda: server.store().integrate_variant("v", SHA), 3),
        (lambda: server.store().deposit_artifact(Upload("f", b"x")), 3),
        (lambda: server.store().claim_task("t"), 1),
        (lambda: server.store().accept_task("t"), 1),
        (lambda: server.store().reclaim_task("t", "operator"), 1),
    ):
        server.requests.clear()
        with pytest.raises(Unavailable):
            await act()
        assert len(server.requests) == attempts


class Once:
    """Content that can be read once only, as a pipe's."""

    def __init__(self) -> None:
        self._left = [b"once"]

    def seekable(self) -> bool:
        return False

    def read(self, _size: int = -1) -> bytes:
        return self._left.pop() if self._left else b""


async def test_an_upload_that_cannot_be_read_again_is_sent_once() -> None:
    server = Server([PlainTextResponse("", 503)])
    with pytest.raises(Unavailable):
        await server.store().deposit_artifact(Upload("pipe", Once()))  # type: ignore[arg-type] # as much of a file as is needed
    assert len(server.requests) == 1
    assert b"once" in server.bodies[0]
