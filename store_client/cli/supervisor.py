"""All processes of a deployment under one: started in order, kept, stopped in order."""

import asyncio
import json
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import click

from store_client.cli import ground
from store_client.cli.ground import Services
from store_client.cli.service import Plan, Service

SOON_SECONDS, LAST_SECONDS = 2.5, 6.0
"""How long console and worker host, and then the control plane, have to end by themselves: less than ten in all."""


@dataclass(frozen=True)
class Addresses:
    """Where the parts of a deployment listen; a part that is started again keeps its port."""

    host: str
    web_port: int
    control_plane_port: int

    @property
    def web(self) -> str:
        return ground.url(self.host, self.web_port)

    @property
    def control_plane(self) -> str:
        return ground.url(self.host, self.control_plane_port)


class Supervisor:
    """Control plane, console and worker host on one data directory."""

    def __init__(self, data: Path, addresses: Addresses, *, wants_examples: bool, told: Sequence[str] = ()) -> None:
        self._data = data
        self._addresses = addresses
        self._wants_examples = wants_examples
        logs = data / "logs"
        logs.mkdir(mode=0o700, exist_ok=True)
        plans = (_control_plane(data, addresses, told), _web_ui(data, addresses), _runner(data, addresses))
        self._services = tuple(Service(plan, logs, os.getpid()) for plan in plans)
        self._control_plane, self._web_ui, self._runner = self._services

    async def run(self) -> None:
        """Start everything, print the ready line, keep everything going until a signal comes; then stop everything."""
        told = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, told.set)
        serving = asyncio.ensure_future(self._serve())
        waiting = asyncio.ensure_future(told.wait())
        try:
            await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if serving.done():
                serving.result()
        finally:
            for task in (serving, waiting):
                task.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.gather(serving, return_exceptions=True)
            await self._stop()

    async def _serve(self) -> None:
        # What opens the house is loaded while others start, not before: this process is to be the first that is there.
        loading = asyncio.to_thread(import_module, "store_client.cli.opening")
        opening, *_ = await asyncio.gather(loading, self._control_plane.start(), self._web_ui.start())
        opened = opening.open_house(self._data, self._addresses, wants_examples=self._wants_examples)
        signin, _ = await asyncio.gather(opened, self._runner.start())
        self._note()
        urls = {"web": self._addresses.web, "control_plane": self._addresses.control_plane}
        click.echo(json.dumps({"event": "ready", **urls, "signin": signin}))
        await asyncio.gather(*(service.keep(warn, self._note) for service in self._services))

    def _note(self) -> None:
        """Write down who runs where."""
        running = {service.plan.name: service.pid for service in self._services}
        urls = self._addresses
        ground.write_services(self._data, Services(os.getpid(), urls.control_plane, urls.web, running))

    async def _stop(self) -> None:
        await asyncio.gather(self._runner.stop(SOON_SECONDS), self._web_ui.stop(SOON_SECONDS))
        await self._control_plane.stop(LAST_SECONDS)
        ground.forget_services(self._data)


def warn(message: str) -> None:
    """Say something on standard error, which is otherwise silent."""
    click.echo(f"switchyard: {message}", err=True)


def _control_plane(data: Path, addresses: Addresses, told: Sequence[str]) -> Plan:
    where = ("--data", str(data), "--host", addresses.host, "--port", str(addresses.control_plane_port))
    return Plan("control plane", ("-m", "control_plane", *where, "--web-url", addresses.web, "--end-attempts", *told))


def _web_ui(data: Path, addresses: Addresses) -> Plan:
    where = ("--data", str(data), "--host", addresses.host, "--port", str(addresses.web_port))
    return Plan("web UI", ("-m", "web_ui", *where, "--control-plane-url", addresses.control_plane))


def _runner(data: Path, addresses: Addresses) -> Plan:
    tokens = ("--token-file", str(data / "runner-tokens.json"))
    arguments = ("-m", "store_client.runner", "--control-plane", addresses.control_plane, *tokens)
    return Plan("worker host", arguments, has_ready_line=False)
