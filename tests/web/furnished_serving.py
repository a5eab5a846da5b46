"""The furnished deployment behind a real server, for browsers that look at all of it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from anyio.from_thread import start_blocking_portal
from playwright.sync_api import Page

from tests.web.desk import served
from tests.web.furnished import Furnished, furnished

FILES = {
    *("health", "openapi", "job_log", "variants_csv", "artifact", "artifact_picture", "raw", "lineage_data"),
    "fetch_checkpoint",
}
"""Addresses that give out a file or data and no page."""
EMPTY = (
    "/e/sketch/",
    "/e/sketch/variants",
    "/e/sketch/lineage",
    "/e/sketch/tasks",
    "/e/sketch/ideas",
    "/e/sketch/jobs",
)
"""Pages of an experiment in which nothing has happened yet."""


@dataclass(frozen=True)
class FurnishedServed:
    """A furnished deployment at an address, with the cookies of its administrator."""

    url: str
    addresses: dict[str, str]
    cookies: dict[str, str]

    def pages(self) -> Iterator[tuple[str, str]]:
        """The name and the address of everything that a browser shows as a page."""
        for name, path in self.addresses.items():
            if name not in FILES and not name.startswith("/"):
                yield name, self.url + path
        yield from ((f"empty{path.replace('/', '-')}".rstrip("-"), self.url + path) for path in EMPTY)

    def enter(self, page: Page) -> Page:
        """Make a page the administrator's."""
        kept = [{"name": name, "value": value, "url": self.url} for name, value in self.cookies.items()]
        page.context.add_cookies(kept)  # type: ignore[arg-type] # these are the keys that a cookie needs
        return page


@asynccontextmanager
async def _opened(data: Path) -> AsyncIterator[tuple[Furnished, str]]:
    async with furnished(data) as house, served(house.console) as url:
        try:
            yield house, url
        finally:
            house.app.state.live.stop()


@contextmanager
def served_furnished(data: Path) -> Iterator[FurnishedServed]:
    """A furnished deployment, served on loopback until the block ends."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(_opened(data)) as (house, url):
        yield FurnishedServed(url, house.addresses, dict(house.browser.cookies))
