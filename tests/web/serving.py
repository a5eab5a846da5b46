"""A deployment behind a real server, for tests that drive a browser: its loop runs in a thread of its own."""

import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import uvicorn
from anyio.from_thread import BlockingPortal, start_blocking_portal
from playwright.sync_api import Page

from control_plane.registry.rules.relying import Client
from tests.web.world import World, open_world

T = TypeVar("T")


class Quiet(uvicorn.Server):
    """A server that leaves signals to the tests."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass(frozen=True)
class Served:
    """A world at an address; `run` does something in its loop and waits for it."""

    world: World
    url: str
    portal: BlockingPortal

    def run(self, work: Callable[[], Awaitable[T]]) -> T:
        return self.portal.call(work)

    def sign_in(self, page: Page, path: str = "/") -> Page:
        """Sign the administrator in and go to a page."""
        page.goto(f"{self.url}/signin?code={self.run(self.world.code)}")
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{self.url}/")
        if path != "/":
            page.goto(self.url + path)
        return page


@contextlib.contextmanager
def served_world(data: Path, client_of: Callable[[str], Client | None] = lambda _url: None) -> Iterator[Served]:
    """A world served on loopback until the block ends; its address says as what the provider knows it."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(open_world(data, client_of(url))) as world,
    ):
        server = Quiet(uvicorn.Config(world.console, lifespan="off", log_config=None))
        serving = portal.start_task_soon(server.serve, [listener])
        try:
            yield Served(world, url, portal)
        finally:
            portal.call(_stop, world, server)
            serving.result(30)
            listener.close()


async def _stop(world: World, server: Quiet) -> None:
    world.app.state.live.stop()
    server.should_exit = True
