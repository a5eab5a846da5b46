"""A worker's new token, on the one page that ever shows it."""

from dataclasses import dataclass, replace
from typing import ClassVar

from starlette.responses import Response

from store_client import RegisteredWorker
from web_ui.active import Here
from web_ui.envelopes import Token
from web_ui.filters import with_query
from web_ui.frame import experiment_frame
from web_ui.templating import Frame


@dataclass(frozen=True)
class TokenPage:
    """The page at /e/{experiment}/admin/token; without a token it was shown before."""

    template: ClassVar[str] = "admin_workers/token.html"

    frame: Frame
    token: Token | None
    workers_href: str


def lead_to(here: Here, made: RegisteredWorker) -> Response:
    """Send the browser to the page of a token: loading that one again makes no other worker."""
    visit = here.visit
    token = Token(made.worker_id, made.name or made.worker_id, f"{made.worker_id}:{made.registration_token}")
    response = visit.go(here.url("token"))
    half = visit.envelopes.put(response, visit.who.session, token)
    response.headers["location"] = with_query(here.url("token"), envelope=half)
    return response


async def show(here: Here) -> Response:
    """The token, this once; it never renews itself, since it would be gone then."""
    visit = here.visit
    token = visit.envelopes.take(visit.request, visit.who.session, visit.request.query_params.get("envelope", ""))
    title = f"Token of {token.name}" if token else "Shown already"
    frame = replace(experiment_frame(here, title, "workers", await visit.fleet()), live=None)
    response = visit.show(TokenPage(frame, token, here.url("workers")), 200 if token else 410)
    if token is not None:
        visit.console.cookies.clear_enclosed(response)
    return response
