"""One request as pages see it: who, where, and the clients to ask."""

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from store_client import ControlPlaneClient, ExperimentSummary, Fleet, SwitchyardError, Unauthorized, Unreachable
from web_ui.door import Door
from web_ui.envelopes import Envelopes
from web_ui.live import Live
from web_ui.offers import Offers
from web_ui.readings import Readings
from web_ui.session import LOOKERS, Cookies, FlashKind, SignedIn
from web_ui.settings import Settings
from web_ui.store_factory import Factory
from web_ui.templating import Page, Templates

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Console:
    """What one console process shares between requests."""

    settings: Settings
    factory: Factory
    door: Door
    cookies: Cookies
    templates: Templates
    live: Live
    patterns: dict[tuple[str, ...], str] = field(default_factory=dict)
    """Where the routes lead, by their names and those of their parameters."""
    gists: Readings[str] = field(default_factory=Readings)
    """What ideas say in short, by experiment and idea: they never change."""


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

    @classmethod
    async def entered(cls, request: Request) -> "Visit":
        """The same, of the person as the server knows them now; Unauthorized when their session has ended.

        A server that is away is told of by what the page asks it.
        """
        console: Console = request.state.console
        try:
            request.state.who = await console.factory.refreshed(request.state.who)
        except Unauthorized:
            raise
        except SwitchyardError as error:
            logger.info("who is signed in could not be asked: %s", error)
        return cls.of(request)

    @property
    def envelopes(self) -> Envelopes:
        """For what one page alone may show."""
        return Envelopes(self.console.cookies)

    @property
    def client(self) -> ControlPlaneClient:
        """The deployment, as the operator."""
        return self.console.factory.deployment(self.who)

    @property
    def offers(self) -> Offers:
        """What the server has beyond the protocol."""
        return self.console.factory.offers

    @property
    def may_act(self) -> bool:
        """Whether this person may do more here than look: claim, enter and submit work."""
        return not self.offers.is_ours or self.who.role not in LOOKERS

    def may_act_in(self, experiment_id: str) -> bool:
        """The same of one of many experiments."""
        return not self.offers.is_ours or self.who.acts_in(experiment_id)

    @property
    def is_administrator(self) -> bool:
        """Whether this person may do what our own calls keep for administrators; other servers have no such calls."""
        return self.offers.is_ours and self.who.role == "administrator"

    @property
    def manages_deployment(self) -> bool:
        """Whether they are an administrator of the whole deployment, and not only of an experiment."""
        return self.offers.is_ours and self.who.deployment_role == "administrator"

    @property
    def sees_deployment(self) -> bool:
        """Whether there is more for them than the experiments that they are in."""
        return self.who.deployment_role != "member"

    async def beside(self) -> tuple[ExperimentSummary, ...]:
        """The experiments of the switcher, for pages that need them for little else."""
        return await self.console.factory.beside(self.who)

    async def fleet(self) -> Fleet | None:
        """How busy the slots are; None where there is no queue, or it is not this person's to see.

        A control plane that is away takes no page down whose task store is another server.
        """
        if not (self.offers.is_ours and self.sees_deployment):
            return None
        try:
            return await self.client.read_fleet()
        except Unreachable:
            if self.console.settings.store_url == self.console.settings.control_plane_url:
                raise
            return None

    def url(self, name: str, **path: Any) -> str:
        """The path of a route. Looking for a route takes long, so where each leads is looked up once."""
        patterns, key = self.console.patterns, (name, *path)
        if key not in patterns:
            patterns[key] = str(self.request.app.url_path_for(name, **{part: f"{{{part}}}" for part in path}))
        return patterns[key].format_map(path)

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
