"""The calls about what is told of an experiment and how it is configured, and the operation behind each."""

from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from control_plane.edge.endpoint import Operation, endpoint, prepare, read_arguments, respond
from control_plane.edge.house import House
from control_plane.registry.operations import lifecycle, settings
from store_client.wire.call import Call
from store_client.wire.calls import configs as c
from store_client.wire.calls import experiments as e


def settings_routes(house: House, git_root: str) -> list[Route]:
    """Every route about settings."""
    table: dict[Call, Operation] = {
        e.CHANGE_EXPERIMENT: partial(settings.change, git_root=git_root),
        e.ARCHIVE_EXPERIMENT: lifecycle.archive,
        e.UNARCHIVE_EXPERIMENT: lifecycle.unarchive,
        c.READ_CONFIG: settings.read_config,
        c.CHANGE_CONFIG: settings.change_config,
        c.LIST_CONFIG_VERSIONS: settings.list_versions,
        c.READ_CONFIG_VERSION: settings.read_version,
    }
    return [_checking(house), *(endpoint(house, call, act) for call, act in table.items())]


def _checking(house: House) -> Route:
    """Checking a config sends one and writes nothing, so it is read on a snapshot."""
    call = c.CHECK_CONFIG

    async def serve(request: Request) -> Response:
        asked = request, await read_arguments(request, call)
        return respond(call, await house.read(prepare(house, call, settings.check, asked)))

    return Route(call.path, serve, methods=[call.method], name=call.name)
