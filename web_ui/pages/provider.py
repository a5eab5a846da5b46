"""To the OpenID Connect provider and back: how people sign in, and join, whom it vouches for."""

from urllib.parse import urlencode

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from store_client import InvalidPrecondition, NotFound, Refused, SwitchyardError, Unauthorized, Unreachable
from web_ui.door import Brought
from web_ui.failures import sentence
from web_ui.gates import own_path
from web_ui.pages import join, linking, signin
from web_ui.pages.signin import Entered
from web_ui.session import Trip
from web_ui.visit import Console

LONGEST_PATH, LONGEST_CODE = 1000, 200
LOST = "This sign-in took too long, or began in another browser or tab. Sign in again."
NOT_VOUCHED = "{} did not sign you in. Try again, or sign in another way."
NOT_SET_UP = "No such provider is set up here. Sign in another way, and tell an administrator."


async def set_out(request: Request) -> Response:
    """Send the browser to the provider, with what it needs to come back."""
    console: Console = request.state.console
    trip = _wanted(request)
    if not console.door.provider:
        return RedirectResponse(request.app.url_path_for("signin"), 303)
    if trip.invitation and request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return RedirectResponse(_page_of(request, trip.invitation), 303)
    try:
        departure = await console.door.set_out()
    except SwitchyardError as error:
        return await _again(request, trip, *_why(error))
    response = RedirectResponse(departure.url, 303)
    console.cookies.set_out(response, Trip(departure.ticket, trip.next, trip.invitation))
    console.cookies.forget_linking(response)
    return response


def _wanted(request: Request) -> Trip:
    """Where somebody was going; what no cookie holds is left behind."""
    back, invitation = own_path(request.query_params.get("next", "/")), request.query_params.get("code", "")
    return Trip("", back if len(back) <= LONGEST_PATH else "/", invitation if len(invitation) <= LONGEST_CODE else "")


def _page_of(request: Request, invitation: str) -> str:
    """The page of a link: whoever was led past it by another site shall see first whom they would be here."""
    return f"{request.app.url_path_for('join_page')}?{urlencode({'code': invitation})}"


async def come_back(request: Request) -> Response:
    """Let in whom the provider vouches for; whatever it says is believed by the control plane or by nobody."""
    console: Console = request.state.console
    if (way_on := linking.arrived(request)) is not None:
        return way_on
    trip = console.cookies.trip(request) if console.door.provider else None
    response = await _arrive(request, trip)
    if trip is not None:
        console.cookies.arrive(response)
    return response


async def _arrive(request: Request, trip: Trip | None) -> Response:
    console: Console = request.state.console
    if trip is None:
        return signin.home(request) or await _again(request, Trip("", "/"), LOST, 422)
    told = request.query_params
    if not told.get("code") or not told.get("state"):
        return await _again(request, trip, NOT_VOUCHED.format(console.door.provider), 422)
    brought = Brought(told["code"], told["state"], trip.ticket, told.get("iss"), trip.invitation)
    try:
        who = await console.door.enter_from_provider(brought, signin.visitor_of(request))
    except ValidationError:
        return await _again(request, trip, LOST, 422)
    except SwitchyardError as error:
        return await _again(request, trip, *_why(error))
    return signin.welcome(request, who, trip.next)


def _why(error: SwitchyardError) -> tuple[str, int]:
    """Why nobody gets in this way now."""
    if isinstance(error, Unauthorized):
        return signin.STRANGE, 502
    if isinstance(error, NotFound):
        return NOT_SET_UP if "none is set up" in error.detail else sentence(error.detail), 422
    if isinstance(error, Refused):
        return sentence(error.detail), 503 if isinstance(error, InvalidPrecondition) else 422
    return signin.AWAY, 503 if isinstance(error, Unreachable) else 502


async def _again(request: Request, trip: Trip, problem: str, status: int) -> Response:
    """The page that it began on, with what went wrong."""
    if trip.invitation:
        return await join.look(request, trip.invitation, problem)
    return signin.form_again(request, Entered(trip.next), problem, status)
