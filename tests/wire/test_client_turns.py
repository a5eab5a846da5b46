"""Deciding, creating and integrating through silence: done once, or the caller learns that nobody knows."""

from collections.abc import Awaitable, Callable

import httpx
import pytest
from starlette.responses import JSONResponse, PlainTextResponse, Response

from store_client.client import StoreClient
from store_client.creation import settle_idea, settle_task, settle_variant
from store_client.errors import AlreadyExists, IllegalTransition, Unreachable
from store_client.settle import Corrupt, Landed, Lost, Settled, Unknown, settle_integration
from store_client.turns import settle_accept, settle_reclaim, settle_reject
from store_client.wire.ideas import CreateIdea
from store_client.wire.tasks import CreateTask, Task
from store_client.wire.variants import CreateVariant, VariantStatus
from tests.wire.canned import CLAIM, EXPERIMENT, Server, problem

NOW = "2030-01-01T00:00:00Z"
SILENCE = PlainTextResponse("", 503)
LOST = httpx.ReadError("gone")
SHA, OTHER = "a" * 40, "b" * 40
STEP = {"task_id": "t", "kind": "ideation", "payload": {"experiment_id": EXPERIMENT}}
Act = Callable[[StoreClient], Awaitable[Settled]]


def task(state: str, **claim: str) -> Response:
    held = {"claim": CLAIM | claim} if state in {"claimed", "submitted"} else {}
    return JSONResponse({**STEP, "state": state, "created_at": NOW, "updated_at": NOW, **held})


BEFORE = Task.model_validate_json(bytes(task("claimed").body))
ACTS: dict[str, tuple[Act, str, str]] = {
    "accept": (lambda store: settle_accept(store, "t"), "submitted", "completed"),
    "reject": (lambda store: settle_reject(store, "t", "worker_error"), "submitted", "failed"),
    "reclaim": (lambda store: settle_reclaim(store, BEFORE, "expired"), "claimed", "pending"),
}


@pytest.mark.parametrize("name", ACTS)
async def test_an_unanswered_act_that_landed_is_not_done_again(name: str) -> None:
    act, _, after = ACTS[name]
    server = Server([LOST, task(after)])
    assert await act(server.store()) == Landed()
    assert [request.method for request in server.requests] == ["POST", "GET"]


@pytest.mark.parametrize("name", ACTS)
async def test_an_unanswered_act_that_did_not_land_is_done_again(name: str) -> None:
    act, before, _ = ACTS[name]
    server = Server([SILENCE, task(before), Response()])
    assert await act(server.store()) == Landed()
    assert [request.method for request in server.requests] == ["POST", "GET", "POST"]


@pytest.mark.parametrize("name", ACTS)
async def test_an_act_that_lands_late_is_found_by_its_refusal(name: str) -> None:
    act, before, after = ACTS[name]
    server = Server([SILENCE, task(before), problem(409, "illegal-transition"), task(after)])
    assert await act(server.store()) == Landed()


@pytest.mark.parametrize("name", ACTS)
async def test_a_task_that_went_elsewhere_meanwhile_is_lost(name: str) -> None:
    act, _, _ = ACTS[name]
    elsewhere = "failed" if name == "accept" else "completed"
    assert isinstance(await act(Server([SILENCE, task(elsewhere)]).store()), Lost)


@pytest.mark.parametrize("name", ACTS)
async def test_nobody_knows_what_became_of_an_act_when_all_is_silent(name: str) -> None:
    assert isinstance(await ACTS[name][0](Server([SILENCE]).store()), Unknown)


@pytest.mark.parametrize("name", ACTS)
async def test_a_refusal_that_no_silence_went_before_is_raised(name: str) -> None:
    with pytest.raises(IllegalTransition):
        await ACTS[name][0](Server([problem(409, "illegal-transition")]).store())


