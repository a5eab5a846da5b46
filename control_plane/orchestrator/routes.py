"""The decisions that people take by hand where the store alone cannot: what waits, and integration."""

import asyncio
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from control_plane.db.transaction import Tx
from control_plane.edge.endpoint import endpoint, prepare, read_arguments, respond
from control_plane.edge.house import House
from control_plane.orchestrator import backlog
from control_plane.orchestrator.ports import Integrable, Wings
from store_client.errors import Refused
from store_client.wire.calls.decisions import PUBLISH_VARIANT, READ_BACKLOG
from store_client.wire.variants import IntegrateVariant, Variant


def routes(house: House, wings: Wings) -> list[Route]:
    return [endpoint(house, READ_BACKLOG, partial(backlog.read, wings=wings)), _publish(house, wings)]


def _publish(house: House, wings: Wings) -> Route:
    """The caller is admitted, git writes the commit and its ref, then the store is told, as the caller.

    The commit is the same whoever makes it, so that the orchestrator doing the same meanwhile does no harm.
    """
    call = PUBLISH_VARIANT

    async def serve(request: Request) -> Response:
        arguments = await read_arguments(request, call)
        found: Integrable = await house.read(prepare(house, call, wings.dispatch.to_integrate, (request, arguments)))
        if found.variant.variant_commit_sha is not None:
            return respond(call, found.variant)
        experiment_id = request.path_params["experiment_id"]
        branch, commit = await asyncio.to_thread(wings.repository.integrate, experiment_id, found.variant, found.slug)
        recording = prepare(house, call, partial(_record, wings=wings, commit=commit), (request, arguments))
        try:
            return respond(call, await house.write(recording))
        except Refused:
            await _take_back(house, wings, (experiment_id, found.variant.variant_id), (branch, commit))
            raise

    return Route(call.path, serve, methods=[call.method], name=call.name)


def _record(tx: Tx, variant_id: str, wings: Wings, commit: str) -> Variant:
    wings.variants.integrate(tx, variant_id, IntegrateVariant(variant_commit_sha=commit))
    return wings.variants.read(tx, variant_id)


async def _take_back(house: House, wings: Wings, which: tuple[str, str], published: tuple[str, str]) -> None:
    """Withdraw what was published, unless it is recorded after all."""
    experiment_id, variant_id = which
    branch, commit = published
    variant = await house.read(lambda tx: wings.variants.read(tx.at(experiment_id), variant_id))
    if variant.variant_commit_sha != commit:
        await asyncio.to_thread(wings.repository.withdraw, experiment_id, branch, commit)
