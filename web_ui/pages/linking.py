"""Having the OpenID Connect provider vouch for oneself: there and back, and then said once more, with the password."""

import asyncio
from dataclasses import dataclass, replace
from typing import ClassVar
from urllib.parse import urlsplit

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from store_client import BadRequest, Forbidden, InvalidPrecondition, LinkProvider, Refused, SwitchyardError, Unreachable
from web_ui.failures import sentence
from web_ui.forms.field import secret
from web_ui.frame import deployment_frame
from web_ui.session import FlashKind, Linking
from web_ui.templating import Frame
from web_ui.visit import Console, Visit

ELSEWHERE = "Nothing was linked: begin on this page."
LOST = "Nothing was linked: it took too long, or began in another browser or for somebody else. Begin again."
NOT_VOUCHED = "Nothing was linked: {} did not sign you in there."
LONGEST = 2500
"""What the provider sends back has to fit into a cookie; some codes have near to 2,000 characters."""


@dataclass(frozen=True)
class LinkPage:
    """`/account/provider`: back from the provider, and not linked yet."""

    template: ClassVar[str] = "account/link.html"

    frame: Frame
    provider: str
    name: str
    has_password: bool
    is_linked: bool
    problem: str


async def set_out(visit: Visit) -> Response:
    """Send the browser to the provider; only from a page of ours, so that nobody is led into it."""
    console, request = visit.console, visit.request
    if not console.door.provider or not _is_from_here(request):
        return _back(visit, ELSEWHERE if console.door.provider else "", "failed")
    try:
        departure = await console.door.set_out()
    except SwitchyardError as error:
        return _back(visit, f"Nothing was linked: {_why(error)}", "failed")
    response = RedirectResponse(departure.url, 303)
    console.cookies.set_out_to_link(response, Linking(departure.ticket, visit.who.operator_id))
    console.cookies.arrive(response)
    return response


def arrived(request: Request) -> Response | None:
    """The way on for a browser that set out to link; None for every other."""
    console: Console = request.state.console
    linking = console.cookies.linking(request) if console.door.provider else None
    if linking is None:
        return None
    told = request.query_params
    found = replace(linking, code=told.get("code", ""), state=told.get("state", ""), issuer=told.get("iss", ""))
    response = RedirectResponse(request.app.url_path_for("linking"), 303)
    if len(found.code) + len(found.state) + len(found.issuer) > LONGEST:
        found = linking
    console.cookies.set_out_to_link(response, found)
    return response


async def show(visit: Visit) -> Response:
    """Ask whether it is meant, and for the password."""
    linking = _mine(visit)
    if linking is None:
        return _back(visit, LOST, "failed")
    if not linking.code or not linking.state:
        return _back(visit, NOT_VOUCHED.format(visit.console.door.provider), "failed")
    return await _page(visit)


async def link(visit: Visit) -> Response:
    """Have the provider vouch for whoever is signed in, by what it sent back."""
    linking, password = _mine(visit), secret(await visit.request.form(), "current")
    if linking is None:
        return _back(visit, LOST, "failed")
    told = {"code": linking.code, "state": linking.state, "ticket": linking.ticket, "issuer": linking.issuer}
    try:
        given = {key: value for key, value in {**told, "current": password}.items() if value}
        await visit.client.link_provider(LinkProvider.model_validate(given))
    except ValidationError:
        return _back(visit, LOST, "failed")
    except (BadRequest, Forbidden) as error:
        return await _page(visit, sentence(error.detail))
    except Refused as error:
        return _back(visit, f"Nothing was linked: {sentence(error.detail)}", "failed")
    return _back(visit, f"From now on {visit.console.door.provider} signs you in here.", "done")


async def unlink(visit: Visit) -> Response:
    """Have the provider vouch for oneself no more."""
    try:
        await visit.client.unlink_provider()
    except InvalidPrecondition as error:
        return _back(visit, f"Nothing was changed: {sentence(error.detail)}", "failed")
    return _back(visit, "It is not linked any more: you sign in with your password.", "done")


def _mine(visit: Visit) -> Linking | None:
    """What this browser is on the way with, if it set out for whoever is signed in now."""
    linking = visit.console.cookies.linking(visit.request)
    return linking if linking is not None and linking.operator_id == visit.who.operator_id else None


def _is_from_here(request: Request) -> bool:
    """Whether a link on a page of ours was followed, by what the browser says."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    return urlsplit(request.headers.get("referer", "")).netloc == request.headers.get("host")


def _back(visit: Visit, told: str, kind: FlashKind) -> Response:
    """To one's account, where nothing of the way is kept any more."""
    response = visit.go(visit.url("account"), (kind, told)) if told else visit.go(visit.url("account"))
    visit.console.cookies.forget_linking(response)
    return response


def _why(error: SwitchyardError) -> str:
    return "the control plane does not answer." if isinstance(error, Unreachable) else sentence(str(error))


async def _page(visit: Visit, problem: str = "") -> Response:
    me, experiments, fleet = await asyncio.gather(visit.client.read_account(), visit.beside(), visit.fleet())
    page = LinkPage(
        frame=deployment_frame(visit, experiments, "Link your account", "account", fleet),
        provider=visit.console.door.provider,
        name=me.name,
        has_password=me.has_password,
        is_linked=me.has_provider,
        problem=problem,
    )
    return visit.show(page, 422 if problem else 200)
