"""The blocking face of the clients."""

import json
from itertools import islice

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
LOGGED = {
    "position": 1,
    "sequence": 1,
    "experiment_id": EXPERIMENT,
    "event_id": "a",
    "type": "task.created",
    "occurred_at": "2030-01-01T00:00:00Z",
    "data": {},
}


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


def test_a_script_follows_the_stream_and_leaves_it_when_it_likes() -> None:
    lines = [f"id: {number}\ndata: {json.dumps(LOGGED | {'position': number})}\n\n" for number in (1, 2, 3)]
    server = Server([Response("".join(lines), media_type="text/event-stream") for _ in range(2)])
    with connect_blocking("http://server", ADMIN, server.transport()) as deployment:
        store = deployment.store(EXPERIMENT)
        assert [event.position for event in islice(store.stream_log(0), 3)] == [1, 2, 3]
        for event in store.stream_log(after=0):
            assert event.type == "task.created"
            break
        abandoned = store.stream_log()
    abandoned.close()


def test_a_stream_that_is_still_held_when_the_connection_ends_is_over() -> None:
    server = Server([Response(f"id: 1\ndata: {json.dumps(LOGGED)}\n\n", media_type="text/event-stream")])
    with connect_blocking("http://server", ADMIN, server.transport()) as deployment:
        events = deployment.store(EXPERIMENT).stream_log()
        assert next(events).position == 1
    events.close()


def test_a_script_hears_why_a_stream_ended() -> None:
    server = Server([problem(404, "not-found")])
    with connect_blocking("http://server", ADMIN, server.transport()) as deployment, pytest.raises(NotFound):
        next(deployment.store(EXPERIMENT).stream_log())
