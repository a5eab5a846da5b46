"""`switchyard worker`: identities for hosts and programs."""

import os
from pathlib import Path

import click

from store_client.cli import show
from store_client.cli.server import Server, find_experiment, talks_to_server
from store_client.client import ControlPlaneClient
from store_client.wire.workers import RegisteredWorker


@click.group()
def worker() -> None:
    """Register workers."""


@worker.command()
@click.option("--experiment", help="id or slug; without it the worker belongs to the deployment and may work in any")
@click.option("--name", help="what people call it")
@click.option(
    "--credential-file", type=click.Path(dir_okay=False, path_type=Path), help="write worker_id:token there (mode 0600)"
)
@talks_to_server
def register(
    experiment: str | None,
    name: str | None,
    credential_file: Path | None,
    server: Server,
) -> None:
    """Register a worker and print its token, which is shown this once."""

    async def ask_for(deployment: ControlPlaneClient) -> RegisteredWorker:
        if experiment is None:
            return await _register_runner(deployment, name)
        store = deployment.store(await find_experiment(deployment, experiment))
        return await store.register_experiment_worker(name)

    registered = server.ask(ask_for)
    if credential_file is not None:
        _keep(credential_file, f"{registered.worker_id}:{registered.registration_token}\n")
    if server.is_json:
        show.as_json(registered)
    elif credential_file is not None:
        click.echo(f"{registered.worker_id} is registered; its credential is in {credential_file}.")
    else:
        token = ("Token, shown once", registered.registration_token)
        show.facts([("Worker", registered.worker_id), ("Name", registered.name), token])


async def _register_runner(deployment: ControlPlaneClient, name: str | None) -> RegisteredWorker:
    """A worker of the deployment in its group runners, whose members may enter every experiment."""
    registered = await deployment.register_deployment_worker(name)
    for group in (await deployment.list_deployment_groups("runners")).groups:
        await deployment.add_to_deployment_group(group.group_id, registered.worker_id)
    return registered


def _keep(file: Path, text: str) -> None:
    """Write a file that only its owner reads."""
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(text)
