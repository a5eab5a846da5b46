"""One person as an administrator sees them: who they are, what they may do, and where they are signed in."""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from pydantic import ValidationError
from starlette.responses import Response

from store_client import AlreadyExists, InvalidName, InvalidPrecondition, OperatorDetail
from web_ui.failures import sentence
from web_ui.forms.field import text
from web_ui.frame import deployment_frame
from web_ui.pages.account import SessionRow, rows_of
from web_ui.pages.admin_operators import UNREADABLE, Choices, choices_of, show_link
from web_ui.roles import IN_DEPLOYMENT, IN_EXPERIMENT, RoleLine, meaning_of, role_lines
from web_ui.templating import Frame
from web_ui.visit import Visit


@dataclass(frozen=True)
class OperatorPage:
    """`/admin/operators/{operator}`."""

    template: ClassVar[str] = "admin_operators/show.html"

    frame: Frame
    person: OperatorDetail
    meaning: str
    is_oneself: bool
    roles_in: tuple[RoleLine, ...]
    sessions: tuple[SessionRow, ...]
    experiments: Choices
    problem: str
    roles: Choices = IN_DEPLOYMENT
    experiment_roles: Choices = IN_EXPERIMENT


async def show(visit: Visit) -> Response:
    return await _page(visit)


async def change(visit: Visit) -> Response:
    """Change a name, a sign-in name or a role; what is left empty stays."""
    form = await visit.request.form()
    wanted = {name: text(form, name) for name in ("name", "sign_in_name", "role")}
    try:
        changed = await visit.client.change_operator(_operator(visit), **{k: v for k, v in wanted.items() if v})
    except ValidationError:
        return await _page(visit, UNREADABLE)
    except (AlreadyExists, InvalidName, InvalidPrecondition) as error:
        return await _page(visit, sentence(error.detail))
    return _back(visit, f"{changed.name} is {changed.role} now.")


async def grant(visit: Visit) -> Response:
    """Give a role in an experiment, in the place of the one they had there."""
    form = await visit.request.form()
    experiment_id, role = text(form, "experiment_id"), text(form, "role")
    if not experiment_id or role not in dict(IN_EXPERIMENT):
        return await _page(visit, "Choose an experiment, and what they are to be there.")
    changed = await visit.client.grant_role(_operator(visit), experiment_id, role)  # type: ignore[arg-type] # looked up among the roles right above
    return _back(visit, f"{changed.name} is {role} there now.")


async def withdraw(visit: Visit) -> Response:
    """Take a role in an experiment."""
    changed = await visit.client.withdraw_role(_operator(visit), text(await visit.request.form(), "experiment_id"))
    return _back(visit, f"{changed.name} has no role of their own there any more.")


async def reset(visit: Visit) -> Response:
    """A link with which they choose a new password, shown once."""
    try:
        made = await visit.client.reset_password(_operator(visit))
    except InvalidPrecondition as error:
        return await _page(visit, sentence(error.detail))
    return await show_link(visit, made, visit.url("operator", operator=_operator(visit)))


async def disable(visit: Visit) -> Response:
    """Sign them out everywhere, and let them in no more."""
    try:
        switched = await visit.client.disable_deployment_worker(_operator(visit))
    except InvalidPrecondition as error:
        return await _page(visit, sentence(error.detail))
    return _back(visit, f"{switched.name} is disabled and signed out everywhere.")


async def enable(visit: Visit) -> Response:
    switched = await visit.client.enable_deployment_worker(_operator(visit))
    return _back(visit, f"{switched.name} may sign in again.")


async def end_session(visit: Visit) -> Response:
    await visit.client.revoke_session(_operator(visit), str(visit.request.path_params["session"]))
    return _back(visit, "Signed out there.")


async def end_sessions(visit: Visit) -> Response:
    await visit.client.revoke_sessions(_operator(visit))
    return _back(visit, "Signed out everywhere.")


def _operator(visit: Visit) -> str:
    return str(visit.request.path_params["operator"])


def _back(visit: Visit, told: str) -> Response:
    return visit.go(visit.url("operator", operator=_operator(visit)), ("done", told))


async def _page(visit: Visit, problem: str = "") -> Response:
    operator_id = _operator(visit)
    person, sessions, experiments, fleet = await asyncio.gather(
        visit.client.read_operator(operator_id),
        visit.client.list_sessions(operator_id),
        visit.console.factory.experiments(visit.who),
        visit.fleet(),
    )
    page = OperatorPage(
        frame=deployment_frame(visit, experiments, person.name, "operators", fleet),
        person=person,
        meaning=meaning_of(person.role),
        is_oneself=operator_id == visit.who.operator_id,
        roles_in=role_lines(visit, person, experiments),
        sessions=rows_of(visit, sessions, "revoke_session", operator=operator_id),
        experiments=choices_of(experiments),
        problem=problem,
    )
    return visit.show(page, 422 if problem else 200)
