"""Submitting and claiming through silence: the caller always learns what is known."""

from typing import Any

import httpx
import pytest
from starlette.responses import JSONResponse, PlainTextResponse, Response

from store_client.errors import NoOpVariant, Unreachable
from store_client.settle import Conflicting, Landed, Lost, Unknown, are_equivalent, settle_claim, settle_submission
from store_client.wire.tasks import EvaluationResult
from tests.wire.canned import CLAIM, WORKER, Server, problem

RESULT = EvaluationResult(variant_id="v", status="success", evaluation={"x": 1})
STORED = {"variant_id": "v", "status": "success", "evaluation": {"x": 1.0}, "artifacts_uri": "eden://a/1"}
OTHER = {**STORED, "evaluation": {"x": 2}}
SILENCE = PlainTextResponse("", 503)


def task(
    state: str = "submitted", submitted_by: str | None = WORKER, claimed: dict[str, str] | None = None
) -> Response:
    now = "2030-01-01T00:00:00Z"
    body: dict[str, Any] = {"task_id": "t", "kind": "evaluation", "state": state, "created_at": now, "updated_at": now}
    body |= {"payload": {"variant_id": "v"}}
    body |= {"submitted_by": submitted_by} if submitted_by else {}
    return JSONResponse(body | ({"claim": claimed} if claimed else {}))


async def settled(*answers: Response | Exception) -> object:
    server = Server(list(answers))
    return await settle_submission(server.store(), "t", RESULT)


async def test_a_result_lands() -> None:
    assert await settled(Response()) == Landed()


async def test_a_result_is_submitted_again_after_silence() -> None:
    assert await settled(httpx.ReadTimeout("late"), SILENCE, Response()) == Landed()


async def test_an_unanswered_result_that_was_accepted_meanwhile_has_landed() -> None:
    gone = problem(409, "not-claimed")
    assert await settled(SILENCE, gone, task("completed"), JSONResponse(STORED)) == Landed()


async def test_a_result_whose_claim_went_to_another_is_lost() -> None:
    gone = problem(403, "wrong-claimant")
    assert await settled(gone, task(submitted_by=f"wkr_{'2' * 26}"), JSONResponse(STORED)) == Lost("because")


async def test_a_result_whose_claim_ended_is_lost() -> None:
    gone = problem(409, "not-claimed")
    assert await settled(gone, task("pending", None), problem(404, "not-found")) == Lost("because")


async def test_another_result_of_the_same_worker_conflicts() -> None:
    assert await settled(problem(409, "conflicting-resubmission")) == Conflicting("because")


async def test_an_accepted_other_result_conflicts() -> None:
    outcome = await settled(problem(409, "not-claimed"), task("completed"), JSONResponse(OTHER))
    assert isinstance(outcome, Conflicting)


async def test_a_result_is_read_back_when_submitting_stays_unanswered() -> None:
    assert await settled(SILENCE, SILENCE, SILENCE, task(), JSONResponse(STORED)) == Landed()


async def test_a_server_that_stays_silent_leaves_the_result_unknown() -> None:
    assert isinstance(await settled(SILENCE), Unknown)


async def test_a_result_of_which_nobody_may_read_what_became_is_unknown_and_not_refused() -> None:
    gone = problem(403, "forbidden")
    assert isinstance(await settled(SILENCE, SILENCE, SILENCE, gone), Unknown)
    assert await settled(problem(409, "not-claimed"), gone) == Lost("because")


async def test_a_refusal_of_the_result_itself_is_raised() -> None:
    with pytest.raises(NoOpVariant):
        await settled(problem(409, "no-op-variant"))


@pytest.mark.parametrize(
    ("first", "second", "is_same"),
    [
        ({"x": 1}, {"x": 1.0}, True),
        ({"x": True}, {"x": 1}, False),
        ({"x": None}, {}, False),
        ({"x": [1, "a"]}, {"x": [1, "a"]}, True),
        ({"x": "12"}, {"x": ["1", "2"]}, False),
    ],
)
def test_metrics_are_compared_by_value(first: dict[str, Any], second: dict[str, Any], is_same: bool) -> None:
    one, other = {"status": "success", "evaluation": first}, {"status": "success", "evaluation": second}
    assert are_equivalent(one, other) is is_same


def test_ideas_are_compared_as_a_set() -> None:
    assert are_equivalent({"idea_ids": ["a", "b", "a"]}, {"idea_ids": ["b", "a"]})
    assert not are_equivalent({"idea_ids": ["a"]}, {"idea_ids": ["b", "a"]})


async def test_a_claim_that_somebody_else_got_is_none() -> None:
    assert await settle_claim(Server([problem(409, "illegal-transition")]).store(), "t") is None


async def test_an_unanswered_claim_is_read_back() -> None:
    got = await settle_claim(Server([SILENCE, task("claimed", None, CLAIM)]).store(), "t")
    assert got is not None
    assert got.claimed_at == CLAIM["claimed_at"]


async def test_an_unanswered_claim_that_went_to_another_is_none() -> None:
    other = CLAIM | {"worker_id": f"wkr_{'2' * 26}"}
    assert await settle_claim(Server([SILENCE, task("claimed", None, other)]).store(), "t") is None


async def test_a_claim_stays_unknown_when_it_cannot_be_read_back() -> None:
    with pytest.raises(Unreachable):
        await settle_claim(Server([SILENCE]).store(), "t")
