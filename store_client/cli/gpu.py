"""`switchyard gpu`: look at the GPUs, keep one back, give it out again."""

from collections.abc import Awaitable, Callable, Iterator

import click

from store_client.cli import show
from store_client.cli.door import Failed
from store_client.cli.server import Server, talks_to_server
from store_client.client import ControlPlaneClient
from store_client.wire.gpus import GpuHistory, GpuInfo, GpuList, GpuSample, GpuSlice

GIB = 1 << 30
Part = GpuInfo | GpuSlice
Act = Callable[[ControlPlaneClient, str], Awaitable[GpuInfo]]


@click.group()
def gpu() -> None:
    """Work with GPUs; GPU is a UUID, the beginning of one, or a number."""


@gpu.command("list")
@talks_to_server
def list_(server: Server) -> None:
    """List the GPUs, the slices of each below it, and who is on them."""
    found = server.ask(lambda deployment: deployment.list_gpus())
    if server.is_json:
        show.as_json(found)
        return
    headings = ("GPU", "UUID", "Name", "State", "Memory", "Load", "Heat", "Power", "On it", "Why")
    show.table(headings, _rows(found), empty="There is no GPU here; jobs run on CPU slots.")


def _rows(found: GpuList) -> Iterator[tuple[object, ...]]:
    for one in found.gpus:
        yield _row(one, f"{one.node}:{one.index}" if one.node else str(one.index))
        yield from (_row(cut, f"{one.index}.{cut.index}") for cut in one.slices)


def _row(part: Part, number: str) -> tuple[object, ...]:
    return (
        number,
        part.uuid,
        part.name,
        part.state,
        _memory(part),
        _unit(part.utilisation_percent, "%"),
        _unit(part.temperature_celsius, "°C"),
        _unit(None if part.power_watts is None else round(part.power_watts), "W"),
        ", ".join(_users(part)) or None,
        part.why,
    )


def _users(part: Part) -> Iterator[str]:
    for holder in part.holders:
        yield f"job {holder.job_number}" + (f" ({holder.units}/{part.units})" if holder.units < part.units else "")
    held = {holder.job_id for holder in part.holders}
    for process in part.processes:
        if process.job_id not in held:
            yield f"{process.command or 'process'} {process.pid}" + (f" of {process.user}" if process.user else "")


def _memory(part: Part) -> str | None:
    if part.memory_total_bytes is None:
        return None
    used = show.NOTHING if part.memory_used_bytes is None else f"{part.memory_used_bytes / GIB:.1f}"
    return f"{used}/{part.memory_total_bytes / GIB:.0f} GiB"


def _unit(value: float | None, unit: str) -> str | None:
    return None if value is None else f"{value:.0f} {unit}"


@gpu.command()
@click.argument("gpu")
@click.option("--reason", required=True, help="why; everybody sees it")
@talks_to_server
def quarantine(gpu: str, reason: str, server: Server) -> None:
    """Start nothing more on a GPU until it is readmitted; what runs there goes on."""
    _change(server, gpu, lambda deployment, uuid: deployment.quarantine_gpu(uuid, reason))


@gpu.command()
@click.argument("gpu")
@click.option("--reason", default="to be free soon", show_default=True, help="why; everybody sees it")
@talks_to_server
def drain(gpu: str, reason: str, server: Server) -> None:
    """Let what runs on a GPU end there, and start nothing more."""
    _change(server, gpu, lambda deployment, uuid: deployment.drain_gpu(uuid, reason))


@gpu.command()
@click.argument("gpu")
@talks_to_server
def readmit(gpu: str, server: Server) -> None:
    """Give a GPU out again; one that has vanished is forgotten."""
    _change(server, gpu, lambda deployment, uuid: deployment.readmit_gpu(uuid))


def _change(server: Server, named: str, act: Act) -> None:
    async def change(deployment: ControlPlaneClient) -> tuple[GpuInfo, str]:
        uuid = _find(await deployment.list_gpus(), named)
        return await act(deployment, uuid), uuid

    changed, uuid = server.ask(change)
    if server.is_json:
        show.as_json(changed)
        return
    part = next(part for part in (changed, *changed.slices) if part.uuid == uuid)
    click.echo(f"{part.uuid} is {part.state}{f': {part.why}' if part.why else ''}.")


@gpu.command()
@click.argument("gpu")
@click.option("--minutes", type=click.FloatRange(0, 1440, min_open=True), default=60, show_default=True)
@click.option("--points", type=click.IntRange(2, 2000), default=30, show_default=True, help="so many lines at most")
@talks_to_server
def history(gpu: str, minutes: float, points: int, server: Server) -> None:
    """Print what a GPU read over time, oldest first; a day is kept."""

    async def read(deployment: ControlPlaneClient) -> GpuHistory:
        return await deployment.read_gpu_history(_find(await deployment.list_gpus(), gpu), minutes, points)

    found = server.ask(read)
    if server.is_json:
        show.as_json(found)
    else:
        headings = ("Until", "Load", "Memory", "Heat", "Power", "Jobs")
        show.table(headings, map(_sample, found.samples), empty="Nothing was read of it in that time.")


def _sample(sample: GpuSample) -> tuple[object, ...]:
    return (
        sample.at,
        _unit(sample.utilisation_percent, "%"),
        None if sample.memory_used_bytes is None else f"{sample.memory_used_bytes / GIB:.1f} GiB",
        _unit(sample.temperature_celsius, "°C"),
        _unit(sample.power_watts, "W"),
        ", ".join(map(str, sample.jobs)) or None,
    )


def _find(found: GpuList, named: str) -> str:
    """The UUID of the one GPU, or slice, that is meant."""
    parts = [part for one in found.gpus for part in (one, *one.slices)]
    numbered = [one.uuid for one in found.gpus if str(one.index) == named and one.node is None]
    begun = [part.uuid for part in parts if part.uuid == named] or [
        part.uuid for part in parts if part.uuid.startswith(named) and not named.isdecimal()
    ]
    matches = numbered or begun
    if len(matches) != 1:
        raise Failed(f"{'several GPUs are' if matches else 'no GPU is'} called {named}. See: switchyard gpu list")
    return matches[0]
