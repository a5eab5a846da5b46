"""The event streams of pages, and the sign of life."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from web_ui.active import Here
from web_ui.visit import Visit


async def health(_request: Request) -> Response:
    """Whether this process serves; it asks nobody else."""
    return JSONResponse({"status": "ok"})


async def deployment(visit: Visit) -> Response:
    """What changes anywhere."""
    return visit.console.live.stream(None, _last_seen(visit.request), visit.who.operator_id)


async def experiment(here: Here) -> Response:
    """What changes in one experiment."""
    visit = here.visit
    return visit.console.live.stream(here.experiment_id, _last_seen(visit.request), visit.who.operator_id)


def _last_seen(request: Request) -> int | None:
    """The last event the browser saw: what it says when it reconnects, else where the page was drawn."""
    text = request.headers.get("last-event-id") or request.query_params.get("after", "")
    return int(text) if text.isdecimal() and len(text) < 19 else None
