"""Our own reading calls on a server that speaks the protocol alone."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from store_client.client import ControlPlaneClient, StoreClient
from store_client.credentials import StaticBearer
from store_client.errors import NotClaimed, NotOffered, Unavailable
from store_client.peers.answers import ANSWERS, SAME
from store_client.peers.copies import MOST_COPIES, Copies
from store_client.peers.kept import KeptIdea
from store_client.peers.peer import Cut, page
from store_client.wire.call import Call, Query
from store_client.wire.calls import CALLS
from store_client.wire.ideas import IdeaState
from tests.wire.canned import CLAIM, EXPERIMENT, WORKER, Server, problem
from tests.wire.canned import OURS as SAYS_OURS

OURS = [call for call in CALLS if call.is_ours]
NOT_THERE = sorted({call.name for call in OURS} - ANSWERS.keys() - SAME.keys())
NOW = "2030-01-01T00:00:00Z"


@dataclass
class Peer(Server):
    """The small server, which does not call itself ours."""

    discovery: Response = field(default_factory=lambda: problem(404, "not-found"))


def test_what_is_answered_for_a_peer_is_a_row_of_the_table() -> None:
    assert ANSWERS.keys() | SAME.keys() <= {call.name for call in OURS}
    assert not ANSWERS.keys() & SAME.keys()


@pytest.mark.parametrize("name", list(SAME))
def test_a_call_under_another_name_has_the_same_body_and_answer(name: str) -> None:
    ours = next(each for each in OURS if each.name == name)
    assert (ours.body, ours.query, ours.answer) == (SAME[name].body, SAME[name].query, SAME[name].answer)


@pytest.mark.parametrize("name", NOT_THERE)
async def test_what_the_protocol_has_no_means_for_is_not_offered_and_not_asked(name: str) -> None:
    call = next(each for each in OURS if each.name == name)
    server = Peer([Response()])
    client = ControlPlaneClient(server.transport(), StaticBearer(WORKER, "secret"))
    with pytest.raises(NotOffered):
        await _ask(client.store(EXPERIMENT) if call.is_scoped else client, call)
    assert server.requests == []


async def _ask(client: StoreClient | ControlPlaneClient, call: Call) -> None:
    if call.is_streamed:
        async with client._fetch(call, Query()):
            return
    await client._send(call)


@pytest.mark.parametrize(
    "said",
    [
        problem(404, "not-found"),
        problem(401, "unauthorized"),
        HTMLResponse("<h1>Welcome</h1>"),
        PlainTextResponse("no", 405),
        JSONResponse([]),
        JSONResponse({"implementation": "eden", "spec_version": "v0"}),
    ],
)
async def test_whoever_does_not_call_itself_ours_is_a_peer(said: Response) -> None:
    server = Peer([Response()])
    server.discovery = said
    assert await server.store().is_peer()


async def test_a_server_is_asked_once_what_it_is() -> None:
    server = Peer([JSONResponse([])])
    store = server.store()
    assert await store.is_peer()
    server.discovery = JSONResponse(SAYS_OURS)
    assert await store.is_peer()


async def test_a_peer_is_asked_again_after_a_while_for_a_proxy_may_have_answered() -> None:
    server = Peer([Response()])
    transport = server.transport()
    assert await transport.is_peer()
    server.discovery = JSONResponse(SAYS_OURS | {"more": 1})
    transport._kind.asked_at -= 1000
    assert not await transport.is_peer()


async def test_a_server_that_is_away_is_neither() -> None:
    server = Peer([Response()])
    server.discovery = PlainTextResponse("starting", 503)
    store = server.store()
    with pytest.raises(Unavailable):
        await store.list_task_page()
    server.discovery = problem(404, "not-found")
    assert await store.is_peer()


def task(**changes: Any) -> Response:
    body = {"task_id": "t", "kind": "ideation", "state": "claimed", "payload": {"experiment_id": EXPERIMENT}}
    return JSONResponse({**body, "created_at": NOW, "updated_at": NOW, "claim": CLAIM, **changes})


async def test_renewing_a_claim_tells_whether_it_is_still_held() -> None:
    assert (await Peer([task()]).store().renew_claim("t", 60)).worker_id == WORKER
    for lost in ({"state": "pending", "claim": None}, {"claim": CLAIM | {"worker_id": f"wkr_{'2' * 26}"}}):
        with pytest.raises(NotClaimed):
            await Peer([task(**lost)]).store().renew_claim("t", 60)


async def test_a_claim_is_given_back_as_an_operator_takes_it() -> None:
    server = Peer([task(), Response(), task(state="pending", claim=None)])
    assert (await server.store().release_claim("t")).state == "pending"
    assert server.requests[1].url.path.endswith("/tasks/t/reclaim")
    assert server.bodies[1] == b'{"cause":"operator"}'


async def test_a_claim_of_another_is_not_given_back() -> None:
    server = Peer([task(claim=CLAIM | {"worker_id": f"wkr_{'2' * 26}"})])
    with pytest.raises(NotClaimed):
        await server.store().release_claim("t")
    assert [request.method for request in server.requests] == ["GET"]


async def test_only_one_end_of_an_experiment_is_offered() -> None:
    with pytest.raises(NotOffered, match="failed"):
        await Peer([Response()]).store().end_experiment("failed")


def test_copies_give_way_to_the_one_that_is_asked_for() -> None:
    copies = Copies()
    first = copies.of("exp_first")
    for number in range(MOST_COPIES):
        copies.of(f"exp_{number}")
        copies.shrink()
    assert len(copies._copies) == MOST_COPIES
    assert copies.of("exp_first") is not first


def test_a_copy_beyond_the_bound_is_kept_alone() -> None:
    copies = Copies()
    for name in ("small", "large"):
        copies.of(name).size_bytes = 2**40
        copies.shrink()
    assert list(copies._copies) == ["large"]


def test_pages_cut_a_list_into_all_of_its_items() -> None:

    every = {str(n): KeptIdea(str(n), n, "s", IdeaState.READY, 0, b"") for n in range(7)}
    seen: list[str] = []
    after: str | None = None
    while True:
        items, after = page(every, every.values(), lambda idea: (-idea.number,), Cut(after, 3))
        seen += [item.id for item in items]
        if after is None:
            break
    assert seen == [str(n) for n in reversed(range(7))]
