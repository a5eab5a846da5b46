"""A small server that answers as it is told, and a client of it."""

from dataclasses import dataclass, field

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from store_client.client import StoreClient
from store_client.credentials import StaticBearer
from store_client.transport import Patience, Transport
from store_client.wire.calls.implementation import DISCOVER
from store_client.wire.implementation import IMPLEMENTATION, SPEC_VERSION

EXPERIMENT = f"exp_{'0' * 26}"
WORKER = f"wkr_{'1' * 26}"
OURS = {"implementation": IMPLEMENTATION, "spec_version": SPEC_VERSION}
CLAIM = {"worker_id": WORKER, "claimed_at": "2030-01-01T00:00:00Z", "expires_at": "2030-01-01T00:02:00Z"}


@dataclass
class Server:
    """Gives its answers in turn, the last one for ever, and remembers what it was asked; it calls itself ours."""

    answers: list[Response | Exception]
    requests: list[Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    discovery: Response = field(default_factory=lambda: JSONResponse(OURS))

    async def serve(self, request: Request) -> Response:
        if request.url.path == DISCOVER.path:
            return self.discovery
        self.requests.append(request)
        self.bodies.append(await request.body())
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def transport(self, patience: Patience | None = None) -> Transport:
        methods = ["GET", "POST", "PATCH", "DELETE"]
        app = Starlette(routes=[Route("/{path:path}", self.serve, methods=methods)])
        return Transport("http://server", patience or quick([]), httpx.ASGITransport(app))

    def store(self, patience: Patience | None = None) -> StoreClient:
        return StoreClient(self.transport(patience), StaticBearer(WORKER, "secret"), EXPERIMENT)


def quick(pauses: list[float]) -> Patience:
    """Patience that notes its pauses instead of sleeping."""

    async def note(seconds: float) -> None:
        pauses.append(seconds)

    return Patience(attempts=3, first_pause_seconds=1, longest_pause_seconds=1.5, chance=lambda: 1.0, sleep=note)


def problem(status: int, kind: str) -> Response:
    return JSONResponse({"type": f"eden://error/{kind}", "title": "No", "status": status, "detail": "because"}, status)


@dataclass
class Rotating:
    """A credential that has successors."""

    secrets: list[str]

    async def current(self) -> str:
        return f"w:{self.secrets[0]}"

    async def replace(self, rejected: str) -> bool:
        self.secrets.remove(rejected.removeprefix("w:"))
        return True
