"""The whole surface of the control plane, on one page."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from control_plane.db import log
from control_plane.edge import openapi
from control_plane.edge.house import House
from control_plane.edge.switchboard import Switchboard
from control_plane.health import routes as health_of_parts
from control_plane.health.ports import Signs
from control_plane.orchestrator import routes as orchestrator
from control_plane.orchestrator.ports import Wings
from control_plane.registry import routes as registry
from control_plane.registry.routes import Neighbours
from control_plane.scheduler import routes as scheduler
from control_plane.scheduler.routes import Yard
from control_plane.search import routes as search
from control_plane.search.ports import Wings as Searched
from control_plane.task_store import routes as task_store
from control_plane.task_store.routes import Shelf
from control_plane.training import routes as training
from control_plane.training.operations import Trainings
from control_plane.views import routes as views
from store_client.wire.calls.implementation import DISCOVER
from store_client.wire.implementation import IMPLEMENTATION, SPEC_VERSION, Implementation


@dataclass(frozen=True)
class Rooms:
    """What each wing's routes stand on beside the house."""

    neighbours: Neighbours
    shelf: Shelf
    yard: Yard
    trainings: Trainings
    searched: Searched
    wings: Wings
    signs: Signs


def routes(house: House, rooms: Rooms, git: ASGIApp) -> list[BaseRoute]:
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
        [
            *registry.routes(house, rooms.neighbours),
            *task_store.routes(house, rooms.shelf),
            *orchestrator.routes(house, rooms.wings),
            *scheduler.routes(house, rooms.yard),
            *training.routes(house, rooms.trainings),
            *search.routes(house, rooms.searched),
            *views.routes(house),
            *health_of_parts.routes(house, rooms.signs),
        ]
    )
    return [
        calls,
        Route("/health", health, name="health"),
        Route("/ready", ready, name="ready"),
        Route(DISCOVER.path, discover, name=DISCOVER.name),
        openapi.route(house),
        Mount("/git", git, name="git"),
    ]
