"""The console as one ASGI application: the composition root of this package."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, TypedDict

from starlette.applications import Starlette
from starlette.middleware import Middleware

from store_client import Transport
from web_ui.failures import HANDLERS
from web_ui.gates import SameOrigin, SecurityHeaders, SignedInOnly
from web_ui.live import Live
from web_ui.repos import Clones
from web_ui.routes import OPEN_PATHS, routes
from web_ui.session import Cookies
from web_ui.settings import Settings
from web_ui.store_factory import StoreFactory
from web_ui.templating import Templates
from web_ui.visit import Console

Application = Any


class State(TypedDict):
    console: Console


def build(settings: Settings, control_plane: Application | None = None) -> Starlette:
    """The console; with an ASGI application of a control plane, it is asked in process."""
    cookies = Cookies(settings.cookie_key, is_https=settings.is_https)
    transport = Transport(settings.control_plane_url, application=control_plane)
    is_one = settings.store_url == settings.control_plane_url
    store_transport = transport if is_one else Transport(settings.store_url, application=control_plane)
    clones = Clones(settings.data / "clones", settings.store_url)
    factory = StoreFactory((transport, store_transport), settings.credential, clones)
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
        Middleware(SecurityHeaders),
        Middleware(SameOrigin),
        Middleware(SignedInOnly, cookies=cookies, open_paths=OPEN_PATHS),
    ]
    app = Starlette(
        routes=routes(settings.static), middleware=middleware, exception_handlers=dict(HANDLERS), lifespan=lifespan
    )
    app.state.live = live
    return app
