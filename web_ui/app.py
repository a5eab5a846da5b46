"""The console as one ASGI application: the composition root of this package."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import TypedDict

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import ASGIApp

from web_ui.failures import HANDLERS, on_foreign
from web_ui.gates import SameOrigin, SecurityHeaders, SignedInOnly, SmallBodies
from web_ui.routes import OPEN_PATHS, routes
from web_ui.servers import Line, ground
from web_ui.session import Cookies
from web_ui.settings import Settings
from web_ui.templating import Templates
from web_ui.visit import Console


class State(TypedDict):
    console: Console


class Application(Starlette):
    """Starlette, with the security headers around everything: also around the page of a fault."""

    def build_middleware_stack(self) -> ASGIApp:
        return SecurityHeaders(super().build_middleware_stack())


def build(settings: Settings, control_plane: Line | None = None) -> Application:
    """The console; with a line to a control plane, that one is asked instead of the network."""
    cookies = Cookies(settings.cookie_key, is_https=settings.is_https)
    below = ground(settings, control_plane)
    factory, door, live = below.factory, below.door, below.live

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[State]:
        templates = Templates(settings.templates, settings.static, app.url_path_for)
        following = asyncio.create_task(live.run(), name="live")
        try:
            yield {"console": Console(settings, factory, door, cookies, templates, live)}
        finally:
            live.stop()
            following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await following
            await factory.aclose()

    middleware = [
        Middleware(SameOrigin, refuse=on_foreign),
        Middleware(SignedInOnly, cookies=cookies, open_paths=OPEN_PATHS, door=door),
        Middleware(SmallBodies),
    ]
    app = Application(
        routes=routes(settings.static), middleware=middleware, exception_handlers=dict(HANDLERS), lifespan=lifespan
    )
    app.state.live, app.state.door = live, door
    return app
