"""`/openapi.json`: the table of calls as an OpenAPI document, for every bearer that is good anywhere here."""

import asyncio
import json
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from control_plane.db import identities
from control_plane.db.transaction import Caller, Tx
from control_plane.edge.auth import Credentials
from control_plane.edge.endpoint import MEDIA_TYPE
from control_plane.edge.house import House
from store_client.errors import Unauthorized
from store_client.wire.calls import CALLS
from store_client.wire.openapi import openapi_document

PATH = "/openapi.json"


def route(house: House) -> Route:
    """The route; the document is made when it is first asked for."""
    made: list[bytes] = []

    async def serve(request: Request) -> Response:
        if not house.keys.are_off:
            await house.read(_knows(house, Credentials.of(request)))
        if not made:
            made.append(await asyncio.to_thread(lambda: json.dumps(openapi_document(CALLS)).encode()))
        return Response(made[0], media_type=MEDIA_TYPE)

    return Route(PATH, serve, name="openapi")


def _knows(house: House, credentials: Credentials) -> Callable[[Tx], Caller]:
    def look(tx: Tx) -> Caller:
        found = credentials.bearer and identities.identify(tx.connection, house.keys, credentials.bearer, tx.now)
        if not found:
            raise Unauthorized("send Authorization: Bearer <worker id>:<token>, of an experiment or the deployment")
        return found

    return look
