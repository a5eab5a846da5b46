"""The blocking face of the clients."""

import pytest
from starlette.responses import JSONResponse, Response

from store_client.blocking import connect_blocking
from store_client.credentials import StaticBearer
from store_client.errors import NotFound
from store_client.follow import follow
from store_client.settle import Landed
from store_client.turns import settle_accept
from tests.wire.canned import EXPERIMENT, Server, problem

ADMIN = StaticBearer("admin", "secret")


def test_a_script_calls_the_same_methods_without_await() -> None:
    server = Server([JSONResponse([]), JSONResponse({"state": "running"})])
    with connect_blocking("http://server", ADMIN, server.transport()) as deployment:
        assert deployment.list_experiment_summaries() == ()
        assert deployment.store(EXPERIMENT).read_state().state == "running"


def test_a_script_reads_a_file() -> None:
    server = Server([Response(b"text")])
    with (
        connect_blocking("http://server", ADMIN, server.transport()) as deployment,
        deployment.store(EXPERIMENT).read_artifact("eden://a/1") as download,
    ):
        assert download.read(limit=2) == b"te"


def test_refusals_reach_the_script() -> None:
    server = Server([problem(404, "not-found")])
    with connect_blocking("http://server", ADMIN, server.transport()) as deployment, pytest.raises(NotFound):
        deployment.read_job("job_1")


def test_a_script_gives_its_client_to_what_takes_one() -> None:
    server = Server([Response()])
    with connect_blocking("http://server", ADMIN, server.transport()) as deployment:
        assert deployment.store(EXPERIMENT).run(settle_accept, "t") == Landed()


def test_a_script_goes_through_events_and_files_piece_by_piece() -> None:
    event = {"event_id": "a", "type": "task.created", "occurred_at": "2030-01-01T00:00:00Z", "data": {}}
    batch = JSONResponse({"events": [event | {"experiment_id": EXPERIMENT}], "cursor": 1})
    server = Server([batch, Response(b"text")])
    with connect_blocking("http://server", ADMIN, server.transport()) as deployment:
        store = deployment.store(EXPERIMENT)
        assert next(store.run(follow)).cursor == 1
        with store.read_artifact("eden://a/1") as download:
            assert b"".join(download.chunks()) == b"text"
