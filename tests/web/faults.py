"""A line to the control plane that loses what it is told to lose."""

from dataclasses import dataclass
from typing import Literal

import httpx

from tests.web.world import World


@dataclass
class Lossy(httpx.AsyncBaseTransport):
    """Loses the requests, or only the answers, of the calls whose paths end so."""

    inner: httpx.AsyncBaseTransport
    what: Literal["requests", "answers"] = "requests"
    ends: tuple[str, ...] = ()
    lost: int = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith(self.ends) or not self.ends:
            return await self.inner.handle_async_request(request)
        self.lost += 1
        if self.what == "answers":
            await (await self.inner.handle_async_request(request)).aread()
        raise httpx.ReadError("the connection broke off")

    def lose(self, what: Literal["requests", "answers"], *ends: str) -> None:
        self.what, self.ends = what, ends

    def heal(self) -> None:
        self.ends = ()


def lossy(world: World) -> Lossy:
    """The line of a world from now on."""
    line = Lossy(world.line.inner)
    world.line.inner = line
    return line
