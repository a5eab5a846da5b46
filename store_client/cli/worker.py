"""`switchyard worker`: identities for hosts and programs."""

import os
from pathlib import Path

import click

from store_client.cli import show
from store_client.cli.server import Server, find_experiment, talks_to_server
from store_client.client import ControlPlaneClient
from store_client.wire.workers import RegisteredWorker, WorkerDetail


@click.group()
def worker() -> None:
    """Register workers, and switch them off and on."""


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


@worker.command()
@click.argument("worker_id")
@click.option("--experiment", help="id or slug; without it the worker is the deployment's")
@talks_to_server
def disable(worker_id: str, experiment: str | None, server: Server) -> None:
    """Take none of a worker's credentials any more, from this moment on."""
    _switch(server, worker_id, experiment, is_on=False)


@worker.command()
@click.argument("worker_id")
@click.option("--experiment", help="id or slug; without it the worker is the deployment's")
@talks_to_server
def enable(worker_id: str, experiment: str | None, server: Server) -> None:
    """Take a disabled worker's token again."""
    _switch(server, worker_id, experiment, is_on=True)


def _switch(server: Server, worker_id: str, experiment: str | None, *, is_on: bool) -> None:
    async def ask_for(deployment: ControlPlaneClient) -> WorkerDetail:
        if experiment is None:
            switch = deployment.enable_deployment_worker if is_on else deployment.disable_deployment_worker
            return await switch(worker_id)
        store = deployment.store(await find_experiment(deployment, experiment))
        return await (store.enable_experiment_worker if is_on else store.disable_experiment_worker)(worker_id)

    switched = server.ask(ask_for)
    if server.is_json:
        show.as_json(switched)
    else:
        click.echo(f"{switched.worker_id} is {'enabled' if switched.disabled_at is None else 'disabled'}.")


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
