"""`switchyard web`: the console alone, before our own control plane or before any server of the protocol."""

from pathlib import Path

import click

from store_client.cli import ground, options
from store_client.cli.door import Failed
from store_client.cli.parts import become, given_options

PATH = click.Path(exists=True, path_type=Path)
MAYBE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@options.data
@options.host
@options.port(8090)
@options.control_plane_url
@click.option("--store-url", envvar="SWITCHYARD_STORE_URL", help="default: the control plane")
@click.option(
    "--credential-file",
    type=MAYBE,
    help="worker_id:token of the console, or of its operator in --experiment-id, or JSON of one for each experiment; "
    "default: the console's in --data",
)
@click.option("--experiment-id", help="show this experiment of any server alone, at --store-url")
@click.option("--admin-token-file", type=options.FILE, help="any server's admin token: registers the operator there")
@click.option("--operator-name", help="what the operator's worker is called there")
@click.option("--experiment-config", type=PATH, help="that experiment's config, or a directory of <experiment_id>.yaml")
@click.option("--repository", help="that experiment's git repository, with {experiment_id} in it for several")
@click.option("--https", is_flag=True, help="a proxy serves this console over https")
def web(data: Path, host: str, port: int, control_plane_url: str | None, **given: Path | str | None) -> None:
    """Run the web UI alone.

    With --experiment-id, --admin-token-file or a file of several credentials it stands before any server of the
    protocol: it lets its one operator in by a link that it prints itself, and needs no other account there.
    """
    ground.prepare(data)
    https = ("--https",) if given.pop("https") else ()
    services = ground.read_services(data)
    url = control_plane_url or (services.control_plane if services else None)
    kept = "console-credentials.json" if given["experiment_id"] else "console-token"
    held = given["credential_file"] or data / kept
    if not given["admin_token_file"] and not Path(held).exists():  # the admin token has one made
        raise Failed(
            f"there is no {held}. Start the control plane on the same --data first, "
            "or name the console's credential with --credential-file."
        )
    where = ("--data", str(data), "--host", host, "--port", str(port))
    plane = ("--control-plane-url", url) if url else ()
    become("web_ui", *where, *plane, *given_options(**given), *https)
