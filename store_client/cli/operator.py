"""`switchyard operator`: the people who sign in."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any
from urllib.parse import quote

import click

from store_client.cli import ground, show
from store_client.cli.door import Failed
from store_client.cli.server import Server, find_experiment, talks_to_server
from store_client.client import ControlPlaneClient
from store_client.wire.accounts import Invite, NewInvitation, OperatorDetail

ROLES = click.Choice(["member", "viewer", "operator", "administrator"])
THERE = ("viewer", "operator", "administrator")
web_url = click.option(
    "--web-url", envvar="SWITCHYARD_WEB_URL", help="default: the web UI that `switchyard up` started"
)
Question = Callable[[ControlPlaneClient], Awaitable[NewInvitation]]
COLUMNS = ("Name", "Signs in as", "With", "Role", "In experiments", "Last seen", "Id")


@click.group()
def operator() -> None:
    """Invite people, and say what they may do."""


@operator.command("list")
@talks_to_server
def list_(server: Server) -> None:
    """List the people who sign in."""
    people = server.ask(lambda deployment: deployment.list_operators())
    if server.is_json:
        show.as_json(people)
    else:
        show.table(COLUMNS, map(_row, people), empty="Nobody signs in here.")


def prints_link(command: Callable[..., Question]) -> Callable[..., None]:
    """Ask the server for a link, as the command says, and print it as an address of the console."""

    @web_url
    @talks_to_server
    @wraps(command)
    def run(*args: Any, web_url: str | None, server: Server, **given: Any) -> None:
        web = _web(server, web_url)
        _print(server, server.ask(command(*args, **given)), web)

    return run


@operator.command()
@click.argument("sign_in_name")
@click.option("--name", help="what people call them; default: the sign-in name")
@click.option("--role", type=ROLES, default="operator", show_default=True, help="in the deployment; member: none")
@click.option("--in", "grants", multiple=True, metavar="EXPERIMENT=ROLE", help="a role in an experiment, by id or slug")
@prints_link
def invite(sign_in_name: str, name: str | None, role: str, grants: tuple[str, ...]) -> Question:
    """Print a link behind which a new person chooses a password. It works once, for a week."""

    async def ask_for(deployment: ControlPlaneClient) -> NewInvitation:
        named = [one.partition("=")[::2] for one in grants]
        if odd := [given for _, given in named if given not in {"", *THERE}]:
            raise Failed(f"in an experiment somebody is {', '.join(THERE[:-1])} or {THERE[-1]}, and not {odd[0]}.")
        experiments = {await find_experiment(deployment, one): given or "operator" for one, given in named}
        wanted = {"name": name or sign_in_name, "sign_in_name": sign_in_name, "role": role, "experiments": experiments}
        return await deployment.invite(Invite.model_validate(wanted))

    return ask_for


@operator.command()
@click.argument("who")
@prints_link
def reset(who: str) -> Question:
    """Print a link behind which somebody chooses a new password. It works once, for a day."""

    async def ask_for(deployment: ControlPlaneClient) -> NewInvitation:
        return await deployment.reset_password(await _find(deployment, who))

    return ask_for


@operator.command()
@click.argument("who")
@click.argument("role", type=click.Choice(["none", "member", "viewer", "operator", "administrator"]))
@click.option(
    "--in", "experiment", help="in this experiment (id or slug) and not in the deployment; none takes it away"
)
@talks_to_server
def role(who: str, role: str, experiment: str | None, server: Server) -> None:
    """Change what somebody may do, in the deployment or in one experiment."""
    if role == ("none" if experiment is None else "member"):
        raise click.UsageError("the deployment has members, and an experiment none: say --in for the latter.")

    async def ask_for(deployment: ControlPlaneClient) -> OperatorDetail:
        operator_id = await _find(deployment, who)
        if experiment is None:
            return await deployment.change_operator(operator_id, role=role)
        experiment_id = await find_experiment(deployment, experiment)
        if role == "none":
            return await deployment.withdraw_role(operator_id, experiment_id)
        return await deployment.grant_role(operator_id, experiment_id, role)  # type: ignore[arg-type] # one of the choices of the command

    changed = server.ask(ask_for)
    if server.is_json:
        show.as_json(changed)
    else:
        click.echo(f"{changed.name} is {role} {'in ' + experiment if experiment else 'of the deployment'} now.")


@operator.command()
@click.argument("who")
@talks_to_server
def disable(who: str, server: Server) -> None:
    """Sign somebody out everywhere, and let them in no more."""
    _switch(server, who, is_on=False)


@operator.command()
@click.argument("who")
@talks_to_server
def enable(who: str, server: Server) -> None:
    """Let a disabled person in again."""
    _switch(server, who, is_on=True)


def _switch(server: Server, who: str, *, is_on: bool) -> None:
    async def ask_for(deployment: ControlPlaneClient) -> OperatorDetail:
        operator_id = await _find(deployment, who)
        await (deployment.enable_deployment_worker if is_on else deployment.disable_deployment_worker)(operator_id)
        return await deployment.read_operator(operator_id)

    switched = server.ask(ask_for)
    if server.is_json:
        show.as_json(switched)
    else:
        click.echo(
            f"{switched.name} is {'disabled, and signed out everywhere' if switched.is_disabled else 'enabled'}."
        )


async def _find(deployment: ControlPlaneClient, who: str) -> str:
    """The id of a person who is named by id, sign-in name, or a name that only one person has."""
    people = await deployment.list_operators()
    wish = who.casefold()
    found = [one for one in people if wish in {one.operator_id, one.sign_in_name}]
    found = found or [one for one in people if one.name.casefold() == wish]
    if len(found) != 1:
        many = f"{len(found)} people are called {who}; name one by id" if found else f"nobody signs in as {who}"
        raise Failed(f"{many}. See: switchyard operator list")
    return found[0].operator_id


def _web(server: Server, web_url: str | None) -> str:
    services = ground.read_services(server.data)
    web = web_url or (services.web if services else None)
    if web is None:
        raise Failed("no web UI runs on this data directory; say where it is with --web-url.")
    return web.rstrip("/")


def _print(server: Server, made: NewInvitation, web: str) -> None:
    link = f"{web}/join?code={quote(made.code, safe='')}"
    if server.is_json:
        show.as_json({"link": link, "expires_at": made.expires_at, "invitation_id": made.invitation_id})
    else:
        click.echo(link)


def _row(person: OperatorDetail) -> tuple[object, ...]:
    there = ", ".join(f"{one.name or one.experiment_id}: {one.role}" for one in person.experiments)
    state = f"{person.role}, disabled" if person.is_disabled else person.role
    ways = (("password", person.has_password), ("single sign-on", person.has_provider))
    by = ", ".join(way for way, is_there in ways if is_there) or "links only"
    return person.name, person.sign_in_name, by, state, there or None, person.last_seen_at, person.operator_id
