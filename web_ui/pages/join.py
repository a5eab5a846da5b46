"""Joining behind an invitation's link, and choosing a new password behind a reset's: the same page."""

from dataclasses import dataclass
from typing import ClassVar

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from store_client import AlreadyExists, Invitation, NotFound, NotOffered, SwitchyardError, Unreachable
from web_ui.failures import sentence
from web_ui.forms.field import text
from web_ui.forms.password import chosen
from web_ui.pages.signin import AWAY, STRANGE, bare, visitor_of, welcome
from web_ui.templating import Frame
from web_ui.visit import Console

VOID = "This link was used already, was revoked or is too old."


@dataclass(frozen=True)
class JoinPage:
    """`/join`; without an invitation the link is good for nothing."""

    template: ClassVar[str] = "signin/join.html"

    frame: Frame
    invitation: Invitation | None
    code: str
    problem: str
    provider: str = ""
    """With what else than a password one may join."""


async def show(request: Request) -> Response:
    """Whom the link is for; looking uses nothing up."""
    return await look(request, request.query_params.get("code", ""))


async def join(request: Request) -> Response:
    """Set the password, and sign in."""
    console: Console = request.state.console
    form = await request.form()
    code, wish = text(form, "code"), chosen(form)
    if wish.problem:
        return await look(request, code, wish.problem)
    try:
        return welcome(request, await console.door.join(code, wish.password, visitor_of(request)), "/")
    except ValidationError:
        return await look(request, code, "This password has characters that cannot be written down.")
    except AlreadyExists as error:
        return await look(request, code, sentence(error.detail))
    except SwitchyardError as error:
        return _failed(request, code, error)


async def look(request: Request, code: str, problem: str = "") -> Response:
    """The form, with what was wrong about it, or why the link is good for nothing."""
    console: Console = request.state.console
    try:
        invitation = await console.door.look_at_invitation(code)
    except ValidationError:
        return _page(request, JoinPage(_frame(request), None, "", VOID), 410)
    except SwitchyardError as error:
        return _failed(request, code, error)
    page = JoinPage(_frame(request), invitation, code, problem, console.door.provider)
    return _page(request, page, 422 if problem else 200)


def _failed(request: Request, code: str, error: SwitchyardError) -> Response:
    """Why nobody gets in this way now."""
    if isinstance(error, NotFound | NotOffered):
        return _page(request, JoinPage(_frame(request), None, "", VOID), 410)
    is_away = isinstance(error, Unreachable)
    return _page(request, JoinPage(_frame(request), None, code, AWAY if is_away else STRANGE), 503 if is_away else 502)


def _frame(request: Request) -> Frame:
    return bare(request, "Choose a password")


def _page(request: Request, page: JoinPage, status: int) -> Response:
    console: Console = request.state.console
    return console.templates.render(page, status)
