"""A console before somebody else's server, behind a real server of its own, for tests that drive a browser."""

import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import uvicorn
from anyio.from_thread import BlockingPortal, start_blocking_portal
from playwright.sync_api import Page

from tests.web.foreign import Console, Foreign, open_foreign
from tests.web.serving import Quiet

T = TypeVar("T")


@dataclass(frozen=True)
class ServedForeign:
    """Somebody else's server, and a console of ours at an address; `run` does something in its loop."""

    foreign: Foreign
    console: Console
    url: str
    portal: BlockingPortal

    def run(self, work: Callable[[], Awaitable[T]]) -> T:
        return self.portal.call(work)

    def sign_in(self, page: Page, path: str = "/") -> Page:
        """Sign the console's operator in and go to a page."""
        page.goto(self.url + self.console.link())
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{self.url}/")
        if path != "/":
            page.goto(self.url + path)
        return page


@contextlib.contextmanager
def served_foreign(data: Path, furnish: Callable[[Foreign], Awaitable[dict[str, Any]]]) -> Iterator[ServedForeign]:
    """The server as `furnish` leaves it, and a console that is told what `furnish` answers."""
    listener = socket.create_server(("127.0.0.1", 0))
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(open_foreign(data)) as foreign:
        own = portal.call(furnish, foreign)
        console = portal.call(partial(foreign.console, **own))
        server = Quiet(uvicorn.Config(console.serving, lifespan="off", log_config=None))
        serving = portal.start_task_soon(server.serve, [listener])
        try:
            yield ServedForeign(foreign, console, f"http://127.0.0.1:{listener.getsockname()[1]}", portal)
        finally:
            portal.call(_stop, console, server)
            serving.result(30)
            listener.close()


async def _stop(console: Console, server: Quiet) -> None:
    console.app.state.live.stop()
    server.should_exit = True
