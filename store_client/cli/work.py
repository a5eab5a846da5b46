"""`switchyard work`: a worker host of one role in one experiment, as a process of its own."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import click

from store_client.cli import options
from store_client.cli.server import address
from store_client.client import ControlPlaneClient
from store_client.credentials import Bearer, ExchangedBearer, FileBearer
from store_client.errors import Unauthorized
from store_client.runner.__main__ import until_told_to_stop
from store_client.runner.host import Host, Pace
from store_client.runner.listener import Listener
from store_client.transport import Transport
from store_client.wire.experiments import ROLES, Role


@click.command()
@click.option("--role", type=click.Choice(ROLES), required=True)
@click.option("--experiment", "experiment_id", required=True, help="its id")
@options.data
@options.control_plane_url
@click.option(
    "--credential-file",
    type=options.FILE,
    required=True,
    help="worker_id:token; `switchyard worker register` makes one",
)
@click.option(
    "--lease-seconds",
    type=click.FloatRange(1, 3600),
    default=Pace.lease_seconds,
    show_default=True,
    help="a task comes back so long after this host fell silent",
)
def work(role: Role, experiment_id: str, data: Path, control_plane_url: str | None, **given: Any) -> None:
    """Claim tasks of a role, do them as jobs on the queue, and submit the results, until stopped.

    The credential is that of a worker of the experiment, or of the deployment.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    url = address(data, control_plane_url)
    own, pace = FileBearer(given["credential_file"]), Pace(lease_seconds=given["lease_seconds"])
    asyncio.run(until_told_to_stop(run(url, role, experiment_id, own, pace)))


async def run(url: str, role: Role, experiment_id: str, own: Bearer, pace: Pace) -> None:
    """Host a role with a worker's own credential."""
    async with ControlPlaneClient(Transport(url), own) as deployment:
        bearer = await identity(deployment, experiment_id)
        is_of_deployment = bearer is not own
        store = deployment.store(experiment_id, bearer)
        host = Host(store, role, deployment if is_of_deployment else None, pace)
        async with asyncio.TaskGroup() as group:
            group.create_task(host.run())
            group.create_task(Listener(store, host).run())


async def identity(deployment: ControlPlaneClient, experiment_id: str) -> Bearer:
    """The worker's bearer in the experiment: its own if it belongs there, else one in exchange for it."""
    try:
        await deployment.store(experiment_id).whoami()
    except Unauthorized:
        exchanged = ExchangedBearer(lambda: deployment.exchange(experiment_id))
        await exchanged.identity()
        return exchanged
    return deployment.bearer
