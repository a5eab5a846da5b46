"""The people who sign in, the links that are out, and inviting somebody new."""

import asyncio
from dataclasses import dataclass, field
from typing import ClassVar

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from store_client import (
    AlreadyExists,
    ExperimentSummary,
    InvalidName,
    Invitation,
    Invite,
    NewInvitation,
    NotFound,
    OperatorDetail,
)
from web_ui.failures import sentence
from web_ui.forms.field import text
from web_ui.frame import deployment_frame
from web_ui.roles import IN_DEPLOYMENT, IN_EXPERIMENT
from web_ui.templating import Frame
from web_ui.visit import Visit

Choices = tuple[tuple[str, str], ...]
UNREADABLE = "One of the entries is too long, or has characters that cannot be written down."


@dataclass(frozen=True)
class Invited:
    """What was entered about somebody new."""

    name: str = ""
    sign_in_name: str = ""
    role: str = "operator"
    experiment_id: str = ""
    experiment_role: str = "operator"


@dataclass(frozen=True)
class OperatorRow:
    """One person in the table."""

    person: OperatorDetail
    href: str
    is_oneself: bool


@dataclass(frozen=True)
class LinkRow:
    """A link that somebody has and has not used."""

    invitation: Invitation
    revoke_href: str


@dataclass(frozen=True)
class Operators:
    """`/admin/operators`."""

    template: ClassVar[str] = "admin_operators/index.html"

    frame: Frame
    operators: tuple[OperatorRow, ...]
    links: tuple[LinkRow, ...]
    experiments: Choices
    entered: Invited = field(default_factory=Invited)
    problem: str = ""
    roles: Choices = IN_DEPLOYMENT
    experiment_roles: Choices = IN_EXPERIMENT


@dataclass(frozen=True)
class LinkPage:
    """A new link, on the one page that ever shows it."""

    template: ClassVar[str] = "admin_operators/link.html"

    frame: Frame
    invitation: NewInvitation
    link: str
    back_href: str


async def index(visit: Visit) -> Response:
    return await _page(visit)


async def invite(visit: Visit) -> Response:
    """Make a link for somebody new, and show it, once."""
    form = await visit.request.form()
    entered = Invited(*(text(form, name) for name in Invited.__dataclass_fields__))
    experiments = {entered.experiment_id: entered.experiment_role} if entered.experiment_id else {}
    try:
        body = Invite.model_validate(
            {
                "name": entered.name,
                "sign_in_name": entered.sign_in_name,
                "role": entered.role,
                "experiments": experiments,
            }
        )
        made = await visit.client.invite(body)
    except ValidationError:
        return await _page(visit, entered, UNREADABLE)
    except (AlreadyExists, InvalidName, NotFound) as error:
        return await _page(visit, entered, sentence(error.detail))
    return await show_link(visit, made, visit.url("operators"))


async def revoke(visit: Visit) -> Response:
    """Void a link."""
    await visit.client.revoke_invitation(str(visit.request.path_params["invitation"]))
    return visit.go(visit.url("operators"), ("done", "The link is revoked: nobody can sign in with it any more."))


async def show_link(visit: Visit, made: NewInvitation, back_href: str) -> Response:
    """The page of a link; the answer to the act itself, so that no address ever shows it again."""
    experiments = await visit.console.factory.experiments(visit.who)
    title = f"Link for {made.name}"
    frame = deployment_frame(visit, experiments, title, "operators")
    return visit.show(LinkPage(frame, made, link_of(visit.request, made.code), back_href))


def link_of(request: Request, code: str) -> str:
    """The address behind which a password is chosen, at this console as this browser knows it."""
    return str(request.url_for("join_page").include_query_params(code=code))


async def _page(visit: Visit, entered: Invited | None = None, problem: str = "") -> Response:
    people, links, experiments, fleet = await asyncio.gather(
        visit.client.list_operators(),
        visit.client.list_invitations(),
        visit.console.factory.experiments(visit.who),
        visit.fleet(),
    )
    page = Operators(
        frame=deployment_frame(visit, experiments, "Operators", "operators", fleet),
        operators=tuple(
            OperatorRow(one, visit.url("operator", operator=one.operator_id), one.operator_id == visit.who.operator_id)
            for one in people
        ),
        links=tuple(LinkRow(one, visit.url("revoke_invitation", invitation=one.invitation_id)) for one in links),
        experiments=choices_of(experiments),
        entered=entered or Invited(),
        problem=problem,
    )
    return visit.show(page, 422 if problem else 200)


def choices_of(experiments: tuple[ExperimentSummary, ...]) -> Choices:
    """Experiments to choose from, by name."""
    return tuple(sorted(((one.experiment_id, one.name) for one in experiments), key=lambda one: one[1].lower()))
