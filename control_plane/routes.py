"""The whole surface of the control plane, on one page."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from control_plane.db import log
from control_plane.edge import openapi
from control_plane.edge.house import House
from control_plane.edge.switchboard import Switchboard
from control_plane.registry import routes as registry
from control_plane.registry.routes import Neighbours
from control_plane.scheduler import routes as scheduler
from control_plane.scheduler.routes import Yard
from control_plane.task_store import routes as task_store
from control_plane.task_store.routes import Shelf
from store_client.wire.calls.implementation import DISCOVER
from store_client.wire.implementation import IMPLEMENTATION, SPEC_VERSION, Implementation


def routes(house: House, neighbours: Neighbours, shelf: Shelf, yard: Yard, git: ASGIApp) -> list[BaseRoute]:
    """Every route: the wings' calls, git, and what monitors ask."""

    async def health(_request: Request) -> Response:
        open_to_all = {"auth": "off"} if house.keys.are_off else {}
        return JSONResponse({"status": "ok", "spec_version": SPEC_VERSION} | open_to_all)

    async def discover(_request: Request) -> Response:
        return JSONResponse(Implementation(implementation=IMPLEMENTATION, spec_version=SPEC_VERSION).to_wire())

    async def ready(_request: Request) -> Response:
        """Whether the database answers; constant time, whatever the size of the deployment."""
        await house.read(lambda tx: log.tip(tx.connection))
        return JSONResponse({"status": "ready"})

    calls = Switchboard(
        [*registry.routes(house, neighbours), *task_store.routes(house, shelf), *scheduler.routes(house, yard)]
    )
    return [
        calls,
        Route("/health", health, name="health"),
        Route("/ready", ready, name="ready"),
        Route(DISCOVER.path, discover, name=DISCOVER.name),
        openapi.route(house),
        Mount("/git", git, name="git"),
    ]
