"""The repositories behind a real server on loopback; `python -m tests.git.serving ROOT` is the same as a process."""

import asyncio
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from control_plane.repos.asked import Scope
from control_plane.repos.backend import HttpLimits, Message, Receive, Send
from control_plane.repos.http import GitHttp
from control_plane.repos.ports import Access
from control_plane.repos.vend import Repositories
from tests.git.stock import EXPERIMENT

SLUG, OWN = "digits", "wkr_a:secret-a"
PASSWORDS = {
    ("wkr_a", "secret-a"): ("refs/heads/work/wkr_a/",),
    ("wkr_ab", "secret-ab"): ("refs/heads/work/wkr_ab/",),
    ("wkr_a", "for-one-claim"): ("refs/heads/work/wkr_a/v7",),
    ("reader", "secret-r"): (),
    ("tagger", "secret-t"): ("refs/tags/", "refs/heads/", "refs/heads/main", "refs/heads/work/../main/"),
}


async def authorize(experiment: str, username: str, password: str) -> Access | None:
    prefixes = PASSWORDS.get((username, password))
    if prefixes is None or experiment not in (SLUG, EXPERIMENT):
        return None
    return Access(EXPERIMENT, username, prefixes)


@dataclass
class Served:
    """The address, what was told about pushes, and what passed over the wire."""

    port: int
    app: GitHttp
    pushes: list[tuple[str, str]] = field(default_factory=list)
    requests: list[dict[str, str]] = field(default_factory=list)
    received_bytes: int = 0

    def url(self, credential: str = OWN, experiment: str = SLUG) -> str:
        return f"http://{credential}@127.0.0.1:{self.port}/git/{experiment}.git"


@contextmanager
def served(repositories: Repositories, limits: HttpLimits, loop: str = "uvloop") -> Iterator[Served]:
    """A server in a thread of its own; it has ended, and its processes with it, when this returns."""
    listener = socket.create_server(("127.0.0.1", 0))

    async def pushed(access: Access, experiment_id: str) -> None:
        told.pushes.append((access.worker_id, experiment_id))

    told = Served(listener.getsockname()[1], GitHttp(repositories, authorize, pushed, limits))

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        told.requests.append({"path": scope["path"], "method": scope["method"], **headers})

        async def counted() -> Message:
            message = await receive()
            told.received_bytes += len(message.get("body", b""))
            return message

        await told.app(scope, counted, send)

    app = Starlette(routes=[Mount("/git", watched)])
    server = uvicorn.Server(uvicorn.Config(app, loop=loop, lifespan="off", log_config=None))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield told
    finally:
        server.should_exit = True
        thread.join(60)
        listener.close()
        assert not thread.is_alive()


def main(root: str) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    app = Starlette(routes=[Mount("/git", GitHttp(Repositories(Path(root)), authorize))])
    print(listener.getsockname()[1], flush=True)  # noqa: T201 - the port, for whoever started this
    asyncio.run(uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None)).serve([listener]))


if __name__ == "__main__":
    main(sys.argv[1])
