"""The calls about sources: admitted first, then worked on where nobody waits for the thread."""

from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from control_plane.db.transaction import Tx
from control_plane.edge import disk
from control_plane.edge.endpoint import prepare, read_arguments, respond
from control_plane.edge.house import House
from control_plane.registry.sources import Sources
from store_client.errors import BadRequest, PayloadTooLarge
from store_client.wire.call import Call
from store_client.wire.calls import sources as s
from store_client.wire.sources import MOST_BYTES, ExampleList


def source_routes(house: House, sources: Sources) -> list[Route]:
    """Every route about sources."""
    acts: dict[Call, Callable[..., Any]] = {
        s.FETCH_SOURCE: sources.bring,
        s.READ_SOURCE: sources.read,
        s.DROP_SOURCE: sources.drop,
        s.LIST_EXAMPLES: lambda: ExampleList(examples=tuple(sources.list_examples())),
    }
    return [*(_admitted(house, call, sources, act) for call, act in acts.items()), _upload(house, sources)]


def _admitted(house: House, call: Call, sources: Sources, act: Callable[..., Any]) -> Route:
    """Files are no part of a transaction: the caller is admitted first."""

    async def serve(request: Request) -> Response:
        given = await house.read(prepare(house, call, _given, (request, await read_arguments(request, call))))
        return respond(call, await sources.run(lambda: act(*given)))

    return Route(call.path, serve, methods=[call.method], name=call.name)


def _upload(house: House, sources: Sources) -> Route:
    """The caller is admitted before a byte of the body is read."""
    call = s.UPLOAD_SOURCE

    async def serve(request: Request) -> Response:
        await house.read(prepare(house, call, _given, (request, await read_arguments(request, call))))
        with sources.spool(_declared(request)) as file:
            await _receive(request, file, sources)
            return respond(call, await sources.run(lambda: sources.unpack(file)))

    return Route(call.path, serve, methods=[call.method], name=call.name)


def _declared(request: Request) -> int:
    """How many bytes the body has, as far as that is said; more than is taken is refused as it arrives."""
    told = request.headers.get("content-length", "")
    return min(int(told), MOST_BYTES) if told.isascii() and told.isdigit() and len(told) < 18 else 0


async def _receive(request: Request, file: Any, sources: Sources) -> None:
    received = 0
    try:
        async for chunk in request.stream():
            received += len(chunk)
            if received > MOST_BYTES:
                raise PayloadTooLarge(f"an archive of files has at most {MOST_BYTES:,} bytes")
            with disk.room():
                await sources.run(partial(file.write, chunk))
    except ClientDisconnect as error:
        raise BadRequest("the upload broke off") from error


def _given(_tx: Tx, **arguments: Any) -> tuple[Any, ...]:
    return tuple(arguments.values())
