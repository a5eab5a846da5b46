"""`switchyard work`: a worker host of one role in one experiment, as a process of its own."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import yaml

from store_client.cli import options
from store_client.cli.door import Failed
from store_client.cli.server import address
from store_client.client import ControlPlaneClient
from store_client.credentials import Bearer, ExchangedBearer, FileBearer
from store_client.errors import Unauthorized
from store_client.roles.orders import KIND_OF, limits_of
from store_client.runner.__main__ import until_told_to_stop
from store_client.runner.direct import Direct
from store_client.runner.host import Host, Pace
from store_client.runner.listener import Listener
from store_client.runner.mirror import Mirror
from store_client.runner.runs import Queued, Runs
from store_client.transport import Transport
from store_client.wire.experiments import COMMAND_KEYS, ROLES, Role

SPARE_SECONDS = 900.0
"""So much longer than its command may take is a claim that nobody can renew."""


@dataclass(frozen=True)
class Errand:
    """What a host is sent to do, and with what."""

    role: Role
    experiment_id: str
    folder: Path
    config: Mapping[str, Any] = field(default_factory=dict)
    command: str | None = None
    repository: str | None = None
    gpus: tuple[str, ...] = ()
    lease_seconds: float | None = None
    width: int | None = None
    is_single: bool = False

    def pace(self, *, is_renewable: bool) -> Pace:
        """Short claims where they can be renewed, else such as outlast the command."""
        limit = float(limits_of(self.config, KIND_OF[self.role])["timeout_seconds"])
        default = Pace.lease_seconds if is_renewable else limit + SPARE_SECONDS
        return Pace(lease_seconds=self.lease_seconds or default, width=1 if self.is_single else self.width)


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
@click.option("--repository", help="run the command on this machine, in clones of this repository: an address or path")
@click.option("--config", "config_file", type=options.FILE, help="the experiment's config, where the server tells none")
@click.option("--command", help="the role's command; default: the config's")
@click.option("--gpus", envvar="CUDA_VISIBLE_DEVICES", default="", help="those the command may use on this machine")
@click.option("--at-once", "width", type=click.IntRange(1, 64), help="so many tasks; default: parallel_variants")
@click.option("--once", "is_single", is_flag=True, help="do one task, then end")
@click.option("--lease-seconds", type=click.FloatRange(1, 86_400), help="a task may come back so long after a silence")
def work(role: Role, experiment_id: str, data: Path, control_plane_url: str | None, **given: Any) -> None:
    """Claim tasks of a role, run its command for each, and submit the results, until stopped.

    On a Switchyard server the command runs as a job on the queue. With --repository it runs on this machine instead;
    so it must on a server that has no queue, but speaks the same protocol, and there --config says what the server
    cannot tell. Git uses your own credentials; the branches are work/<worker id>/<variant id>.
    The credential is that of a worker of the experiment, or of the deployment.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    own, config = FileBearer(given.pop("credential_file")), read_config(given.pop("config_file"))
    gpus = tuple(filter(None, given.pop("gpus").split(",")))
    errand = Errand(role, experiment_id, data / "work", config, gpus=gpus, **given)
    asyncio.run(until_told_to_stop(run(address(data, control_plane_url), own, errand)))


def read_config(file: Path | None) -> Mapping[str, Any]:
    """The mapping in a YAML file."""
    if file is None:
        return {}
    try:
        config = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise Failed(f"cannot read {file}: {error}") from error
    if not isinstance(config, dict):
        raise Failed(f"{file} holds no mapping of keys to values")
    return config


async def run(url: str, own: Bearer, errand: Errand) -> None:
    """Host a role with a worker's own credential."""
    transport = Transport(url, configs={errand.experiment_id: errand.config})
    async with ControlPlaneClient(transport, own) as deployment:
        bearer = await identity(deployment, errand.experiment_id)
        store = deployment.store(errand.experiment_id, bearer)
        is_peer = await deployment.is_peer()
        logs = deployment if bearer is not own else None
        runs = Queued(store, logs) if errand.repository is None and not is_peer else await here(errand, bearer)
        if is_peer and not _commands(errand):
            raise Failed(f"this server does not tell the {errand.role}'s command: name it with --command or --config.")
        host = Host(store, errand.role, runs, errand.pace(is_renewable=not is_peer))
        listening = asyncio.create_task(Listener(store, host).run())
        try:
            await (host.once() if errand.is_single else host.run())
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


async def here(errand: Errand, bearer: Bearer) -> Runs:
    """Commands on this machine, once the repository has been fetched."""
    if errand.repository is None:
        raise Failed("this server has no queue: name the repository to work in on this machine with --repository.")
    folder = errand.folder / (await bearer.current()).partition(":")[0]
    mirror = Mirror(folder / "repository.git", errand.repository)
    await mirror.fetch()
    return Direct(folder / "attempts", mirror, _commands(errand), errand.gpus)


def _commands(errand: Errand) -> dict[str, str]:
    command = errand.command or errand.config.get(COMMAND_KEYS[errand.role])
    return {errand.role: str(command)} if command else {}


async def identity(deployment: ControlPlaneClient, experiment_id: str) -> Bearer:
    """The worker's bearer in the experiment: its own if it belongs there, else one in exchange for it."""
    own = (await deployment.bearer.current()).partition(":")[0]
    try:
        found = (await deployment.store(experiment_id).whoami()).worker_id
    except Unauthorized:
        if await deployment.is_peer():
            raise
        exchanged = ExchangedBearer(lambda: deployment.exchange(experiment_id))
        await exchanged.identity()
        return exchanged
    if found != own:
        raise Unauthorized(f"the credential of {own} is taken for {found}; have its administrator issue it anew")
    return deployment.bearer
