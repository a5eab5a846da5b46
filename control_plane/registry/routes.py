"""The registry's calls and the operation behind each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from control_plane.db.transaction import Tx
from control_plane.edge.endpoint import Operation, endpoint, prepare, read_arguments, respond
from control_plane.edge.house import House
from control_plane.registry.account_routes import account_operations
from control_plane.registry.control_routes import LEASE_SECONDS, control_routes
from control_plane.registry.creation import Creation
from control_plane.registry.entering import Entering
from control_plane.registry.operations import (
    exchange,
    groups,
    lifecycle,
    memberships,
    reading,
    registrations,
    sessions,
    standing,
    summaries,
    workers,
)
from control_plane.registry.passwords import Passwords
from control_plane.registry.ports import OpenClaims, Refresh, Seeds, Vouches
from control_plane.registry.settings_routes import settings_routes
from control_plane.registry.source_routes import source_routes
from control_plane.registry.sources import Sources
from control_plane.registry.vouched_routes import VouchedEntering
from store_client.wire.call import Call
from store_client.wire.calls import experiments as e
from store_client.wire.calls import groups as g
from store_client.wire.calls import sources as s
from store_client.wire.calls import workers as w
from store_client.wire.experiments import CreateExperiment, ExperimentDetail


def no_claims(tx: Tx) -> Mapping[str, int]:  # noqa: ARG001 - it stands where another counts
    """Of a house without tasks: nobody holds any."""
    return {}


@dataclass(frozen=True)
class Neighbours:
    """What the other wings lend to the registry; `git_root` is this server's URL, or empty for relative paths."""

    seeds: Seeds
    open_claims: OpenClaims = no_claims
    git_root: str = ""
    lease_seconds: float = LEASE_SECONDS
    passwords: Passwords = field(default_factory=Passwords)
    refresh: Refresh | None = None
    """Of experiments that another server hosts; None where there is no such server."""
    sources: Sources | None = None
    """What new experiments begin with; None where they are made of directories alone."""
    provider: Vouches | None = None
    """With whom people sign in beside passwords and links; None where with nobody."""


def routes(house: House, neighbours: Neighbours) -> list[Route]:
    """Every route of the registry."""
    creation = Creation(house, neighbours.seeds, neighbours.git_root, neighbours.sources)
    table = _experiments(neighbours) | _sessions(house)
    table |= _details(neighbours.open_claims) | account_operations(house.keys)
    for rows in (w.EXPERIMENT_REGISTRY, w.DEPLOYMENT_REGISTRY, w.CONSOLE_REGISTRY, g.ADMINISTRATORS_REGISTRY):
        table |= {call: act for call, act in _registry(house, rows).items() if call in (*w.CALLS, *g.CALLS)}
    table[g.REISSUE_CREDENTIAL_OF_DEPLOYMENT] = partial(standing.reissue, keys=house.keys)
    own = [_creating(house, creation), *(endpoint(house, call, act) for call, act in table.items())]
    own += source_routes(house, neighbours.sources) if neighbours.sources is not None else []
    own += [*settings_routes(house, neighbours.git_root), *Entering(house, neighbours.passwords).routes()]
    own += VouchedEntering(house, neighbours.provider, neighbours.passwords).routes()
    return [*own, *control_routes(house, neighbours.lease_seconds, neighbours.refresh)]


def _experiments(neighbours: Neighbours) -> dict[Call, Operation]:
    return {
        e.READ_EXPERIMENT: reading.read_runtime,
        e.READ_STATE: reading.read_state,
        e.READ_DISPATCH_MODE: reading.read_dispatch_mode,
        e.UPDATE_DISPATCH_MODE: lifecycle.change_dispatch_mode,
        e.TERMINATE_EXPERIMENT: lifecycle.terminate,
        e.EMIT_POLICY_ERROR: lifecycle.report_policy_error,
        e.LIST_EXPERIMENTS: reading.list_summaries,
        e.LIST_EXPERIMENT_PAGE: summaries.page,
        s.LIST_UNMADE: registrations.list_unmade,
        e.READ_EXPERIMENT_DETAIL: partial(reading.read_detail, git_root=neighbours.git_root),
        e.PAUSE_EXPERIMENT: lifecycle.pause,
        e.RESUME_EXPERIMENT: lifecycle.resume,
        e.END_EXPERIMENT: lifecycle.end,
        e.UPDATE_AUTOMATION: lifecycle.change_automation,
    }


def _sessions(house: House) -> dict[Call, Operation]:
    return {
        w.WHOAMI: workers.whoami,
        w.DEPLOYMENT_WHOAMI: workers.whoami,
        w.EXCHANGE: partial(exchange.exchange, keys=house.keys),
        w.SIGN_IN: partial(sessions.sign_in, keys=house.keys),
        w.END_SESSION: partial(sessions.end_session, keys=house.keys),
        w.CREATE_SIGN_IN_CODE: partial(sessions.create_code, keys=house.keys),
    }


def _details(open_claims: OpenClaims) -> dict[Call, Operation]:
    """Workers and groups as an admin sees and switches them, in an experiment and in the deployment."""
    listing: dict[Call, Operation] = dict.fromkeys(
        (w.LIST_WORKER_DETAILS, w.LIST_DEPLOYMENT_WORKER_DETAILS),
        partial(workers.list_details, open_claims=open_claims),
    )
    for calls in (g.EXPERIMENT_DETAILS, g.DEPLOYMENT_DETAILS):
        listing |= dict(zip(calls, (memberships.list_details, memberships.read_detail), strict=True))
    switches = partial(standing.disable, open_claims=open_claims), partial(standing.enable, open_claims=open_claims)
    rows = w.EXPERIMENT_SWITCHES, w.DEPLOYMENT_SWITCHES
    return listing | {call: act for both in rows for call, act in zip(both, switches, strict=True)}


def _registry(house: House, rows: tuple[Call, ...]) -> dict[Call, Operation]:
    """The same ten operations under each prefix: the scope is that of the path."""
    acts: tuple[Operation, ...] = (
        partial(workers.register, keys=house.keys),
        workers.list_all,
        workers.read,
        partial(workers.reissue, keys=house.keys),
        groups.register,
        groups.list_all,
        groups.read,
        groups.add,
        groups.remove,
        groups.drop,
    )
    return dict(zip(rows, acts, strict=True))


def _creating(house: House, creation: Creation) -> Route:
    """Creating an experiment reads files and makes a repository between the gate and the write."""
    call = e.CREATE_EXPERIMENT

    async def serve(request: Request) -> Response:
        asked = request, await read_arguments(request, call)
        body = await house.read(prepare(house, call, _take_body, asked))

        async def write(work: Callable[[Tx], ExperimentDetail]) -> ExperimentDetail:
            return await house.write(prepare(house, call, lambda tx, **_: work(tx), asked))

        return respond(call, await creation.create(body, write))

    return Route(call.path, serve, methods=[call.method], name=call.name)


def _take_body(_tx: Tx, body: CreateExperiment) -> CreateExperiment:
    return body
