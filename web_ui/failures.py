"""Errors answered once: each becomes a page that says what happened, which service said so, and what to do."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from store_client import (
    Forbidden,
    NotFound,
    PayloadTooLarge,
    ProtocolBroken,
    Refused,
    SwitchyardError,
    Unauthorized,
    Unreachable,
)
from web_ui.active import NoSuchExperiment
from web_ui.gates import sign_in_url
from web_ui.templating import Frame

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Failure:
    """What a failed page says; `advice` is a sentence in the imperative."""

    template: ClassVar[str] = "failure.html"

    frame: Frame
    status: int
    headline: str
    detail: str
    advice: str
    request_id: str
    home: str


@dataclass(frozen=True)
class Words:
    """How an error is told."""

    status: int
    headline: str
    advice: str


TABLE: tuple[tuple[type[Exception], Words], ...] = (
    (NoSuchExperiment, Words(404, "There is no such experiment", "Pick one in the list at the top, or go home.")),
    (NotFound, Words(404, "This is not here", "Go back, or start from the experiment's overview.")),
    (Forbidden, Words(403, "You may not do that", "Ask an administrator of this experiment to do it or to let you.")),
    (
        PayloadTooLarge,
        Words(413, "That upload is too large", "Send a smaller file; put large data into the repository."),
    ),
    (Refused, Words(409, "That cannot be done now", "Go back and look at how things stand; nothing was changed.")),
    (
        Unreachable,
        Words(503, "The control plane does not answer", "Wait a moment and reload. If it stays away, look at its log."),
    ),
    (
        ProtocolBroken,
        Words(502, "The control plane gave an answer we do not understand", "Check that both run the same version."),
    ),
)


async def on_error(request: Request, error: Exception) -> Response:
    """The page of an error of ours."""
    if isinstance(error, Unauthorized):
        logger.warning("signed out: %s", error)
        response = RedirectResponse(sign_in_url(request), 303)
        request.state.console.cookies.forget(response)
        return response
    words = next(words for kind, words in TABLE if isinstance(error, kind))
    detail = _detail(error)
    return show(request, words, detail)


def _detail(error: Exception) -> str:
    if isinstance(error, NoSuchExperiment):
        return f"Nothing here is called “{error.named}”." if error.named else "No experiment has been created yet."
    text = str(error)
    return (text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")) if text else ""


async def on_http(request: Request, error: Exception) -> Response:
    """The framework's own refusals."""
    status = error.status_code if isinstance(error, HTTPException) else 400
    words = {
        404: Words(404, "There is no such page", "Check the address, or go home."),
        405: Words(405, "This page cannot do that", "Go back and use the buttons of the page."),
    }.get(status, Words(status, "The request is not well formed", "Go back and try again."))
    return show(request, words, "")


async def on_fault(request: Request, error: Exception) -> Response:
    """A defect of ours: logged whole, told plainly."""
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    words = Words(500, "This page failed", "Try again; if it keeps failing, tell the administrator the request's id.")
    return show(request, words, "")


def show(request: Request, words: Words, detail: str) -> Response:
    """The failure page; it asks no other service anything, so that it cannot fail itself."""
    request_id = getattr(request.state, "request_id", "")
    frame = Frame(title=words.headline, now=datetime.now(UTC), request_id=request_id)
    page = Failure(frame, words.status, words.headline, detail, words.advice, request_id, "/")
    response: Response = request.state.console.templates.render(page, words.status)
    return response


HANDLERS = {
    NoSuchExperiment: on_error,
    SwitchyardError: on_error,
    HTTPException: on_http,
    Exception: on_fault,
}
