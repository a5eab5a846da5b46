"""What the machine must have, what happens to a test where it has not, and ports that it keeps."""

import os
import secrets
import socket
from pathlib import Path
from typing import NoReturn

import pytest

ASKED_FOR = Path("/proc/sys/net/ipv4/ip_local_port_range")
LOWEST_PORT = 10_000


def free_port() -> int:
    """A port that nobody gets who asks for any: it stays free while its server is away."""
    above = int(ASKED_FOR.read_text().split()[0]) - LOWEST_PORT if ASKED_FOR.exists() else 0
    while True:
        port = LOWEST_PORT + secrets.randbelow(above) if above > 0 else 0
        try:
            with socket.create_server(("127.0.0.1", port)) as listener:
                return int(listener.getsockname()[1])
        except OSError:
            continue


def missing(what: str) -> NoReturn:
    """Skip the test because the machine lacks something; where everything must be there (CI), fail it."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}, and CI must have it", pytrace=False)
    pytest.skip(what)
