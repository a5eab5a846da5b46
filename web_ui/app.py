"""The console as one ASGI application: the composition root of this package."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, TypedDict

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import ASGIApp

from store_client import FileBearer, Transport
from web_ui.failures import HANDLERS, on_foreign
from web_ui.gates import SameOrigin, SecurityHeaders, SignedInOnly, SmallBodies
from web_ui.live import Live
from web_ui.repos import Clones
from web_ui.routes import OPEN_PATHS, routes
from web_ui.session import Cookies
from web_ui.settings import Settings
from web_ui.store_factory import StoreFactory
from web_ui.templating import Templates
from web_ui.visit import Console

Line = Any
"""What carries requests to a control plane, as the transport takes it."""


class State(TypedDict):
    console: Console


class Application(Starlette):
    """Starlette, with the security headers around everything: also around the page of a fault."""

    def build_middleware_stack(self) -> ASGIApp:
        return SecurityHeaders(super().build_middleware_stack())


def build(settings: Settings, control_plane: Line | None = None) -> Application:
    """The console; with a line to a control plane, that one is asked instead of the network."""
    cookies = Cookies(settings.cookie_key, is_https=settings.is_https)
    transport = Transport(settings.control_plane_url, application=control_plane)
    is_one = settings.store_url == settings.control_plane_url
    store_transport = transport if is_one else Transport(settings.store_url, application=control_plane)
    clones = Clones(settings.data / "clones", settings.store_url)
    factory = StoreFactory((transport, store_transport), FileBearer(settings.credential_file), clones)
    live = Live(factory.console)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[State]:
        templates = Templates(settings.templates, settings.static, app.url_path_for)
        following = asyncio.create_task(live.run(), name="live")
        try:
            yield {"console": Console(settings, factory, cookies, templates, live)}
        finally:
            live.stop()
            following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await following
            await factory.aclose()

    middleware = [
        Middleware(SameOrigin, refuse=on_foreign),
        Middleware(SignedInOnly, cookies=cookies, open_paths=OPEN_PATHS),
        Middleware(SmallBodies),
    ]
    app = Application(
        routes=routes(settings.static), middleware=middleware, exception_handlers=dict(HANDLERS), lifespan=lifespan
    )
    app.state.live = live
    return app
