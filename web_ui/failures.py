"""Errors answered once: each becomes a page that says what happened, which service said so, and what to do."""

import logging
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import ClassVar

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from store_client import BadRequest, SwitchyardError, Unauthorized, Unreachable
from web_ui.failure_words import (
    FOREIGN,
    HTTP,
    REFUSED,
    STRANGER,
    Words,
    words_of,
    words_of_refused_credential,
)
from web_ui.frame import bare_frame
from web_ui.gates import SAFE_METHODS, sign_in_url
from web_ui.missing import CannotShow, ConfigInvalid, ConfigMissing, NoSuchExperiment, StaleSelection, Unseeded
from web_ui.templating import Frame
from web_ui.visit import Console, Visit

logger = logging.getLogger(__name__)
RETRY_SECONDS = "5"
BARE = re.compile(r"status \d+")
"""What a refusal says that came without a word: no more than its number, which tells a person nothing."""
MENDABLE = (Unreachable, Unseeded, Unauthorized, ConfigInvalid, ConfigMissing)
"""What may have been put right elsewhere by the time that the page is asked for again."""


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


SESSION_ENDED = "Your session has ended. Sign in again, and you are back where you were."


async def on_error(request: Request, error: Exception) -> Response:
    """The page of an error of ours."""
    if isinstance(error, Unauthorized):
        return await _sign_in_again(request, error)
    console: Console = request.state.console
    response = show(request, words_of(error, console.settings), _detail(error), error)
    if isinstance(error, StaleSelection):
        console.cookies.keep(response, replace(request.state.who, experiment_id=None))
    return response


async def on_unsendable(request: Request, error: Exception) -> Response:
    """What was entered fits no call, so it was not even sent."""
    logger.info("%s %s: %s", request.method, request.url.path, error)
    return await on_error(request, BadRequest("one of the values is not of the kind that belongs there"))


async def _sign_in_again(request: Request, error: Unauthorized) -> Response:
    """To the sign-in page when the session has ended; else the page that says whose credential is refused."""
    console: Console = request.state.console
    if not console.factory.offers.is_ours:
        return show(request, words_of_refused_credential(error), _detail(error), error)
    try:
        if not await console.door.is_known():
            return show(request, STRANGER, _detail(error))
        if await _goes_on(request):
            return show(request, REFUSED, _detail(error), error)
    except SwitchyardError as worse:
        return await on_error(request, worse)
    response = RedirectResponse(sign_in_url(request), 303)
    console.cookies.forget(response)
    console.cookies.flash(response, "notice", SESSION_ENDED)
    return response


async def _goes_on(request: Request) -> bool:
    """Whether the session is still good for a credential that is made anew; what was kept of it is dropped."""
    console: Console = request.state.console
    if not hasattr(request.state, "who"):
        return False
    console.factory.forget(request.state.who)
    try:
        await console.factory.refreshed(request.state.who)
    except Unauthorized:
        return False
    return True


def _detail(error: Exception) -> str:
    if isinstance(error, NoSuchExperiment):
        return f"Nothing here is called “{error.named}”." if error.named else "No experiment has been created yet."
    text = str(error)
    return "" if BARE.fullmatch(text) else sentence(text)


def sentence(text: str) -> str:
    """A message of a service as a sentence of ours; an address at its beginning stays as it is."""
    begun = text if text.startswith(("http://", "https://")) else text[:1].upper() + text[1:]
    return begun + ("" if text.endswith((".", "!", "?")) else ".") if text else ""


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
    known = error.known if isinstance(error, NoSuchExperiment | StaleSelection) else ()
    return bare_frame(title, Visit.of(request), known)


def _way_back(request: Request, error: Exception | None) -> tuple[str, str]:
    """Reload what could not be read just now; else to the experiment of the address, else home."""
    url_for = request.app.url_path_for
    if isinstance(error, MENDABLE) and request.method in SAFE_METHODS:
        query = f"?{request.url.query}" if request.url.query else ""
        return request.url.path + query, "Try again"
    experiment = request.path_params.get("experiment")
    if experiment and not isinstance(error, CannotShow | Unreachable | Unauthorized):
        return url_for("overview", experiment=experiment), "Go to the experiment's overview"
    return url_for("home"), "Go home"


HANDLERS = {
    CannotShow: on_error,
    SwitchyardError: on_error,
    ValidationError: on_unsendable,
    HTTPException: on_http,
    Exception: on_fault,
}
