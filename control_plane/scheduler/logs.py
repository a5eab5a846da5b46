"""Logs of attempts, read by byte offset; waiting for more costs no thread."""

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from store_client.wire.jobs import LogSlice

LONGEST_CHARACTER_BYTES = 4
LOOK_SECONDS = 0.3
"""How often a growing file is looked at while somebody follows it."""


@dataclass(frozen=True)
class LogFile:
    """One attempt's log and whether it can still grow."""

    path: Path
    attempt: int
    is_complete: bool
    number: int = 0
    """The job's, for people."""


def size(path: Path) -> int:
    """Bytes of a log; 0 while there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def read(log: LogFile, offset: int, limit: int) -> LogSlice:
    """Text from an offset, cut before a character that is not whole yet."""
    data = b""
    if log.path.is_file():
        with log.path.open("rb") as file:
            file.seek(offset)
            data = file.read(max(limit, LONGEST_CHARACTER_BYTES))  # less might never get beyond one character
            is_end = file.tell() >= os.fstat(file.fileno()).st_size
    else:
        is_end = True
    if not (is_end and log.is_complete):
        data = whole_characters(data)
    return LogSlice(
        text=data.decode("utf-8", "replace"),
        offset=offset,
        next_offset=offset + len(data),
        is_complete=log.is_complete and is_end,
        attempt=log.attempt,
    )


def whole_characters(data: bytes) -> bytes:
    """The data without a UTF-8 character that its end has cut off."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte < 0x80:
            return data
        if byte >= 0xC0:
            length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return data[:-back] if back < length else data
    return data


async def follow(look: Callable[[], LogSlice], wait_seconds: float, is_over: Callable[[], bool]) -> LogSlice:
    """The next text of a log, as soon as there is some, or nothing when the time or everything is over."""
    deadline = time.monotonic() + wait_seconds
    while True:
        found = await asyncio.to_thread(look)
        left = deadline - time.monotonic()
        if found.text or found.is_complete or left <= 0 or is_over():
            return found
        await asyncio.sleep(min(LOOK_SECONDS, left))
