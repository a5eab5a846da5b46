"""The group of all commands: loads a command when it is asked for, and turns errors into words and exit statuses."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from store_client.errors import Forbidden, ProtocolBroken, Refused, SwitchyardError, Unauthorized, Unreachable


class Rooms(dict[str, click.Command]):
    """Commands by name, imported from `module:attribute` when first looked up."""

    def __init__(self, homes: Mapping[str, str]) -> None:
        super().__init__()
        self.homes = homes

    def __missing__(self, name: str) -> click.Command:
        module, _, attribute = self.homes[name].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        self[name] = command
        return command


class Failed(click.ClickException):
    """A command that could not do what it was asked; the message says what to do about it."""

    exit_code = 1


class Silence(Failed):
    """No server answered."""

    exit_code = 3


class Door(click.Group):
    """The one door of the product."""

    def __init__(self, name: str, rooms: Mapping[str, str], **settings: Any) -> None:
        super().__init__(name, **settings)
        self.commands = self._rooms = Rooms(rooms)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click passes it
        return list(self._rooms.homes)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click passes it
        return self._rooms[cmd_name] if cmd_name in self._rooms.homes else None

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what it raises on purpose becomes a sentence."""
        try:
            return super().invoke(ctx)
        except SwitchyardError as error:
            raise explained(error) from error


def explained(error: SwitchyardError) -> Failed:
    """An error with what to do about it."""
    match error:
        case Unauthorized():
            return Failed(f"{error}\nName the data directory of the running server with --data, or another credential.")
        case Forbidden():
            return Failed(f"{error}\nThis credential may not do that; use the administrator's (--data).")
        case Refused():
            return Failed(str(error))
        case Unreachable():
            return Silence(f"{error}\nIs it running? Start it with: switchyard up")
        case ProtocolBroken():
            return Failed(f"{error}\nThe server speaks another version; use the switchyard command that belongs to it.")
        case _:
            return Failed(str(error))
