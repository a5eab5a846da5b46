"""Signing in, with a name and a password or with a one-time link, and out."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import ClassVar
from urllib.parse import parse_qs

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from store_client import Forbidden, InvalidPrecondition, NotOffered, Refused, SwitchyardError, Unreachable
from web_ui.browsers import address_of, browser_of
from web_ui.door import Visitor
from web_ui.failures import sentence
from web_ui.forms.field import secret, text
from web_ui.gates import own_path
from web_ui.session import SignedIn
from web_ui.templating import Flash, Frame
from web_ui.visit import Console, Visit

logger = logging.getLogger(__name__)
USED = "This link was used already or is too old. Ask for a new one with: switchyard signin"
WRONG = "The name or the password is wrong."
NO_SESSIONS = (
    "The server behind this console knows no sessions. Start the console with --experiment-id, --admin-token-file or "
    "a file of credentials: then it lets you in by itself."
)
AWAY = "The control plane does not answer. Wait a moment and try again."
STRANGE = "The control plane does not know this console, so nobody can sign in here."
NOT_ENDED = (
    "You are signed out in this browser. The control plane did not answer, so it forgets the session by itself, "
    "within 7 days of its last use."
)


@dataclass(frozen=True)
class SignInPage:
    """`/signin`."""

    template: ClassVar[str] = "signin/index.html"

    frame: Frame
    takes_passwords: bool
    provider: str
    name: str
    code: str
    next: str
    problem: str


@dataclass(frozen=True)
class Entered:
    """What somebody typed, as far as a page may show it again."""

    next: str
    name: str = ""
    code: str = ""


async def show(request: Request) -> Response:
    """The form; a link with a code has it filled in, so that fetching a link (a preview) spends nothing."""
    back = own_path(request.query_params.get("next", "/"))
    if "code" not in request.query_params and (way_on := home(request, back)) is not None:
        return way_on
    return form_again(request, Entered(back, code=request.query_params.get("code", "")))


def home(request: Request, back: str = "/") -> Response | None:
    """The way on for whoever is in already; None for everybody else."""
    console: Console = request.state.console
    who = console.cookies.read(request)
    return RedirectResponse(back, 303) if who is not None and console.door.is_open(who) else None


async def enter(request: Request) -> Response:
    """Trade a code for a session."""
    console: Console = request.state.console
    form = await request.form()
    entered = Entered(own_path(text(form, "next") or "/"), code=code_of(text(form, "code")))
    if not entered.code:
        return form_again(request, entered, "Paste the code of your sign-in link.", 422)
    return await _let_in(request, entered, lambda by: console.door.enter(entered.code, by))


async def enter_with_password(request: Request) -> Response:
    """Trade a name and a password for a session; what is wrong of them is not said."""
    console: Console = request.state.console
    form = await request.form()
    entered, password = Entered(own_path(text(form, "next") or "/"), text(form, "name")), secret(form, "password")
    if not entered.name or not password:
        return form_again(request, entered, "Enter your sign-in name and your password.", 422)
    return await _let_in(request, entered, lambda by: console.door.enter_with_password(entered.name, password, by))


async def leave(visit: Visit) -> Response:
    """End the session here and on the server."""
    response = visit.go("/signin", ("done", "You are signed out."))
    try:
        await visit.console.door.leave(visit.who)
    except SwitchyardError as error:
        logger.warning("a session could not be ended: %s", error)
        visit.console.cookies.flash(response, "notice", NOT_ENDED)
    return forget(visit, response)


def forget(visit: Visit, response: Response) -> Response:
    """The same response, after which this browser is nobody's."""
    visit.console.factory.forget(visit.who)
    visit.console.cookies.forget(response)
    return response


async def _let_in(request: Request, entered: Entered, act: Callable[[Visitor], Awaitable[SignedIn]]) -> Response:
    """In, or the form again with why not."""
    try:
        return welcome(request, await act(visitor_of(request)), entered.next)
    except (Forbidden, ValidationError):
        return form_again(request, entered, WRONG, 422)
    except InvalidPrecondition as error:
        return form_again(request, entered, sentence(error.detail), 429)
    except Refused:
        return await _refused(request, entered)
    except (NotOffered, Unreachable) as error:
        is_away = isinstance(error, Unreachable)
        return form_again(request, entered, AWAY if is_away else NO_SESSIONS, 503 if is_away else 422)


def visitor_of(request: Request) -> Visitor:
    return Visitor(browser_of(request), address_of(request))


def welcome(request: Request, who: SignedIn, back: str) -> Response:
    """Lead somebody who just signed in to where they were going."""
    console: Console = request.state.console
    response = RedirectResponse(back, 303)
    console.cookies.keep(response, who)
    console.cookies.clear_flash(response)
    return response


def code_of(pasted: str) -> str:
    """The code, also when the whole link was pasted."""
    _, mark, query = pasted.partition("?")
    codes = parse_qs(query).get("code", [""]) if mark else [pasted]
    return codes[0].strip()


async def _refused(request: Request, entered: Entered) -> Response:
    """Say whether it is the code that is no good, or this console."""
    console: Console = request.state.console
    try:
        is_known = await console.door.is_known()
    except SwitchyardError:
        is_known = True
    if is_known:
        return form_again(request, replace(entered, code=""), USED if entered.code else WRONG, 422)
    return form_again(request, entered, STRANGE, 502)


def form_again(request: Request, entered: Entered, problem: str = "", status: int = 200) -> Response:
    console: Console = request.state.console
    frame = bare(request, "Sign in")
    door = console.door
    page = SignInPage(frame, door.takes_passwords, door.provider, entered.name, entered.code, entered.next, problem)
    response = console.templates.render(page, status)
    if frame.flashes:
        console.cookies.clear_flash(response)
    return response


def bare(request: Request, title: str) -> Frame:
    """The frame of a page for whoever is not signed in."""
    console: Console = request.state.console
    flash = console.cookies.take_flash(request)
    return Frame(
        title=title,
        now=datetime.now(UTC),
        request_id=request.state.request_id,
        flashes=(Flash(*flash),) if flash is not None else (),
    )
