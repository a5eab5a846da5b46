"""The whole surface of the control plane, on one page."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from control_plane.db import log
from control_plane.edge.house import House
from control_plane.registry import routes as registry
from control_plane.registry.routes import Neighbours
from control_plane.scheduler import routes as scheduler
from control_plane.scheduler.routes import Yard
from control_plane.task_store import routes as task_store
from control_plane.task_store.routes import Shelf

SPEC_VERSION = "v0"


def routes(house: House, neighbours: Neighbours, shelf: Shelf, yard: Yard, git: ASGIApp) -> list[BaseRoute]:
    """Every route: the wings' calls, git, and what monitors ask."""

    async def health(_request: Request) -> Response:
        return JSONResponse({"status": "ok", "spec_version": SPEC_VERSION})

    async def ready(_request: Request) -> Response:
        """Whether the database answers; constant time, whatever the size of the deployment."""
        await house.read(lambda tx: log.tip(tx.connection))
        return JSONResponse({"status": "ready"})

    return [
        Route("/health", health, name="health"),
        Route("/ready", ready, name="ready"),
        Mount("/git", git, name="git"),
        *registry.routes(house, neighbours),
        *task_store.routes(house, shelf),
        *scheduler.routes(house, yard),
    ]
