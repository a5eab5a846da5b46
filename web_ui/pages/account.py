"""One's own account: who one is, the password, and where one is signed in."""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from pydantic import ValidationError
from starlette.responses import Response

from store_client import (
    AlreadyExists,
    BadRequest,
    ChangePassword,
    Forbidden,
    InvalidName,
    InvalidPrecondition,
    OperatorDetail,
    SessionLine,
)
from web_ui.failures import sentence
from web_ui.forms.field import secret, text
from web_ui.forms.password import chosen
from web_ui.frame import deployment_frame
from web_ui.pages.signin import forget
from web_ui.roles import RoleLine, meaning_of, role_lines
from web_ui.templating import Frame
from web_ui.visit import Visit

WAYS = {"link": "one-time link", "password": "password", "invitation": "invitation", "provider": "single sign-on"}


def ways_of(person: OperatorDetail) -> str:
    """By what somebody signs in, as lists and cards say it."""
    ways = (("password", person.has_password), ("single sign-on", person.has_provider))
    return " and ".join(way for way, is_there in ways if is_there) or "one-time links only"


@dataclass(frozen=True)
class SessionRow:
    """One place where somebody is signed in."""

    line: SessionLine
    way: str
    end_href: str


@dataclass(frozen=True)
class Account:
    """`/account`."""

    template: ClassVar[str] = "account/index.html"

    frame: Frame
    me: OperatorDetail
    meaning: str
    roles: tuple[RoleLine, ...]
    sessions: tuple[SessionRow, ...]
    ways: str
    provider: str
    problem: str
    sign_in_name: str


async def show(visit: Visit) -> Response:
    return await _page(visit)


async def change_password(visit: Visit) -> Response:
    """Set another password; every other session ends."""
    form = await visit.request.form()
    wish, name = chosen(form), text(form, "sign_in_name")
    if wish.problem:
        return await _page(visit, wish.problem, name)
    try:
        body = ChangePassword(
            password=wish.password,
            **({"current": secret(form, "current")} if secret(form, "current") else {}),
            **({"sign_in_name": name} if name else {}),
        )
        await visit.client.change_password(body)
    except ValidationError:
        return await _page(
            visit, "One of the entries is too long, or has characters that cannot be written down.", name
        )
    except (AlreadyExists, BadRequest, Forbidden, InvalidName, InvalidPrecondition) as error:
        return await _page(visit, sentence(error.detail), name)
    return visit.go(visit.url("account"), ("done", "Your password is set. Everywhere else you are signed out."))


async def end_session(visit: Visit) -> Response:
    """Sign out in one other place."""
    await visit.client.end_own_session(str(visit.request.path_params["session"]))
    return visit.go(visit.url("account"), ("done", "Signed out there."))


async def end_sessions(visit: Visit) -> Response:
    """Sign out everywhere, here too."""
    await visit.client.end_own_sessions()
    return forget(visit, visit.go("/signin", ("done", "You are signed out everywhere.")))


def rows_of(visit: Visit, sessions: tuple[SessionLine, ...], route: str, **place: str) -> tuple[SessionRow, ...]:
    """Sessions as a table shows them; `route` ends one."""
    return tuple(SessionRow(one, WAYS[one.way], visit.url(route, session=one.session_id, **place)) for one in sessions)


async def _page(visit: Visit, problem: str = "", sign_in_name: str = "") -> Response:
    me, sessions, experiments, fleet = await asyncio.gather(
        visit.client.read_account(),
        visit.client.list_own_sessions(),
        visit.console.factory.experiments(visit.who),
        visit.fleet(),
    )
    page = Account(
        frame=deployment_frame(visit, experiments, "Your account", "account", fleet),
        me=me,
        meaning=meaning_of(me.role),
        roles=role_lines(visit, me, experiments),
        sessions=rows_of(visit, sessions, "end_session"),
        ways=ways_of(me),
        provider=visit.console.door.provider,
        problem=problem,
        sign_in_name=sign_in_name or me.sign_in_name or "",
    )
    return visit.show(page, 422 if problem else 200)
