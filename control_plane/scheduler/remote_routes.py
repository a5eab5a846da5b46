"""The calls of attempts that run on other machines: a row is asked who may, then a file takes what was sent."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from control_plane.db.identities import Keys
from control_plane.db.transaction import Tx
from control_plane.edge.endpoint import Served, prepare, read_arguments, respond
from control_plane.edge.house import House
from control_plane.scheduler.operations import remote
from control_plane.scheduler.spool import Key, Spool
from store_client.errors import IllegalTransition, InvalidPrecondition
from store_client.wire.attempts import AttemptOrder, AttemptWish, BeginAttempt
from store_client.wire.call import Call
from store_client.wire.calls import attempts as calls


@dataclass(frozen=True)
class Remote:
    """Where the news of attempts goes, and who is told of the last of it."""

    spool: Spool
    arrived: Callable[[Key], None] = lambda _key: None


def routes(house: House, far: Remote) -> list[Route]:
    return [
        _begin(house, far),
        _hearing(house, calls.REPORT_ATTEMPT, remote.hear, far, _note),
        _hearing(house, calls.END_ATTEMPT, remote.end, far, _end),
    ]


@dataclass(frozen=True)
class _Beginning:
    keys: Keys

    def __call__(self, tx: Tx, job_id: str, attempt: str, body: BeginAttempt) -> AttemptOrder:
        return remote.begin(tx, job_id, attempt, body, self.keys)


def _begin(house: House, far: Remote) -> Route:
    call = calls.BEGIN_ATTEMPT

    async def serve(request: Request) -> Response:
        work = prepare(house, call, _Beginning(house.keys), (request, await read_arguments(request, call)))
        order: AttemptOrder = await house.write(work)
        if not await asyncio.to_thread(far.spool.begin, (order.job_id, order.attempt), order.experiment_id):
            raise IllegalTransition("its end was asked for before its beginning")
        return respond(call, order)

    return Route(call.path, Served(serve), methods=[call.method], name=call.name)


def _hearing(house: House, call: Call, operation: Any, far: Remote, keep: Callable[..., Any]) -> Route:
    async def serve(request: Request) -> Response:
        arguments = await read_arguments(request, call)
        await house.read(prepare(house, call, operation, (request, arguments)))
        assert isinstance(arguments, dict)  # noqa: S101 - the read above has raised it
        key = arguments["job_id"], remote.number_of(arguments["attempt"])
        return respond(call, await asyncio.to_thread(keep, far, key, arguments["body"]))

    return Route(call.path, Served(serve), methods=[call.method], name=call.name)


def _note(far: Remote, key: Key, news: Any) -> AttemptWish:
    size = far.spool.append(key, news.of, news.offset, news.data)
    return AttemptWish(next_offset=size, stop=far.spool.wish(key))


def _end(far: Remote, key: Key, body: Any) -> None:
    if not far.spool.end(key, body.result_bytes):
        raise InvalidPrecondition("its result has not arrived whole")
    far.arrived(key)
