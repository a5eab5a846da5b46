"""A worker's new token, on the one page that ever shows it."""

from dataclasses import dataclass, replace
from typing import ClassVar

from starlette.responses import Response

from store_client import RegisteredWorker
from web_ui.envelopes import Token
from web_ui.filters import with_query
from web_ui.registries import Registry
from web_ui.templating import Frame


@dataclass(frozen=True)
class TokenPage:
    """The page at /e/{experiment}/admin/token, or at /admin/token; without a token it was shown before."""

    template: ClassVar[str] = "admin_workers/token.html"

    frame: Frame
    token: Token | None
    workers_href: str


def lead_to(registry: Registry, made: RegisteredWorker) -> Response:
    """Send the browser to the page of a token: loading that one again makes no other worker."""
    visit = registry.visit
    token = Token(made.worker_id, made.name or made.worker_id, f"{made.worker_id}:{made.registration_token}")
    response = visit.go(registry.url("token"))
    half = visit.envelopes.put(response, visit.who.session, token)
    response.headers["location"] = with_query(registry.url("token"), envelope=half)
    return response


async def show(registry: Registry) -> Response:
    """The token, this once; it never renews itself, since it would be gone then."""
    visit = registry.visit
    token = visit.envelopes.take(visit.request, visit.who.session, visit.request.query_params.get("envelope", ""))
    title = f"Token of {token.name}" if token else "Shown already"
    frame = replace(await registry.frame(title, "workers"), live=None)
    response = visit.show(TokenPage(frame, token, registry.url("workers")), 200 if token else 410)
    if token is not None:
        visit.console.cookies.clear_enclosed(response)
    return response
