"""`switchyard signin`: another one-time link."""

import click

from store_client.cli import ground, show
from store_client.cli.door import Failed
from store_client.cli.opening import sign_in_link
from store_client.cli.parts import become
from store_client.cli.server import Server, talks_to_server

OWN_CONSOLE = "console-address"


@click.command()
@click.option("--web-url", envvar="SWITCHYARD_WEB_URL", help="default: the web UI that `switchyard up` started")
@talks_to_server
def signin(web_url: str | None, server: Server) -> None:
    """Print a link that signs the administrator in, once."""
    services = ground.read_services(server.data)
    if services is None and (server.data / OWN_CONSOLE).exists():
        # A console with an operator of its own lets people in itself.
        become("web_ui", "--data", str(server.data), "--sign-in-link")
    web = web_url or (services.web if services else None)
    if web is None:
        raise Failed("no web UI runs on this data directory; say where it is with --web-url.")
    link = server.ask(lambda deployment: sign_in_link(deployment, web.rstrip("/")))
    if server.is_json:
        show.as_json({"signin": link})
    else:
        click.echo(link)
