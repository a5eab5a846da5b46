"""The control plane's own calls: the registry of experiments and the leases on them."""

import asyncio
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from control_plane.db.transaction import Tx
from control_plane.edge.endpoint import Operation, endpoint, prepare, read_arguments, respond
from control_plane.edge.house import House
from control_plane.registry.operations import lease_lines, leases, registrations
from control_plane.registry.ports import Refresh
from store_client.wire.call import Call
from store_client.wire.calls import control as c
from store_client.wire.leases import AcquireLease

LEASE_SECONDS = 30.0


def control_routes(house: House, lease_seconds: float, refresh: Refresh | None) -> list[Route]:
    """Every route about registered experiments and leases."""
    acquire = partial(leases.acquire, lease_seconds=lease_seconds)
    table: dict[Call, Operation] = {
        c.REGISTER_EXPERIMENT: registrations.register_experiment,
        c.UNREGISTER_EXPERIMENT: registrations.unregister,
        c.LIST_REGISTRY: registrations.list_all,
        c.READ_REGISTRY_ENTRY: registrations.read,
        c.RENEW_LEASE: partial(leases.renew, lease_seconds=lease_seconds),
        c.RELEASE_LEASE: leases.release,
        c.LIST_LEASES: leases.list_active,
        c.LIST_LEASE_LINES: lease_lines.list_all,
        c.END_LEASE: lease_lines.end,
        c.FORGET_REGISTRATION: registrations.unregister,
    }
    if refresh is None:
        table[c.ACQUIRE_LEASE] = acquire
    routes = [endpoint(house, call, act) for call, act in table.items()]
    return routes if refresh is None else [_acquiring(house, acquire, refresh), *routes]


def _acquiring(house: House, acquire: Operation, refresh: Refresh) -> Route:
    """Acquiring asks the place that hosts the experiment for its state, between the gate and the write."""
    call = c.ACQUIRE_LEASE

    async def serve(request: Request) -> Response:
        asked = request, await read_arguments(request, call)
        entry_id = await house.read(prepare(house, call, _take_entry, asked))
        await asyncio.to_thread(refresh, entry_id)
        return respond(call, await house.write(prepare(house, call, acquire, asked)))

    return Route(call.path, serve, methods=[call.method], name=call.name)


def _take_entry(_tx: Tx, entry_id: str, body: AcquireLease) -> str:  # noqa: ARG001 - the body has been read by now
    return entry_id
