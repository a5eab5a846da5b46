"""The transport against a small server that answers as it is told."""

from collections.abc import Callable

import httpx
import pytest
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from store_client.client import ControlPlaneClient, StoreClient
from store_client.credentials import StaticBearer
from store_client.errors import (
    Forbidden,
    NotFound,
    ProtocolBroken,
    Unauthorized,
    Unavailable,
    Unreachable,
    WrongClaimant,
)
from store_client.transport import Transport, Upload
from store_client.wire.tasks import EvaluationResult
from tests.wire.canned import CLAIM, EXPERIMENT, WORKER, Rotating, Server, problem, quick

FILE = b"some bytes " * 100_000


async def test_a_call_sends_its_body_its_bearer_and_the_experiment() -> None:
    server = Server([JSONResponse(CLAIM)])
    claim = await server.store().claim_task("a task/with a slash", expires_at="2030-01-01T00:02:00Z")
    (request,) = server.requests
    assert request.method == "POST"
    assert request.scope["raw_path"] == f"/v0/experiments/{EXPERIMENT}/tasks/a%20task%2Fwith%20a%20slash/claim".encode()
    assert request.headers["authorization"] == f"Bearer {WORKER}:secret"
    assert request.headers["x-eden-experiment-id"] == EXPERIMENT
    assert server.bodies == [b'{"expires_at":"2030-01-01T00:02:00Z"}']
    assert claim.worker_id == WORKER


async def test_our_own_calls_do_not_send_the_protocol_header() -> None:
    server = Server([JSONResponse({"items": []})])
    await server.store().list_task_page(kind="ideation", limit=7)
    (request,) = server.requests
    assert "x-eden-experiment-id" not in request.headers
    assert dict(request.query_params).items() >= {"kind": "ideation", "limit": "7"}.items()


async def test_a_null_metric_travels_as_null() -> None:
    server = Server([Response()])
    await server.store().submit_task("t", EvaluationResult(variant_id="v", status="success", evaluation={"x": None}))
    assert server.bodies == [b'{"payload":{"variant_id":"v","status":"success","evaluation":{"x":null}}}']


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (problem(403, "wrong-claimant"), WrongClaimant),
        (problem(403, "from-the-future"), Forbidden),
        (PlainTextResponse("nginx says no", 404), NotFound),
        (PlainTextResponse("nginx is tired", 502), Unavailable),
        (JSONResponse(["odd"], 500), Unavailable),
        (PlainTextResponse("", 302), ProtocolBroken),
        (PlainTextResponse("<html>"), ProtocolBroken),
        (JSONResponse({"worker_id": "nobody"}), ProtocolBroken),
    ],
)
async def test_what_is_not_the_promised_answer_is_the_error_it_means(answer: Response, error: type[Exception]) -> None:
    with pytest.raises(error):
        await Server([answer]).store().claim_task("t")


async def test_a_refusal_carries_the_servers_words() -> None:
    with pytest.raises(WrongClaimant, match="because"):
        await Server([problem(403, "wrong-claimant")]).store().claim_task("t")


async def test_reading_is_repeated_with_growing_jittered_pauses() -> None:
    pauses: list[float] = []
    server = Server([PlainTextResponse("", 503), httpx.ReadTimeout("late"), JSONResponse({"state": "running"})])
    state = await server.store(quick(pauses)).read_state()
    assert state.state == "running"
    assert pauses == [1, 1.5]


async def test_reading_gives_up_in_the_end() -> None:
    server = Server([PlainTextResponse("", 503)])
    with pytest.raises(Unavailable):
        await server.store().read_state()
    assert len(server.requests) == 3


@pytest.mark.parametrize("answer", [PlainTextResponse("", 503), httpx.ReadTimeout("late"), httpx.ReadError("cut")])
async def test_an_act_that_may_have_landed_is_never_repeated(answer: Response | Exception) -> None:
    server = Server([answer])
    with pytest.raises(Unreachable):
        await server.store().claim_task("t")
    assert len(server.requests) == 1


async def test_an_act_that_never_left_is_repeated() -> None:
    server = Server([httpx.ConnectError("refused"), JSONResponse(CLAIM)])
    await server.store().claim_task("t")
    assert len(server.requests) == 2


async def test_a_server_that_is_not_there_is_unreachable(unused_url: str) -> None:
    transport = Transport(unused_url, quick([]))
    async with ControlPlaneClient(transport, StaticBearer("admin", "x")) as deployment:
        with pytest.raises(Unreachable, match=unused_url):
            await deployment.read_fleet()


async def test_a_refused_credential_is_replaced_once_and_the_call_repeated() -> None:
    server = Server([problem(401, "unauthorized"), JSONResponse(CLAIM)])
    await StoreClient(server.transport(), Rotating(["old", "new"]), EXPERIMENT).claim_task("t")
    assert [request.headers["authorization"] for request in server.requests] == ["Bearer w:old", "Bearer w:new"]


async def test_a_credential_refused_twice_is_unauthorized() -> None:
    server = Server([problem(401, "unauthorized")])
    with pytest.raises(Unauthorized):
        await StoreClient(server.transport(), Rotating(["a", "b", "c"]), EXPERIMENT).claim_task("t")
    assert len(server.requests) == 2


async def test_a_file_is_deposited_as_one_multipart_part() -> None:
    server = Server([JSONResponse({"artifacts_uri": "eden://a/1", "size_bytes": 3, "content_type": "text/plain"}, 201)])
    deposited = await server.store().deposit_artifact(Upload("a.txt", b"abc", "text/plain"))
    assert deposited.artifacts_uri == "eden://a/1"
    assert b'name="file"; filename="a.txt"' in server.bodies[0]
    assert server.requests[0].headers["content-type"].startswith("multipart/form-data")


async def test_a_file_is_fetched_in_pieces() -> None:
    headers = {"content-disposition": 'attachment; filename="plan.md"', "content-type": "text/markdown"}
    server = Server([StreamingResponse(iter([FILE, FILE]), headers=headers)])
    async with server.store().read_artifact("eden://a/1") as download:
        content = await download.read()
    assert (download.filename, download.content_type, content) == ("plan.md", "text/markdown", FILE * 2)
    assert server.requests[0].query_params["uri"] == "eden://a/1"


async def test_only_the_beginning_of_a_file_can_be_read() -> None:
    async with Server([Response(FILE)]).store().fetch_artifact("eden://a/1") as download:
        assert await download.read(limit=10) == FILE[:10]


async def test_a_file_is_fetched_with_the_next_credential_when_the_first_is_refused() -> None:
    server = Server([problem(401, "unauthorized"), Response(FILE)])
    store = StoreClient(server.transport(), Rotating(["old", "new"]), EXPERIMENT)
    async with store.read_artifact("eden://a/1") as download:
        assert await download.read() == FILE


async def test_a_file_that_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound, match="because"):
        async with Server([problem(404, "not-found")]).store().fetch_artifact("eden://a/1"):
            pytest.fail("there is nothing to read")


@pytest.fixture
def unused_url(unused_tcp_port_factory: Callable[[], int]) -> str:
    return f"http://127.0.0.1:{unused_tcp_port_factory()}"
