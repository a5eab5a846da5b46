"""The running server, as commands find it: its address, and the administrator's credential."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

from store_client.cli import ground, options
from store_client.cli.door import Failed, Silence
from store_client.client import ControlPlaneClient
from store_client.credentials import FileBearer
from store_client.transport import Patience, Transport

T = TypeVar("T")
TOKEN = "admin-token"  # noqa: S105 - the name of a file
PATIENCE = Patience(attempts=2)


def address(data: Path, url: str | None = None) -> str:
    """Where the control plane of a data directory is; an address that was given wins."""
    if url is not None:
        return url
    services = ground.read_services(data)
    if services is None or not ground.is_alive(services.pid):
        raise Silence(
            f"no server runs on {data}. Start one with: switchyard up --data {data}\n"
            "or name the data directory of a running one with --data."
        )
    return services.control_plane


@dataclass(frozen=True)
class Server:
    """The server that a command talks to, and how it is to print what it learns."""

    data: Path
    url: str | None
    is_json: bool

    @property
    def address(self) -> str:
        return address(self.data, self.url)

    def ask(self, question: Callable[[ControlPlaneClient], Awaitable[T]]) -> T:
        """The server's answer to its administrator."""
        where = self.address
        if not (self.data / TOKEN).exists():
            raise Failed(f"there is no {TOKEN} in {self.data}; name the data directory of the server with --data.")

        async def run() -> T:
            bearer = FileBearer(self.data / TOKEN, "admin")
            async with ControlPlaneClient(Transport(where, PATIENCE), bearer) as deployment:
                return await question(deployment)

        return asyncio.run(run())


def talks_to_server(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that name a server, and the server as `server`."""

    @options.data
    @options.control_plane_url
    @options.as_json
    @wraps(command)
    def run(*args: Any, data: Path, control_plane_url: str | None, is_json: bool, **given: Any) -> None:
        command(*args, server=Server(data, control_plane_url, is_json), **given)

    return run


async def find_experiment(deployment: ControlPlaneClient, named: str) -> str:
    """The id of an experiment named by its id or slug."""
    if named.startswith("exp_"):
        return named
    found = await deployment.list_experiment_summaries(slug=named)
    if not found:
        raise Failed(f"there is no experiment {named}. See: switchyard experiment list")
    return found[0].experiment_id
