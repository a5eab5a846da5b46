"""A client that is not git, and eyes on what runs here."""

import base64
import http.client
import os
import random
import subprocess
import threading
import time
from collections.abc import Callable

from tests.git.serving import OWN, Served

PACK = "application/x-git-{}-request"


def noise(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)  # noqa: S311 - bytes that do not compress


def basic(credential: str = OWN) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(credential.encode()).decode()}


def ask(
    server: Served, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, {key.lower(): value for key, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def processes() -> list[tuple[int, str]]:
    """The parent and the arguments of everything that runs here."""
    listed = subprocess.run(["ps", "-A", "-o", "ppid=,args="], capture_output=True, text=True, check=True).stdout
    return [(int(parent), args) for parent, args in (line.split(None, 1) for line in listed.splitlines())]


def backends() -> list[str]:
    """The `git http-backend` processes that are children of this one."""
    return [args for parent, args in processes() if parent == os.getpid() and "http-backend" in args]


def until(holds: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to pass"
        threading.Event().wait(0.01)
