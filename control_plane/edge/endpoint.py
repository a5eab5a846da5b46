"""HTTP once: a call and its operation become a route.

The order is the protocol's: credential, class, header, group, then the shape of the request, then the operation.
Writes run on the writer, reads on a snapshot; the gate is checked in the same transaction as the act.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from control_plane.db.tables import DEPLOYMENT
from control_plane.db.transaction import Tx
from control_plane.edge import problems
from control_plane.edge.auth import Credentials, admit
from control_plane.edge.house import House
from control_plane.edge.segments import decode
from control_plane.edge.waiting import read_until
from store_client.errors import BadRequest, NotFound, PayloadTooLarge, SwitchyardError
from store_client.wire.call import Call
from store_client.wire.record import Record

MAX_BODY_BYTES = 4 * 1024 * 1024
MEDIA_TYPE = "application/json; charset=utf-8"
LONG_POLL_SECONDS = 30.0
LEASE_HEADER = "x-switchyard-lease"
"""The lease under which an orchestrator writes in an experiment; optional."""
Operation = Callable[..., Any]
Arguments = dict[str, Any] | SwitchyardError


def endpoint(house: House, call: Call, operation: Operation) -> Route:
    """The route of a call whose operation takes (tx, path parameters…, body=, query=)."""

    async def serve(request: Request) -> Response:
        work = prepare(house, call, operation, (request, await read_arguments(request, call)))
        return respond(call, await (house.read(work) if call.is_read else house.write(work)))

    return Route(call.path, Served(serve), methods=[call.method], name=call.name)


@dataclass(frozen=True)
class Served:
    """A handler as the application it is, whose errors the outermost answers."""

    handler: Callable[[Request], Awaitable[Response]]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self.handler(Request(scope, receive))
        await response(scope, receive, send)


def waiting_endpoint(house: House, call: Call, operation: Operation, is_enough: Callable[[Any], Any]) -> Route:
    """The same for a reading call that waits, up to its query's `wait_seconds`, until its answer is enough."""

    async def serve(request: Request) -> Response:
        arguments = await read_arguments(request, call)
        work = prepare(house, call, operation, (request, arguments))
        query = None if isinstance(arguments, SwitchyardError) else arguments["query"]
        seconds = getattr(query, "wait_seconds", LONG_POLL_SECONDS)
        scope = request.path_params.get("experiment_id", DEPLOYMENT)
        return respond(call, await read_until(house, work, is_enough, seconds, scope))

    return Route(call.path, serve, methods=[call.method], name=call.name)


def prepare(house: House, call: Call, operation: Operation, asked: tuple[Request, Arguments]) -> Callable[[Tx], Any]:
    """The work of one request: admit its caller, then run the operation, in one transaction."""
    request, arguments = asked
    credentials = Credentials.of(request)
    scope = request.path_params.get("experiment_id", DEPLOYMENT)
    lease_id = request.headers.get(LEASE_HEADER) if call.needs_header and not call.is_read else None

    def work(tx: Tx) -> Any:
        admitted = admit(tx.at(scope), call, house.keys, credentials)
        house.seen(admitted.caller)
        if isinstance(arguments, SwitchyardError):
            raise arguments
        if call.is_scoped and admitted.caller.scope != scope:  # a worker of the experiment proves that it exists
            admitted.experiment  # noqa: B018 - reading the row raises NotFound before anything else is looked up
        if lease_id is not None:
            house.fence(admitted, lease_id)
        return operation(admitted, **arguments)

    return work


async def read_arguments(request: Request, call: Call) -> Arguments:
    """The operation's arguments, or the refusal to raise once the caller has been admitted."""
    arguments: dict[str, Any] = {
        key: decode(value) for key, value in request.path_params.items() if key != "experiment_id"
    }
    if "\x00" in request.scope["path"]:
        return NotFound("nothing here has a null character in its name")
    try:
        if call.query is not None:
            arguments["query"] = read_query(request, call.query)
        if call.body is not None:
            arguments["body"] = decode_body(await read_body(request), call)
    except ValidationError as error:
        return problems.from_validation(error)
    except (BadRequest, PayloadTooLarge) as error:
        return error
    return arguments


def read_query(request: Request, kind: type[Record]) -> Record:
    """The query string as its record; an empty parameter counts as absent."""
    given = {key: value for key, value in request.query_params.items() if value != ""}
    if any("\x00" in value for value in given.values()):
        raise BadRequest("a parameter must not contain a null character")
    return kind.model_validate_strings(given)


async def read_body(request: Request) -> bytes:
    """The body, refused once it grows beyond the limit."""
    chunks, size = [], 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > MAX_BODY_BYTES:
                raise PayloadTooLarge(f"a request body has at most {MAX_BODY_BYTES} bytes")
            chunks.append(chunk)
    except ClientDisconnect as error:
        raise BadRequest("the body broke off") from error
    return b"".join(chunks)


def decode_body(raw: bytes, call: Call) -> Record:
    """The body as its record; strict JSON, so that no string passes for a number."""
    assert call.body is not None  # noqa: S101 - the caller looked
    if not raw and call.body_is_optional:
        raw = b"{}"
    try:
        from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        raise BadRequest(f"the body is not JSON: {error}") from error
    return call.body.model_validate_json(raw, strict=True)


def respond(call: Call, answer: Any) -> Response:
    """The response of an answer; nothing to say is zero bytes (protocol §1.2.3)."""
    if isinstance(answer, Response):
        return answer
    if answer is None:
        return Response(status_code=call.status)
    return JSONResponse(to_wire(answer), call.status, media_type=MEDIA_TYPE)


def to_wire(answer: Any) -> Any:
    """Records and sequences of records as JSON values."""
    if isinstance(answer, Record):
        return answer.to_wire()
    if isinstance(answer, Sequence) and not isinstance(answer, str):
        return [to_wire(item) for item in answer]
    return answer
