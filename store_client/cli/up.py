"""`switchyard up`: everything in one go."""

import asyncio
from pathlib import Path
from typing import Any

import click

from store_client.cli import ground, options
from store_client.cli.parts import given_options, reserved_gpus
from store_client.cli.supervisor import Addresses, Supervisor


@click.command()
@options.data
@options.host
@options.port(8090)
@click.option(
    "--control-plane-port", type=click.IntRange(0, 65535), default=8091, show_default=True, help="0 picks a free one"
)
@click.option("--examples/--no-examples", default=True, help="start with the experiments digits and packing")
@options.gpus
def up(data: Path, host: str, port: int, control_plane_port: int, examples: bool, **given: Any) -> None:
    """Run everything: control plane, web UI and automatic workers.

    When ready, one line of JSON on standard output says where; `signin` in it is a link that signs you in, once.
    """
    ground.prepare(data)
    ground.lock(data)
    web_port = ground.free_port(host, port, "--port")
    addresses = Addresses(host, web_port, ground.free_port(host, control_plane_port, "--control-plane-port"))
    gpus = (*reserved_gpus(given["reserved"]), *given_options(foreign_mib=given["foreign_mib"]))
    asyncio.run(Supervisor(data, addresses, wants_examples=examples, told=gpus).run())
