"""Errors answered once: each becomes a page that says what happened, which service said so, and what to do."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from store_client import (
    BadRequest,
    Forbidden,
    InvalidName,
    NotFound,
    NotOffered,
    PayloadTooLarge,
    ProtocolBroken,
    Refused,
    SwitchyardError,
    Unauthorized,
    Unreachable,
    WorkerNotEligible,
    WrongClaimant,
)
from web_ui.active import NoSuchExperiment
from web_ui.frame import bare_frame
from web_ui.gates import SAFE_METHODS, sign_in_url
from web_ui.templating import Frame
from web_ui.visit import Console, Visit

logger = logging.getLogger(__name__)
RETRY_SECONDS = "5"


@dataclass(frozen=True)
class Failure:
    """What a failed page says; `advice` is a sentence in the imperative, `back_href` a way out of here."""

    template: ClassVar[str] = "failure.html"

    frame: Frame
    status: int
    headline: str
    detail: str
    advice: str
    request_id: str
    back_href: str
    back: str


@dataclass(frozen=True)
class Words:
    """How an error is told."""

    status: int
    headline: str
    advice: str


LOOK_AGAIN = "Nothing was changed. Go back and look at how things stand now."
TABLE: tuple[tuple[type[Exception], Words], ...] = (
    (NoSuchExperiment, Words(404, "There is no such experiment", "Pick one in the list at the top, or go home.")),
    (
        NotOffered,
        Words(404, "Not on this server", "It speaks the protocol alone. Every page that is linked works with it."),
    ),
    (NotFound, Words(404, "This is not here", "It may have been deleted, or the address has a slip in it.")),
    (Forbidden, Words(403, "You may not do that", "Ask an administrator of this experiment to do it or to let you.")),
    (WorkerNotEligible, Words(403, "This task is meant for somebody else", LOOK_AGAIN)),
    (WrongClaimant, Words(403, "Somebody else holds this task", LOOK_AGAIN)),
    (
        PayloadTooLarge,
        Words(413, "That upload is too large", "Send a smaller file; put large data into the repository."),
    ),
    (BadRequest, Words(400, "That cannot be read", "Nothing was changed. Go back and use the page's own form.")),
    (InvalidName, Words(422, "That name cannot be used", "Nothing was changed. Go back and choose another one.")),
    (Refused, Words(409, "That cannot be done now", LOOK_AGAIN)),
    (
        Unreachable,
        Words(
            503,
            "The control plane does not answer",
            "Wait a moment and reload this page: nothing is lost, and work goes on by itself. "
            "If it stays away, look at the log of the control plane.",
        ),
    ),
    (
        ProtocolBroken,
        Words(502, "The control plane gave an answer we do not understand", "Check that both run the same version."),
    ),
)
STRANGER = Words(
    502,
    "The control plane does not know this console",
    "Nobody was signed out. Start the console again with the credential in console-token of the data directory.",
)
NOT_LET_IN = Words(
    403,
    "The server does not take this console's credential",
    "Nobody was signed out. Put a good one into the console's credential file, or start the console with the server's "
    "admin token: then it has a lost one reissued.",
)
HTTP = {
    404: Words(404, "There is no such page", "Check the address, or go home."),
    405: Words(405, "This page cannot do that", "Go back and use the buttons of the page."),
    413: Words(413, "That form is too large", "Send less text; put large data into a file or into the repository."),
}
FOREIGN = Words(
    403,
    "This form was not sent from this console",
    "Nothing was done. Open the page here and send the form again.",
)
SESSION_ENDED = "Your session has ended. Sign in again, and you are back where you were."


async def on_error(request: Request, error: Exception) -> Response:
    """The page of an error of ours."""
    if isinstance(error, Unauthorized):
        return await _sign_in_again(request, error)
    words = next(words for kind, words in TABLE if isinstance(error, kind))
    return show(request, words, _detail(error), error)


async def on_unsendable(request: Request, error: Exception) -> Response:
    """What was entered fits no call, so it was not even sent."""
    logger.info("%s %s: %s", request.method, request.url.path, error)
    return await on_error(request, BadRequest("one of the values is not of the kind that belongs there"))


async def _sign_in_again(request: Request, error: Unauthorized) -> Response:
    """To the sign-in page, unless it is the console itself that the control plane refuses."""
    console: Console = request.state.console
    if not console.factory.offers.is_ours:
        return show(request, NOT_LET_IN, _detail(error))
    try:
        if not await console.door.is_known():
            return show(request, STRANGER, _detail(error))
    except SwitchyardError as worse:
        return await on_error(request, worse)
    if hasattr(request.state, "who"):
        console.factory.forget(request.state.who)
    response = RedirectResponse(sign_in_url(request), 303)
    console.cookies.forget(response)
    console.cookies.flash(response, "notice", SESSION_ENDED)
    return response


def _detail(error: Exception) -> str:
    if isinstance(error, NoSuchExperiment):
        return f"Nothing here is called “{error.named}”." if error.named else "No experiment has been created yet."
    return sentence(str(error))


def sentence(text: str) -> str:
    """A message of a service as a sentence of ours."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".") if text else ""


