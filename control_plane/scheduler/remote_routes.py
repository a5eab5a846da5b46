"""The calls of attempts that run on other machines: a row is asked who may, then a file takes what was sent."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from control_plane.db.identities import Keys
from control_plane.db.transaction import Tx
from control_plane.edge.disk import room
from control_plane.edge.endpoint import Served, prepare, read_arguments, respond
from control_plane.edge.house import House
from control_plane.scheduler.carried import Carried
from control_plane.scheduler.keeping import Keeping
from control_plane.scheduler.log_downloads import FileDownload
from control_plane.scheduler.operations import remote
from control_plane.scheduler.spool import Key, Spool
from store_client.errors import IllegalTransition, InvalidPrecondition
from store_client.wire.attempts import (
    AttemptNews,
    AttemptOrder,
    AttemptWish,
    BeginAttempt,
    CarriedCheckpoints,
    EndAttempt,
    KeepCheckpoints,
)
from store_client.wire.call import Call
from store_client.wire.calls import attempts as calls


@dataclass(frozen=True)
class Remote:
    """Where the news of attempts goes, and who is told of the last of it."""

    spool: Spool
    arrived: Callable[[Key], None] = lambda _key: None
    keeping: Keeping = field(default_factory=Keeping)

    def carried(self, job_id: str) -> Carried:
        return Carried(self.spool.root / job_id, self.keeping.checkpoint_bytes)


def routes(house: House, far: Remote) -> list[Route]:
    return [
        _begin(house, far),
        _hearing(house, calls.REPORT_ATTEMPT, remote.hear, partial(_note, far)),
        _hearing(house, calls.END_ATTEMPT, remote.hear, partial(_end, far)),
        _hearing(house, calls.KEEP_CHECKPOINTS, remote.hear, partial(_keep, far)),
        _hearing(house, calls.LIST_CHECKPOINTS, remote.ask, partial(_listed, far)),
        _fetching(house, far),
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
        key = order.job_id, order.attempt
        if not await asyncio.to_thread(_roomy, far.spool.begin, key, order.experiment_id):
            raise IllegalTransition("its end was asked for before its beginning")
        return respond(call, order)

    return Route(call.path, Served(serve), methods=[call.method], name=call.name)


def _hearing(house: House, call: Call, operation: Any, act: Callable[..., Any]) -> Route:
    """Ask whether the caller may speak for the attempt now, then have its files take, or tell, what it is about."""

    async def serve(request: Request) -> Response:
        key, arguments = await _admitted(house, call, operation, request)
        return respond(call, await asyncio.to_thread(_roomy, act, key, arguments.get("body")))

    return Route(call.path, Served(serve), methods=[call.method], name=call.name)


def _fetching(house: House, far: Remote) -> Route:
    call = calls.FETCH_CHECKPOINT

    async def serve(request: Request) -> Response:
        (job_id, _), arguments = await _admitted(house, call, remote.fetch, request)
        path, found = await asyncio.to_thread(far.carried(job_id).find, arguments["query"].name)
        etag = f'"{found.bytes}-{found.modified_microseconds}"'
        return FileDownload(request, path, {"content-type": "application/octet-stream", "etag": etag})

    return Route(call.path, Served(serve), methods=[call.method], name=call.name)


async def _admitted(house: House, call: Call, operation: Any, request: Request) -> tuple[Key, dict[str, Any]]:
    arguments = await read_arguments(request, call)
    await house.read(prepare(house, call, operation, (request, arguments)))
    assert isinstance(arguments, dict)  # noqa: S101 - the read above has raised it
    return (arguments["job_id"], remote.number_of(arguments["attempt"])), arguments


def _roomy(act: Callable[..., Any], *given: Any) -> Any:
    with room():
        return act(*given)


def _note(far: Remote, key: Key, news: AttemptNews) -> AttemptWish:
    if news.file is not None:
        size = far.carried(key[0]).take(key[1], news.file, news.offset, news.data)
    else:
        size = far.spool.append(key, news.of, news.offset, news.data)
    return AttemptWish(next_offset=size, stop=far.spool.wish(key))


def _end(far: Remote, key: Key, body: EndAttempt) -> None:
    if not far.spool.end(key, body.result_bytes):
        raise InvalidPrecondition("its result has not arrived whole")
    far.arrived(key)


def _keep(far: Remote, key: Key, body: KeepCheckpoints) -> None:
    far.carried(key[0]).keep(key[1], body.files)


def _listed(far: Remote, key: Key, _: None) -> CarriedCheckpoints:
    return far.carried(key[0]).listed()
