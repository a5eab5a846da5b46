"""Signing in with a one-time link, and out."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from store_client import Refused, Unreachable
from web_ui.session import SignedIn
from web_ui.templating import Frame
from web_ui.visit import Console, Visit


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
    if console.cookies.read(request) is not None and "code" not in request.query_params:
        return RedirectResponse("/", 303)
    return _form(request, request.query_params.get("code", ""), request.query_params.get("next", "/"))


async def enter(request: Request) -> Response:
    """Trade a code for a session."""
    console: Console = request.state.console
    form = await request.form()
    code, back = str(form.get("code", "")).strip(), str(form.get("next", "/"))
    if not code:
        return _form(request, "", back, "Paste the code of your sign-in link.")
    try:
        session = await console.factory.console.sign_in(code)
    except Refused:
        problem = "This link was used already or is too old. Ask for a new one with: switchyard signin"
        return _form(request, "", back, problem)
    except Unreachable:
        return _form(request, code, back, "The control plane does not answer. Wait a moment and try again.", 503)
    response = RedirectResponse(_safe(back), 303)
    console.cookies.keep(response, SignedIn(session.session, session.operator_id, session.name, session.role))
    return response


async def leave(visit: Visit) -> Response:
    """End the session here and on the server."""
    await visit.console.factory.console.end_session(visit.who.session)
    visit.console.factory.forget(visit.who)
    response = visit.go("/signin")
    visit.console.cookies.forget(response)
    return response


def _form(request: Request, code: str, back: str, problem: str = "", status: int = 422) -> Response:
    console: Console = request.state.console
    frame = Frame(title="Sign in", now=datetime.now(UTC), request_id=request.state.request_id)
    page = SignInPage(frame, code, _safe(back), problem)
    return console.templates.render(page, status if problem else 200)


def _safe(back: str) -> str:
    """A path of ours, whatever was asked for."""
    parts = urlsplit(back)
    is_ours = back.startswith("/") and not back.startswith(("//", "/\\")) and not parts.netloc and not parts.scheme
    return back if is_ours and "\n" not in back and "\r" not in back else "/"
