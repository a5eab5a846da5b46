"""The event stream of a browser, and the sign of life."""

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from store_client import NotFound
from web_ui.active import find
from web_ui.event_stream import Watch
from web_ui.visit import Visit

MOST_WATCHES = 64
"""More than anybody has pages open on different experiments."""
EVERYTHING = Watch(None)


async def health(_request: Request) -> Response:
    """Whether this process serves; it asks nobody else."""
    return JSONResponse({"status": "ok"})


async def follow(visit: Visit) -> Response:
    """What changes where the pages of one browser look.

    Each `of=<experiment id>:<position>` asks for what comes after a position in an experiment; without an id, anywhere.
    What somebody may not look at is left out, so that the other pages are served.
    """
    wanted = tuple(map(read_watch, visit.request.query_params.getlist("of")[:MOST_WATCHES])) or (EVERYTHING,)
    open_to = await asyncio.gather(*(_may_watch(visit, watch) for watch in wanted))
    watches = [watch for watch, is_open in zip(wanted, open_to, strict=True) if is_open]
    if not watches:
        raise NotFound("there is nothing here to follow")
    return visit.console.live.stream(watches, visit.who.operator_id)


def read_watch(text: str) -> Watch:
    """What `<experiment id>:<position>` asks for; a position that is none means from now on."""
    name, _, position = text.partition(":")
    after = int(position) if position.isascii() and position.isdecimal() and len(position) < 19 else None
    return Watch(name or None, after)


async def _may_watch(visit: Visit, watch: Watch) -> bool:
    """Whether this person may know what happens there; servers of others are asked what there is."""
    if watch.experiment_id is None:
        return True
    factory = visit.console.factory
    if not visit.offers.is_ours:
        return find(await factory.experiments(visit.who), watch.experiment_id) is not None
    try:
        await factory.inside(visit.who, watch.experiment_id)
    except NotFound:
        return False
    return True
