"""Who is in an experiment, and in the deployment: the same pages and acts of either."""

from collections.abc import Awaitable, Callable

from starlette.responses import Response

from web_ui.active import Here
from web_ui.pages import admin_groups, admin_token, admin_workers, group, leases
from web_ui.registries import OfExperiment, Registry, of_deployment
from web_ui.visit import Visit

Handler = Callable[[Registry], Awaitable[Response]]
_PAGES: tuple[tuple[str, Handler, str], ...] = (
    ("/admin/workers", admin_workers.index, "workers"),
    ("/admin/token", admin_token.show, "token"),
    ("/admin/groups", admin_groups.index, "groups"),
    ("/admin/groups/{group}", group.show, "group"),
)
_ACTS: tuple[tuple[str, Handler, str], ...] = (
    ("/admin/workers/register", admin_workers.register, "register_worker"),
    ("/admin/workers/{worker}/reissue", admin_workers.reissue, "reissue"),
    ("/admin/workers/{worker}/disable", admin_workers.disable, "disable_worker"),
    ("/admin/workers/{worker}/enable", admin_workers.enable, "enable_worker"),
    ("/admin/groups/create", admin_groups.create, "create_group"),
    ("/admin/groups/{group}/add", group.add, "add_member"),
    ("/admin/groups/{group}/remove", group.remove, "remove_member"),
    ("/admin/groups/{group}/delete", group.delete, "delete_group"),
)


def _inside(handler: Handler) -> Callable[[Here], Awaitable[Response]]:
    async def serve(here: Here) -> Response:
        return await handler(OfExperiment(here))

    return serve


def _everywhere(handler: Handler) -> Callable[[Visit], Awaitable[Response]]:
    async def serve(visit: Visit) -> Response:
        return await handler(await of_deployment(visit))

    return serve


PAGES_INSIDE = tuple((path, _inside(handler), name) for path, handler, name in _PAGES)
ACTS_INSIDE = tuple((path, _inside(handler), name) for path, handler, name in _ACTS)
PAGES = (
    *((path, _everywhere(handler), f"deployment_{name}") for path, handler, name in _PAGES),
    ("/admin/leases", leases.index, "leases"),
)
ACTS = (
    *((path, _everywhere(handler), f"deployment_{name}") for path, handler, name in _ACTS),
    ("/admin/leases/{lease}/end", leases.end, "end_lease"),
    ("/admin/leases/experiments/{entry}/forget", leases.forget, "forget_registration"),
)
