"""Where the command's output goes: bounded files, fed from pipes by one poll loop that signals wake."""

import math
import os
import select
import signal
from contextlib import suppress
from pathlib import Path

CHUNK_BYTES = 65536
LATE_BYTES = 1024 * 1024
"""So much waits in memory for room on a full disk."""


class Output:
    """A bounded file: the first bytes as they come and, once it is full, the last ones at the end."""

    def __init__(self, path: Path, limit_bytes: int, *, tail_bytes: int) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        self._room = limit_bytes - tail_bytes
        self._tail_bytes = tail_bytes
        self._tail = b""
        self._is_full = False
        self._late = b""
        self._lost_bytes = 0
        self.left_out_bytes = 0

    def write(self, data: bytes) -> None:
        head, rest = data[: self._room], data[self._room :]
        self._room -= len(head)
        self._append(head)
        if rest:
            self._hold(rest)

    def close(self) -> None:
        if self._is_full and self._tail_bytes:
            self._append(b"\n[switchyard: %d bytes left out here]\n" % self.left_out_bytes + self._tail)
        self._put_late()
        os.close(self._file)

    def _hold(self, rest: bytes) -> None:
        if not self._is_full and self._tail_bytes:
            self._append(b"\n[switchyard: log truncated; its last %d bytes follow at the end]\n" % self._tail_bytes)
        self._is_full = True
        held = self._tail + rest
        self._tail = held[max(len(held) - self._tail_bytes, 0) :]
        self.left_out_bytes += len(held) - len(self._tail)

    def _append(self, data: bytes) -> None:
        """Write, after what waits; a full disk costs the log what there is no memory for either, and never the job."""
        self._put_late()
        if self._late:
            kept = data[: LATE_BYTES - len(self._late)] if not self._lost_bytes else b""
            self._late += kept
            self._lost_bytes += len(data) - len(kept)
        else:
            self._late = self._written(data)

    def _put_late(self) -> None:
        """Write what waits for room, and how much is missing after it."""
        self._late = self._late and self._written(self._late)
        if self._lost_bytes and not self._late:
            lost, self._lost_bytes = self._lost_bytes, 0
            self._late = self._written(b"\n[switchyard: %d bytes lost here: the disk was full]\n" % lost)

    def _written(self, data: bytes) -> bytes:
        """What of it there was no room for."""
        with suppress(OSError):
            while data:
                data = data[os.write(self._file, data) :]
        return data


class Streams:
    """Pipes whose writing ends the command gets; what arrives goes to the outputs of each."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._outputs: dict[int, tuple[Output, ...]] = {}
        self._wake = self._wake_on_signals()

    def open(self, *outputs: Output) -> int:
        """A descriptor to write into; give it to the command and close it."""
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        self._poll.register(reader, select.POLLIN)
        self._outputs[reader] = outputs
        return writer

    def pass_on(self, wait_seconds: float) -> bool:
        """Write what has come, waiting for it or for a signal no longer than this; whether any output had."""
        ready = {descriptor for descriptor, _ in self._poll.poll(math.ceil(wait_seconds * 1000))}
        if self._wake in ready:
            os.read(self._wake, CHUNK_BYTES)
        for descriptor in ready - {self._wake}:
            self._read(descriptor)
        return bool(ready - {self._wake})

    def _read(self, descriptor: int) -> None:
        data = os.read(descriptor, CHUNK_BYTES)
        for output in self._outputs[descriptor]:
            output.write(data)
        if not data:  # everyone who could write has closed it, which does not mean that they have ended
            self._poll.unregister(descriptor)
            os.close(descriptor)
            del self._outputs[descriptor]

    def _wake_on_signals(self) -> int:
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        self._poll.register(reader, select.POLLIN)
        return reader
