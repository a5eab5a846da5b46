"""The network is off: a test that tries to leave this machine fails, whatever the code under test would catch."""

import ipaddress
import sys
from typing import Any


class OutsideRefused(BaseException):
    """A test tried to reach another machine; no code under test takes it for a network failure."""


def refuse_the_outside() -> None:
    """Refuse connections and look-ups beyond loopback from now on, in this process."""
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.getaddrinfo":
        _require_loopback(arguments[0])
    elif event in {"socket.connect", "socket.sendto"} and isinstance(arguments[1], tuple):
        _require_loopback(arguments[1][0])


def _require_loopback(host: object) -> None:
    name = host.decode() if isinstance(host, bytes) else host
    if name in {None, "", "localhost"}:
        return
    try:
        address = ipaddress.ip_address(str(name))
    except ValueError:
        address = None
    if address is None or not (address.is_loopback or address.is_unspecified):
        raise OutsideRefused(f"a test tried to reach {name}: only loopback is open")
