"""`switchyard experiment checkpoint` and `import`: an experiment into a file, and out of one."""

import os
from pathlib import Path
from typing import IO

import anyio
import click

from store_client.cli import show
from store_client.cli.door import Failed
from store_client.cli.server import Server, find_experiment, talks_to_server
from store_client.client import ControlPlaneClient
from store_client.imports import settle_import
from store_client.wire.checkpoints import ImportedCheckpoint


@click.command()
@click.argument("experiment")
@click.option("--to", "target", type=click.Path(dir_okay=False, path_type=Path), help="default: EXPERIMENT.tar here")
@click.option("--force", "is_forced", is_flag=True, help="overwrite the file")
@talks_to_server
def checkpoint(experiment: str, target: Path | None, *, is_forced: bool, server: Server) -> None:
    """Write a whole experiment into a file: rows, events, repository and artifacts."""
    path = target or Path(f"{experiment}.tar")
    if path.exists() and not is_forced:
        raise Failed(f"{path} is there already; name another file with --to, or overwrite it with --force")
    draft = path.with_name(f".{path.name}.part")

    async def run(deployment: ControlPlaneClient) -> None:
        store = deployment.store(await find_experiment(deployment, experiment))
        async with store.save_checkpoint() as download:
            with draft.open("wb") as file:
                async for chunk in download.chunks():
                    await anyio.to_thread.run_sync(file.write, chunk)
                file.flush()
                os.fsync(file.fileno())

    try:
        server.ask(run)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    size = path.stat().st_size
    if server.is_json:
        show.as_json({"file": str(path), "size_bytes": size})
    else:
        click.echo(f"{experiment} is in {path} ({size} bytes).")


@click.command("import")
@click.argument("archive", metavar="FILE", type=click.File("rb"))
@click.option("--as", "experiment_id", metavar="EXPERIMENT_ID", help="the id to land under; default: a new one")
@talks_to_server
def import_(archive: IO[bytes], experiment_id: str | None, server: Server) -> None:
    """Make an experiment from a file that `checkpoint` wrote, here or on another server."""
    made: ImportedCheckpoint = server.ask(lambda deployment: settle_import(deployment, archive, experiment_id))
    if server.is_json:
        show.as_json(made)
        return
    click.echo(f"The experiment is here as {made.experiment_id}.")
    for warning in made.warnings:
        click.echo(f"  {warning}", err=True)
