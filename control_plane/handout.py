"""The credentials of this deployment's own services, left where its administrator's processes find them.

Servers that share a data directory share them, and a server that starts again keeps them: nobody else's stop working.
"""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from control_plane.db import identities
from control_plane.edge.house import House
from control_plane.registry.operations.bootstrap import Bootstrap, issue_service_token
from control_plane.settings import write_secret

CONSOLE, RUNNERS, LOCK = "console-token", "runner-tokens.json", ".handing-out"


def hand_out(house: House, data: Path, who: Bootstrap) -> None:
    """See to it that the files hold credentials that work: those that they hold, or else new ones."""
    runners = {
        "auto-ideator": who.auto_ideator,
        "auto-executor": who.auto_executor,
        "auto-evaluator": who.auto_evaluator,
    }
    with _alone(data):
        if not _proves(house, _read(data / CONSOLE).strip(), who.console):
            write_secret(data / CONSOLE, _issue(house, who.console) + "\n")
        held = _decode(_read(data / RUNNERS))
        good = {
            name: held.get(name) for name, worker_id in runners.items() if _proves(house, held.get(name), worker_id)
        }
        if good.keys() != runners.keys():
            fresh = {name: good.get(name) or _issue(house, worker_id) for name, worker_id in runners.items()}
            write_secret(data / RUNNERS, json.dumps(fresh) + "\n")


@contextmanager
def _alone(data: Path) -> Iterator[None]:
    """One server at a time, over all processes on the directory; a crash lets go."""
    with (data / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _issue(house: House, worker_id: str) -> str:
    secret = house.writer.write(lambda tx: issue_service_token(tx, worker_id, keys=house.keys))
    return f"{worker_id}:{secret}"


def _proves(house: House, credential: Any, worker_id: str) -> bool:
    """Whether a credential is this worker's, and works."""
    principal, _, secret = str(credential).partition(":")
    if principal != worker_id:
        return False
    found = house.read_now(lambda tx: identities.identify(tx.connection, house.keys, (principal, secret), tx.now))
    return found is not None and found.worker_id == worker_id


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def _decode(text: str) -> dict[str, Any]:
    try:
        held = json.loads(text)
    except ValueError:
        return {}
    return held if isinstance(held, dict) else {}
