"""`switchyard lease`: who orchestrates which experiment."""

from collections.abc import Iterator

import click

from store_client.cli import show
from store_client.cli.server import Server, talks_to_server
from store_client.wire.leases import RegistryEntry


@click.group()
def lease() -> None:
    """Look at the leases on experiments."""


@lease.command("list")
@talks_to_server
def list_(server: Server) -> None:
    """List the registered experiments, and who holds the lease on each."""
    found = server.ask(lambda deployment: deployment.list_registry()).experiments
    if server.is_json:
        show.as_json(found)
        return
    headings = ("Experiment", "Name", "State", "Holder", "Until", "Warnings")
    show.table(headings, _rows(found), empty="No experiment is registered.")


def _rows(entries: tuple[RegistryEntry, ...]) -> Iterator[tuple[object, ...]]:
    for entry in entries:
        held = (entry.lease.holder, entry.lease.expires_at) if entry.lease else (None, None)
        yield (entry.experiment_id, entry.name, entry.last_known_state, *held, "; ".join(entry.warnings or ()) or None)
