"""Reads what running attempts report, on a thread of its own, and keeps the newest word of each in the database."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from control_plane.edge.house import House
from control_plane.edge.rounds import Rounds
from control_plane.scheduler.operations import attempts, progress
from control_plane.scheduler.operations.progress import Word
from control_plane.scheduler.rules.progress import Said, parse
from control_plane.scheduler.shim import records

ROUND_SECONDS = 1.0
SIGN_SECONDS = 5.0
"""An attempt that only prints is noted this often."""
MOST_BYTES = 256 * 1024
"""So much of one attempt's reports is read in a round; of more, the end."""
Key = tuple[str, int]


class Logs(Protocol):
    """Where attempts leave their logs, and beside each what it reports."""

    def log(self, job_id: str, attempt: int) -> Path: ...


class Listener:
    """Hears one attempt: its reports from where it stopped reading, and whether its log has grown."""

    def __init__(self, log: Path) -> None:
        self.said: Said | None = None
        self.passed_over = 0
        self._log, self._reports = log, log.with_name(records.PROGRESS)
        self._offset = self._log_bytes = 0
        self._noted_at = float("-inf")

    def has_news(self, now: float) -> bool:
        """Whether it has reported something, or only given a sign of life that has not been noted for a while."""
        has_reported = self._read()
        size = _size(self._log)
        has_printed = size != self._log_bytes and now - self._noted_at >= SIGN_SECONDS
        if has_reported or has_printed:
            self._log_bytes, self._noted_at = size, now
        return has_reported or has_printed

    def _read(self) -> bool:
        size = _size(self._reports)
        if size == self._offset:
            return False
        self._offset = self._offset if size > self._offset else 0  # a shorter file has begun anew
        lines = self._lines(max(self._offset, size - MOST_BYTES))
        heard = [said for said in map(parse, lines) if said is not None]
        self.passed_over += len(lines) - len(heard)
        for said in heard:
            self.said = (self.said or Said()).then(said)
        return bool(heard)

    def _lines(self, start: int) -> list[bytes]:
        """The whole lines from here on; what is cut off at the beginning was skipped, at the end it comes later."""
        try:
            with self._reports.open("rb") as file:
                file.seek(start)
                data = file.read(MOST_BYTES)
        except OSError:
            return []
        whole, newline, rest = data.rpartition(b"\n")
        is_endless = not newline and len(data) == MOST_BYTES
        self._offset = start + len(data) - (0 if is_endless else len(rest))
        lines = whole.split(b"\n") if newline else []
        return lines[1:] if start > 0 and self._is_within_a_line(start) else lines

    def _is_within_a_line(self, start: int) -> bool:
        with self._reports.open("rb") as file:
            file.seek(start - 1)
            return file.read(1) != b"\n"


class Progress(Rounds):
    """Looks after every attempt that holds slots, once a second, and once more when it has ended."""

    def __init__(self, house: House, engine: Logs, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__("job-progress", ROUND_SECONDS)
        self._house, self._engine, self._clock = house, engine, clock
        self._listeners: dict[Key, Listener] = {}

    def round(self) -> int:
        placed = {(job["job_id"], job["attempt"]) for job in self._house.read_now(attempts.placed)}
        for key in placed - self._listeners.keys():
            self._listeners[key] = Listener(self._engine.log(*key))
        now = self._clock()
        words = [self._word(key, each) for key, each in self._listeners.items() if each.has_news(now)]
        for key in self._listeners.keys() - placed:
            del self._listeners[key]
        if words:
            self._house.writer.write(lambda tx: progress.keep(tx, words))
        return len(words)

    def _word(self, key: Key, listener: Listener) -> Word:
        said = listener.said.to_wire() if listener.said is not None else None
        return Word(*key, self._house.clock(), said)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
