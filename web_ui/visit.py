"""One request as pages see it: who, where, and the clients to ask."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from store_client import ControlPlaneClient, Fleet
from web_ui.door import Door
from web_ui.envelopes import Envelopes
from web_ui.live import Live
from web_ui.offers import Offers
from web_ui.session import Cookies, FlashKind, SignedIn
from web_ui.settings import Settings
from web_ui.store_factory import Factory
from web_ui.templating import Page, Templates


@dataclass(frozen=True)
class Console:
    """What one console process shares between requests."""

    settings: Settings
    factory: Factory
    door: Door
    cookies: Cookies
    templates: Templates
    live: Live
    envelopes: Envelopes = field(default_factory=Envelopes)


@dataclass(frozen=True)
class Visit:
    """A request of somebody who is signed in."""

    request: Request
    console: Console
    who: SignedIn
    now: datetime
    drawn_at: int
    """The newest event that any page could show already when this request began."""

    @classmethod
    def of(cls, request: Request) -> "Visit":
        console: Console = request.state.console
        return cls(request, console, request.state.who, datetime.now(UTC), console.live.marks().of(None))

    @property
    def client(self) -> ControlPlaneClient:
        """The deployment, as the operator."""
        return self.console.factory.deployment(self.who)

    @property
    def offers(self) -> Offers:
        """What the server has beyond the protocol."""
        return self.console.factory.offers

    @property
    def is_administrator(self) -> bool:
        """Whether this person may do what our own calls keep for administrators; other servers have no such calls."""
        return self.offers.is_ours and self.who.role == "administrator"

    async def fleet(self) -> Fleet | None:
        """How busy the slots are; None where there is no queue."""
        return await self.client.read_fleet() if self.offers.is_ours else None

    def url(self, name: str, **path: Any) -> str:
        """The path of a route."""
        return str(self.request.app.url_path_for(name, **path))

    def show(self, page: Page, status: int = 200) -> Response:
        """The response that shows a page; a flash is shown once."""
        response = self.console.templates.render(page, status)
        if self.console.cookies.take_flash(self.request) is not None:
            self.console.cookies.clear_flash(response)
        return response

    def go(self, path: str, told: tuple[FlashKind, str] | None = None) -> Response:
        """A redirect after an act, with a message for the next page."""
        response = RedirectResponse(path, 303)
        if told is not None:
            self.console.cookies.flash(response, *told)
        return response
