"""The call of the health page: every part at once, each within a limit."""

import asyncio
from importlib.metadata import PackageNotFoundError, version

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from control_plane.db.transaction import Tx
from control_plane.edge.endpoint import prepare, respond
from control_plane.edge.house import House
from control_plane.health.ports import Signs
from control_plane.health.probes import Probe, probes
from control_plane.health.rules import Finding
from store_client.errors import SwitchyardError
from store_client.wire.calls.health import READ_HEALTH
from store_client.wire.health import Health, HealthPart
from store_client.wire.implementation import IMPLEMENTATION, SPEC_VERSION

PATIENCE_SECONDS = 2.0


def routes(house: House, signs: Signs) -> list[Route]:
    """The one route."""
    asked = probes(house, signs)

    async def serve(request: Request) -> Response:
        await house.read(prepare(house, READ_HEALTH, _admitted, (request, {})))
        parts = await asyncio.gather(*map(examine, asked))
        health = Health(version=release(), spec_version=SPEC_VERSION, now=house.clock(), parts=tuple(parts))
        return respond(READ_HEALTH, health)

    return [Route(READ_HEALTH.path, serve, methods=[READ_HEALTH.method], name=READ_HEALTH.name)]


async def examine(probe: Probe, patience: float = PATIENCE_SECONDS) -> HealthPart:
    """How one part does; that it does not answer is an answer."""
    try:
        finding = await asyncio.wait_for(asyncio.to_thread(probe.look), patience)
    except TimeoutError:
        finding = Finding("bad", f"It has not answered within {patience:g} s.", probe.advice)
    except (OSError, SwitchyardError) as error:
        finding = Finding("bad", f"It failed: {error}.", probe.advice)
    return HealthPart(
        name=probe.name,
        title=probe.title,
        state=finding.state,
        words=finding.words,
        advice=finding.advice,
        facts=finding.facts,
    )


def release() -> str:
    """The version of this program."""
    try:
        return version(IMPLEMENTATION)
    except PackageNotFoundError:
        return "not installed"


def _admitted(_tx: Tx) -> None:
    """Nothing more is asked of a caller who may be here."""