async def on_http(request: Request, error: Exception) -> Response:
    """The framework's own refusals, and those of the gates."""
    refused = error if isinstance(error, HTTPException) else HTTPException(400)
    status = refused.status_code
    words = HTTP.get(status, Words(status, "That cannot be read", "Go back and use the page's own form."))
    response = show(request, words, sentence(refused.detail) if status in {400, 413} else "")
    response.headers.update(refused.headers or {})
    return response


def on_foreign(request: Request) -> Response:
    """An act that another site caused."""
    return show(request, FOREIGN, "")


async def on_fault(request: Request, error: Exception) -> Response:
    """A defect of ours: logged whole, told plainly."""
    logger.error("%s %s failed, request %s", request.method, request.url.path, request.state.request_id, exc_info=error)
    words = Words(500, "This page failed", "Try again; if it keeps failing, tell the administrator the request's id.")
    return show(request, words, "")


def show(request: Request, words: Words, detail: str, error: Exception | None = None) -> Response:
    """The failure page; it asks no other service anything, so that it cannot fail itself."""
    console: Console = request.state.console
    href, back = _way_back(request, error)
    page = Failure(
        frame=_frame(request, words.headline, error),
        status=words.status,
        headline=words.headline,
        detail=detail,
        advice=words.advice,
        request_id=request.state.request_id,
        back_href=href,
        back=back,
    )
    response = console.templates.render(page, words.status)
    if page.frame.flashes:
        console.cookies.clear_flash(response)
    if words.status == 503:
        response.headers["Retry-After"] = RETRY_SECONDS
    return response


def _frame(request: Request, title: str, error: Exception | None) -> Frame:
    if not hasattr(request.state, "who"):
        return Frame(title=title, now=datetime.now(UTC), request_id=request.state.request_id)
    known = error.known if isinstance(error, NoSuchExperiment) else ()
    return bare_frame(title, Visit.of(request), known)


def _way_back(request: Request, error: Exception | None) -> tuple[str, str]:
    """Reload what could not be read just now; else to the experiment of the address, else home."""
    url_for = request.app.url_path_for
    if isinstance(error, Unreachable) and request.method in SAFE_METHODS:
        query = f"?{request.url.query}" if request.url.query else ""
        return request.url.path + query, "Try again"
    experiment = request.path_params.get("experiment")
    if experiment and not isinstance(error, NoSuchExperiment | Unreachable):
        return url_for("overview", experiment=experiment), "Go to the experiment's overview"
    return url_for("home"), "Go home"


HANDLERS = {
    NoSuchExperiment: on_error,
    SwitchyardError: on_error,
    ValidationError: on_unsendable,
    HTTPException: on_http,
    Exception: on_fault,
}
