"""The group of all commands: loads a command when it is asked for, and turns errors into words and exit statuses."""

from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from typing import Any

import click

from store_client.errors import ProtocolBroken, Refused, SwitchyardError, Unauthorized, Unreachable


class Rooms(MutableMapping[str, click.Command]):
    """Commands by name, each imported from its home, `module:attribute`, when it is first looked up."""

    def __init__(self, homes: Mapping[str, str]) -> None:
        self._homes = dict(homes)
        self._open: dict[str, click.Command] = {}

    def __getitem__(self, name: str) -> click.Command:
        if name not in self._open:
            module, _, attribute = self._homes[name].partition(":")
            self._open[name] = getattr(import_module(module), attribute)
        return self._open[name]

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._homes.setdefault(name, "")
        self._open[name] = command

    def __delitem__(self, name: str) -> None:
        del self._homes[name]
        self._open.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._homes)

    def __len__(self) -> int:
        return len(self._homes)


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
        self.commands = Rooms(rooms)

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
        case Refused():
            return Failed(str(error))
        case Unreachable():
            return Silence(f"{error}\nIs it running? Start it with: switchyard up")
        case ProtocolBroken():
            return Failed(f"{error}\nThe server speaks another version; use the switchyard command that belongs to it.")
        case _:
            return Failed(str(error))
