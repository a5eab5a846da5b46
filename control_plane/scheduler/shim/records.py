"""The files of an attempt's directory that the shim and the scheduler both know."""

import errno
import json
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

LAUNCH = "launch.json"
STARTED = "started.json"
EXIT = "exit.json"
CANCEL = "cancel"
PREEMPT = "preempt"
STOPPING = "stopping"
LOG = "log"
PROGRESS = "progress.jsonl"
STDIN = "stdin"
STDOUT = "stdout"
SHIM_LOG = "shim.log"
FULL = (errno.ENOSPC, errno.EDQUOT)
PAUSES_SECONDS = (1.0,) * 3600


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a file; None when there is no such file or something else stands in it."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def write_json(path: Path, value: dict[str, Any], *, is_durable: bool = False) -> None:
    """Replace a file in one step; a durable one survives a power cut once this returns."""
    draft = path.with_name(path.name + ".tmp")
    with draft.open("w", encoding="utf-8") as file:
        json.dump(value, file)
        file.flush()
        if is_durable:
            os.fsync(file.fileno())
    draft.replace(path)
    if is_durable:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(folder)
        os.close(folder)


def insist_on_json(path: Path, value: dict[str, Any], pauses: Iterable[float] = PAUSES_SECONDS) -> None:
    """The same, durably; on a full disk again and again, with these pauses, until there is room."""
    for pause in pauses:
        try:
            return write_json(path, value, is_durable=True)
        except OSError as error:
            if error.errno not in FULL:
                raise
        time.sleep(pause)
    return write_json(path, value, is_durable=True)


def rfc3339(seconds: float) -> str:
    """Seconds since 1970 as the fixed-width text that the whole system uses."""
    whole, micros = divmod(int(seconds * 1_000_000), 1_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{micros:06d}Z"
