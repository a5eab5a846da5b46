"""Following events: each once, whatever comes between."""

from typing import Any

import httpx
import pytest
from starlette.responses import JSONResponse, PlainTextResponse, Response

from store_client.errors import Forbidden
from store_client.follow import follow
from tests.wire.canned import EXPERIMENT, Server, problem, quick


def batch(*ids: str, cursor: int = 999, **changes: Any) -> Response:
    told = {"type": "task.created", "occurred_at": "2030-01-01T00:00:00Z", "experiment_id": EXPERIMENT, "data": {}}
    return JSONResponse({"events": [{**told, "event_id": id_, **changes} for id_ in ids], "cursor": cursor})


async def followed(server: Server, number: int, pauses: list[float] | None = None, cursor: int = 0) -> list[Any]:
    events = follow(server.store(), cursor, quick([] if pauses is None else pauses))
    found = [await anext(events) for _ in range(number)]
    await events.aclose()
    return found


def asked(server: Server) -> list[int]:
    return [int(request.query_params["cursor"]) for request in server.requests]


async def test_the_cursor_advances_by_what_came() -> None:
    server = Server([batch("a", "b", cursor=77), batch("c")])
    found = await followed(server, 3, cursor=5)
    assert [(each.event.event_id, each.cursor) for each in found] == [("a", 6), ("b", 7), ("c", 8)]
    assert asked(server) == [5, 7]


async def test_an_event_that_comes_twice_is_told_once_and_counted_twice() -> None:
    server = Server([batch("a", "a"), batch("a", "b")])
    assert [(each.event.event_id, each.cursor) for each in await followed(server, 2)] == [("a", 1), ("b", 4)]


async def test_events_of_unknown_types_are_told_too() -> None:
    (found,) = await followed(Server([batch("a", type="vendor.noted", data={"n": None}, sequence=4)]), 1)
    assert found.event.type == "vendor.noted"


async def test_a_server_that_goes_away_is_waited_for() -> None:
    pauses: list[float] = []
    away: list[Response | Exception] = [httpx.ReadTimeout("late"), PlainTextResponse("", 502), httpx.ConnectError("no")]
    server = Server([*away, *away, batch("a")])
    assert [each.cursor for each in await followed(server, 1, pauses)] == [1]
    assert len(pauses) == 2  # each after three attempts of the transport


async def test_a_server_that_never_waits_is_not_asked_without_a_pause() -> None:
    pauses: list[float] = []
    await followed(Server([batch(), batch(), batch("a")]), 1, pauses)
    assert len(pauses) == 2


async def test_a_refusal_ends_it() -> None:
    with pytest.raises(Forbidden):
        await followed(Server([problem(403, "forbidden")]), 1)
