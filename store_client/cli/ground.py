"""What a process of a deployment stands on: its data directory, the lock on it, free ports, and who runs where."""

import fcntl
import json
import os
import socket
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from store_client.cli.door import Failed

LOCK, SERVICES = "up.lock", "services.json"
TAKE_OVER_SECONDS = 3.0
"""How long a new process waits for one that was killed a moment ago to let go of its lock and its ports."""


@dataclass(frozen=True)
class Services:
    """The running server of a data directory, as other commands find it."""

    pid: int
    control_plane: str
    web: str | None = None
    processes: dict[str, int] = field(default_factory=dict)


def prepare(data: Path) -> None:
    """Make the data directory, for its owner alone."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        data.chmod(0o700)
    except OSError as error:
        raise Failed(f"cannot use {data}: {error.strerror}. Name another directory with --data.") from error


def lock(data: Path) -> int:
    """The descriptor whose lock makes this process the only server on the data directory."""
    descriptor = os.open(data / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + TAKE_OVER_SECONDS
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        if _is_running(data) or time.monotonic() > deadline:
            raise Failed(_taken(data))
        time.sleep(0.05)


def _is_running(data: Path) -> bool:
    services = read_services(data)
    return services is not None and is_alive(services.pid)


def _taken(data: Path) -> str:
    services = read_services(data)
    where = f" at {services.web or services.control_plane} (process {services.pid})" if services else ""
    return f"Switchyard is already running on {data}{where}. Stop it first, or name another directory with --data."


def read_services(data: Path) -> Services | None:
    """Who runs on a data directory, or None."""
    try:
        return Services(**json.loads((data / SERVICES).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def write_services(data: Path, services: Services) -> None:
    """Say who runs here; readers see the old text or the new one."""
    draft = data / f"{SERVICES}.new"
    draft.write_text(json.dumps(asdict(services), indent=2) + "\n", encoding="utf-8")
    draft.replace(data / SERVICES)


def forget_services(data: Path) -> None:
    (data / SERVICES).unlink(missing_ok=True)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def free_port(host: str, port: int, option: str) -> int:
    """The port, once it is free; for 0 one that is."""
    deadline = time.monotonic() + TAKE_OVER_SECONDS
    while True:
        try:
            return _bound(host, port)
        except OSError as error:
            if time.monotonic() > deadline:
                raise Failed(
                    f"cannot listen on {host}:{port}: {error.strerror}. Choose another with {option}."
                ) from error
        time.sleep(0.05)


def _bound(host: str, port: int) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1)
        return int(listener.getsockname()[1])


def url(host: str, port: int) -> str:
    """Where this machine reaches a server that listens on a host."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - named to be replaced
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"
