"""The parts of a deployment, each alone: this process becomes the part."""

import os
import sys
from pathlib import Path

import click
from click.core import ParameterSource

from store_client.cli import ground, options


@click.command()
@options.data
@options.database_url
@options.host
@options.port(8091)
@click.option("--admin-token-file", type=options.FILE, help="the administrator's token; default: one made in --data")
@click.option("--experiment-id", help="host this experiment from the start")
@click.option("--experiment-config", type=options.FILE, help="its config, as YAML")
@click.option(
    "--task-store-url", envvar="SWITCHYARD_TASK_STORE_URL", help="server of registered experiments not in this database"
)
@click.option("--auth", type=click.Choice(("on", "off")), help="off (for harnesses): believe everybody; loopback only")
@options.lease_seconds
@options.engine
@options.gpus
def serve(
    data: Path,
    database_url: str | None,
    host: str,
    port: int,
    reserved: tuple[str, ...],
    **given: Path | str | float | None,
) -> None:
    """Run the control plane alone, without orchestrator and automatic workers."""
    if (given["experiment_id"] is None) != (given["experiment_config"] is None):
        raise click.UsageError("--experiment-id and --experiment-config go together")
    ground.prepare(data)
    is_shared = options.is_postgresql(database_url)
    if not is_shared:
        os.set_inheritable(ground.lock(data), True)
    port = ground.free_port(host, port, "--port")
    ground.write_services(data, ground.Services(os.getpid(), ground.url(host, port)))
    # On SQLite this process is the only one that may place jobs; on PostgreSQL `switchyard schedule` does.
    loops = ("--no-orchestrator", "--no-scheduler" if is_shared else "--scheduler", *reserved_gpus(reserved))
    optional = given_options(database_url=database_url, **given)
    become("control_plane", "--data", str(data), "--host", host, "--port", str(port), *loops, *optional)


@click.command()
@options.data
@options.database_url
@options.lease_seconds
def orchestrate(data: Path, database_url: str | None, lease_seconds: float) -> None:
    """Run the orchestrator and integrator alone; needs PostgreSQL."""
    options.needs_postgresql("orchestrate", database_url)
    loops = ("--no-api", "--orchestrator", "--no-scheduler")
    given = given_options(database_url=database_url, lease_seconds=lease_seconds)
    become("control_plane", "--data", str(data), *loops, *given)


@click.command()
@options.data
@options.database_url
@options.engine
@options.gpus
def schedule(data: Path, database_url: str | None, reserved: tuple[str, ...], **given: str | float | None) -> None:
    """Run the scheduler and the engine alone; needs PostgreSQL."""
    options.needs_postgresql("schedule", database_url)
    loops = ("--no-api", "--no-orchestrator", "--scheduler", *reserved_gpus(reserved))
    become("control_plane", "--data", str(data), *loops, *given_options(database_url=database_url, **given))


def given_options(**values: Path | str | float | None) -> list[str]:
    """The options that were given, as arguments; what the environment says, the part reads there: it may be secret."""
    source = click.get_current_context().get_parameter_source
    pairs = [
        (f"--{name.replace('_', '-')}", str(value))
        for name, value in values.items()
        if value is not None and source(name) is not ParameterSource.ENVIRONMENT
    ]
    return [word for pair in pairs for word in pair]


def reserved_gpus(named: tuple[str, ...]) -> list[str]:
    """The GPUs that are to be kept back, as arguments."""
    return [word for one in named for word in ("--reserve-gpu", one)]


def become(module: str, *arguments: str) -> None:
    """Replace this process by a part; its output, signals and exit status are then the part's own."""
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])  # noqa: S606 - an argv, and this very Python
