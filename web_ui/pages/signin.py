"""Signing in with a one-time link, and out."""

import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import ClassVar
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from store_client import NotOffered, Refused, SwitchyardError, Unreachable
from web_ui.forms.field import text
from web_ui.gates import own_path
from web_ui.templating import Flash, Frame
from web_ui.visit import Console, Visit

logger = logging.getLogger(__name__)
USED = "This link was used already or is too old. Ask for a new one with: switchyard signin"
NO_SESSIONS = (
    "The server behind this console knows no sessions. Start the console with --experiment-id, --admin-token-file or "
    "a file of credentials: then it lets you in by itself."
)
NOT_ENDED = (
    "You are signed out in this browser. The control plane did not answer, so it forgets the session by itself, "
    "within 14 days of its last use."
)


@dataclass(frozen=True)
class SignInPage:
    """`/signin`."""

    template: ClassVar[str] = "signin/index.html"

    frame: Frame
    code: str
    next: str
    problem: str


async def show(request: Request) -> Response:
    """The form; a link with a code has it filled in, so that fetching a link (a preview) spends nothing."""
    console: Console = request.state.console
    back = own_path(request.query_params.get("next", "/"))
    who = console.cookies.read(request)
    if who is not None and console.door.is_open(who) and "code" not in request.query_params:
        return RedirectResponse(back, 303)
    return _form(request, _Entered(request.query_params.get("code", ""), back))


async def enter(request: Request) -> Response:
    """Trade a code for a session."""
    console: Console = request.state.console
    form = await request.form()
    entered = _Entered(code_of(text(form, "code")), own_path(text(form, "next") or "/"))
    if not entered.code:
        return _form(request, entered, "Paste the code of your sign-in link.", 422)
    try:
        who = await console.door.enter(entered.code)
    except Refused:
        return await _refused(request, entered)
    except NotOffered:
        return _form(request, entered, NO_SESSIONS, 422)
    except Unreachable:
        return _form(request, entered, "The control plane does not answer. Wait a moment and try again.", 503)
    response = RedirectResponse(entered.next, 303)
    console.cookies.keep(response, who)
    console.cookies.clear_flash(response)
    return response


async def leave(visit: Visit) -> Response:
    """End the session here and on the server."""
    response = visit.go("/signin", ("done", "You are signed out."))
    try:
        await visit.console.door.leave(visit.who)
    except SwitchyardError as error:
        logger.warning("a session could not be ended: %s", error)
        visit.console.cookies.flash(response, "notice", NOT_ENDED)
    visit.console.factory.forget(visit.who)
    visit.console.cookies.forget(response)
    return response


def code_of(pasted: str) -> str:
    """The code, also when the whole link was pasted."""
    _, mark, query = pasted.partition("?")
    codes = parse_qs(query).get("code", [""]) if mark else [pasted]
    return codes[0].strip()


async def _refused(request: Request, entered: "_Entered") -> Response:
    """Say whether it is the code that is no good, or this console."""
    console: Console = request.state.console
    try:
        is_known = await console.door.is_known()
    except SwitchyardError:
        is_known = True
    if is_known:
        return _form(request, replace(entered, code=""), USED, 422)
    return _form(request, entered, "The control plane does not know this console, so nobody can sign in here.", 502)


@dataclass(frozen=True)
class _Entered:
    code: str
    next: str


def _form(request: Request, entered: _Entered, problem: str = "", status: int = 200) -> Response:
    console: Console = request.state.console
    flash = console.cookies.take_flash(request)
    frame = Frame(
        title="Sign in",
        now=datetime.now(UTC),
        request_id=request.state.request_id,
        flashes=(Flash(*flash),) if flash is not None else (),
    )
    response = console.templates.render(SignInPage(frame, entered.code, entered.next, problem), status)
    if flash is not None:
        console.cookies.clear_flash(response)
    return response
