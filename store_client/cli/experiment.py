"""`switchyard experiment`: create, look, pause, resume, end, write into a file and read out of one."""

from collections.abc import Awaitable, Callable
from typing import Literal, TypeVar
from urllib.parse import urljoin

import click

from store_client.cli import archives, show
from store_client.cli.server import Server, find_experiment, talks_to_server
from store_client.client import ControlPlaneClient, StoreClient
from store_client.wire.experiments import CreateExperiment, ExperimentDetail, ExperimentSummary

T = TypeVar("T")


@click.group()
def experiment() -> None:
    """Create and look after experiments; EXPERIMENT is an id or a slug."""


experiment.add_command(archives.checkpoint)
experiment.add_command(archives.import_)


@experiment.command()
@click.argument("directory", type=click.Path(exists=True, file_okay=False, resolve_path=True))
@click.option("--name", help="default: the config's own")
@talks_to_server
def create(directory: str, name: str | None, server: Server) -> None:
    """Create an experiment from a directory with an experiment.yaml."""
    body = CreateExperiment(directory=directory, name=name)
    _show(server.ask(lambda deployment: deployment.create_experiment(body)), server)


@experiment.command("list")
@talks_to_server
def list_(server: Server) -> None:
    """List the experiments and their scores."""
    found = server.ask(lambda deployment: deployment.list_experiment_summaries())
    if server.is_json:
        show.as_json(found)
        return
    headings = ("Slug", "Name", "Status", "Baseline", "Best", "Variants", "Integrated")
    empty = "There are no experiments. Create one with: switchyard experiment create DIRECTORY"
    show.table(headings, map(_row, found), empty=empty)


def _row(summary: ExperimentSummary) -> tuple[object, ...]:
    scores = (show.number(summary.baseline), show.number(summary.best))
    counts = (summary.counts.variants, summary.counts.integrated)
    return (summary.slug, summary.name, summary.status.value, *scores, *counts)


@experiment.command("show")
@click.argument("experiment")
@talks_to_server
def show_(experiment: str, server: Server) -> None:
    """Show one experiment."""
    _show(_ask_about(server, experiment, lambda store: store.read_experiment_detail()), server)


@experiment.command()
@click.argument("experiment")
@talks_to_server
def pause(experiment: str, server: Server) -> None:
    """Create and claim nothing new until it is resumed."""
    _tell(_ask_about(server, experiment, lambda store: store.pause_experiment()), is_json=server.is_json)


@experiment.command()
@click.argument("experiment")
@talks_to_server
def resume(experiment: str, server: Server) -> None:
    """Go on after a pause, or start a draft."""
    _tell(_ask_about(server, experiment, lambda store: store.resume_experiment()), is_json=server.is_json)


@experiment.command()
@click.argument("experiment")
@click.option(
    "--outcome", type=click.Choice(["completed", "failed", "cancelled"]), default="completed", show_default=True
)
@talks_to_server
def end(
    experiment: str,
    outcome: Literal["completed", "failed", "cancelled"],
    server: Server,
) -> None:
    """End an experiment; this cannot be undone."""
    _tell(_ask_about(server, experiment, lambda store: store.end_experiment(outcome)), is_json=server.is_json)


def _ask_about(server: Server, named: str, question: Callable[[StoreClient], Awaitable[T]]) -> T:
    async def run(deployment: ControlPlaneClient) -> T:
        return await question(deployment.store(await find_experiment(deployment, named)))

    return server.ask(run)


def _tell(summary: ExperimentSummary, *, is_json: bool) -> None:
    if is_json:
        show.as_json(summary)
    else:
        click.echo(f"{summary.slug} is {summary.status.value}.")


def _show(detail: ExperimentDetail, server: Server) -> None:
    if detail.git_url is not None:  # for git, whole: the server may not know by which address others reach it
        detail = detail.model_copy(update={"git_url": urljoin(server.address, detail.git_url)})
    if server.is_json:
        show.as_json(detail)
        return
    automatic = [role for role, mode in detail.automation.to_wire().items() if mode == "automatic"]
    counts = detail.counts
    show.facts(
        [
            ("Name", detail.name),
            ("Slug", detail.slug),
            ("Id", detail.experiment_id),
            ("Status", detail.status.value),
            ("Objective", f"{detail.objective.direction} {detail.objective.expr}"),
            ("Baseline", show.number(detail.baseline)),
            ("Best", show.number(detail.best)),
            ("Ideas", counts.ideas),
            ("Variants", f"{counts.variants}, {counts.evaluated} evaluated, {counts.integrated} integrated"),
            ("Automatic", ", ".join(automatic) or "no role"),
            ("Repository", detail.git_url),
            ("Ended", detail.end_reason),
        ]
    )