async def test_a_later_claim_is_not_taken_away_in_the_place_of_the_one_that_was_seen() -> None:
    server = Server([SILENCE, task("claimed", claimed_at="2030-01-01T00:00:09Z")])
    assert await settle_reclaim(server.store(), BEFORE, "expired") == Landed()
    assert [request.method for request in server.requests] == ["POST", "GET"]


def variant(**fields: str) -> Response:
    told = {"variant_id": "v", "experiment_id": EXPERIMENT, "status": "success", "parent_commits": [SHA]}
    return JSONResponse({**told, "idea_id": "i", "started_at": NOW, **fields})


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ([Response()], Landed),
        ([LOST, Response()], Landed),
        ([SILENCE, SILENCE, SILENCE, variant(variant_commit_sha=SHA)], Landed),
        ([problem(409, "invalid-precondition"), variant(variant_commit_sha=SHA)], Landed),
        ([problem(409, "invalid-precondition"), variant(variant_commit_sha=OTHER)], Corrupt),
        ([problem(409, "invalid-precondition"), variant()], Unknown),
        ([problem(403, "forbidden"), problem(404, "not-found")], Unknown),
        ([SILENCE], Unknown),
    ],
)
async def test_only_the_variant_tells_what_became_of_its_integration(answers: list[Response], outcome: type) -> None:
    assert isinstance(await settle_integration(Server([*answers]).store(), "v", SHA), outcome)


IDEA = CreateIdea(
    idea_id="i", experiment_id=EXPERIMENT, slug="try", priority=1, parent_commits=(SHA,),
    artifacts_uri="eden://artifacts/1", state="drafting", created_at=NOW,
)  # fmt: skip
STORED = IDEA.to_wire() | {"state": "ready", "artifacts_uri": "eden://artifacts/0", "priority": 1.0}
TAKEN = problem(409, "already-exists")


async def test_what_was_created_unanswered_is_found_by_its_id() -> None:
    assert (await settle_idea(Server([LOST, JSONResponse(STORED)]).store(), IDEA)).state == "ready"


async def test_what_was_created_before_is_found_by_its_id() -> None:
    assert (await settle_idea(Server([TAKEN, JSONResponse(STORED)]).store(), IDEA)).state == "ready"


async def test_what_was_not_created_is_created_again() -> None:
    server = Server([LOST, problem(404, "not-found"), JSONResponse(IDEA.to_wire())])
    assert (await settle_idea(server.store(), IDEA)).state == "drafting"
    assert [request.method for request in server.requests] == ["POST", "GET", "POST"]


async def test_another_of_the_same_id_is_not_taken_for_ones_own() -> None:
    with pytest.raises(AlreadyExists):
        await settle_idea(Server([TAKEN, JSONResponse(STORED | {"slug": "other"})]).store(), IDEA)


async def test_nothing_is_known_of_what_is_created_in_silence() -> None:
    with pytest.raises(Unreachable):
        await settle_idea(Server([SILENCE]).store(), IDEA)


async def test_a_variant_on_the_branch_of_another_is_refused() -> None:
    body = CreateVariant(
        variant_id="v", experiment_id=EXPERIMENT, idea_id="i", status=VariantStatus.STARTING, parent_commits=(SHA,),
        branch="work/x", started_at=NOW,
    )  # fmt: skip
    with pytest.raises(AlreadyExists):
        await settle_variant(Server([TAKEN, problem(404, "not-found")]).store(), body)
    assert (await settle_variant(Server([TAKEN, variant(branch="work/x")]).store(), body)).variant_id == "v"


async def test_the_live_task_of_a_server_that_answers_with_it_is_taken() -> None:
    body = CreateTask.model_validate({**STEP, "state": "pending", "created_at": NOW, "updated_at": NOW})
    live = JSONResponse({**STEP, "task_id": "other", "state": "claimed", "created_at": NOW, "updated_at": NOW})
    assert (await settle_task(Server([live]).store(), body)).task_id == "other"
