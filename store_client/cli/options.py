"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from store_client.cli.door import Failed

Command = TypeVar("Command", bound=Callable[..., Any])
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def data(command: Command) -> Command:
    kind = click.Path(file_okay=False, path_type=Path, resolve_path=True)
    words = "the server's files; its administrator's credential is found there"
    option = click.option(
        "--data", type=kind, default=".switchyard", envvar="SWITCHYARD_DATA", show_default=True, help=words
    )
    return option(command)


def as_json(command: Command) -> Command:
    return click.option("--json", "is_json", is_flag=True, help="print JSON for programs")(command)


def host(command: Command) -> Command:
    return click.option("--host", default="127.0.0.1", show_default=True, help="address to listen on")(command)


def port(number: int) -> Callable[[Command], Command]:
    return click.option(
        "--port", type=click.IntRange(0, 65535), default=number, show_default=True, help="0 picks a free one"
    )


def database_url(command: Command) -> Command:
    words = "PostgreSQL; default: the SQLite file in the data directory"
    return click.option("--database-url", envvar="SWITCHYARD_DATABASE_URL", help=words)(command)


def control_plane_url(command: Command) -> Command:
    words = "default: the server that runs on the data directory"
    return click.option("--control-plane-url", envvar="SWITCHYARD_CONTROL_PLANE_URL", help=words)(command)


def engine(command: Command) -> Command:
    """Where attempts run, and what a cluster has to be told."""
    words = {
        "--slurm-scratch": "a folder of each node; default: /tmp/switchyard",
        "--slurm-python": "on each node, a Python that has Switchyard; default: this one",
        "--slurm-partition": "the partition to submit to; default: the cluster's",
        "--public-url": "where the nodes reach the control plane; needed for slurm",
    }
    for name, told in words.items():
        command = click.option(name, envvar=f"SWITCHYARD_{name[2:].replace('-', '_').upper()}", help=told)(command)
    kind = click.Choice(("local", "slurm"))
    told = "run attempts on this machine (local, the default) or on a Slurm cluster"
    return click.option("--engine", type=kind, envvar="SWITCHYARD_ENGINE", help=told)(command)


def gpus(command: Command) -> Command:
    """Which GPUs are not given out."""
    words = "give no job this GPU or slice, named by UUID or number; may be repeated"
    command = click.option(
        "--reserve-gpu", "reserved", multiple=True, help=f"{words} (SWITCHYARD_RESERVE_GPUS: several, with commas)"
    )(command)
    words = "give out no GPU on which processes of others hold more than so many MiB; default: 256"
    kind = click.FloatRange(min=0)
    return click.option("--foreign-mib", type=kind, envvar="SWITCHYARD_FOREIGN_MIB", help=words)(command)


def lease_seconds(command: Command) -> Command:
    words = "how long a lease on an experiment lasts; the same for all processes of a deployment"
    kind = click.FloatRange(1, 86_400)
    option = click.option(
        "--lease-seconds", type=kind, default=30.0, show_default=True, envvar="SWITCHYARD_LEASE_SECONDS", help=words
    )
    return option(command)


def is_postgresql(url: str | None) -> bool:
    return url is not None and url.startswith(("postgresql:", "postgresql+", "postgres:"))


def needs_postgresql(command: str, url: str | None) -> None:
    """Refuse a part of a deployment of several processes where one process owns the database."""
    if not is_postgresql(url):
        raise Failed(
            f"`switchyard {command}` needs PostgreSQL (--database-url postgresql+psycopg://…): on SQLite "
            "one process owns the file.\nUse `switchyard up`, which runs everything on SQLite."
        )
