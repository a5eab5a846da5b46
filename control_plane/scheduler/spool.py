"""What attempts on other machines send, kept in the folder that an attempt of this machine would have.

Beside the log lie `tried` (it may have been submitted), `begun.json` (its order was fetched, and for which experiment),
`cancel` or `preempt` (it is to stop), and `result.json`, whole and durable, once it has ended. A beginning is written
down before the wish to stop is looked for, and the wish before the beginning is: when an order is fetched while it is
taken back, one of the two sees the other.
"""

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from pydantic import ValidationError

from control_plane.scheduler.shim import records
from store_client.wire.attempts import AttemptResult
from store_client.wire.jobs import ExitCause

Key = tuple[str, int]
Way = Literal["cancel", "preempt"]
MIB = 1024 * 1024
NAMES: Mapping[str, str] = {"log": records.LOG, "progress": records.PROGRESS, "result": "result.part"}
LIMITS: Mapping[str, int] = MappingProxyType({"log": 64 * MIB, "progress": 64 * MIB, "result": 256 * MIB})
BEGUN, RESULT = "begun.json", "result.json"
TRIED = "tried"
PARTS = "checkpoint-parts"
"""Files of the job's checkpoints while they come."""
WAYS: tuple[Way, ...] = ("cancel", "preempt")


@dataclass(frozen=True)
class Spool:
    """The folders of all attempts, below `root`."""

    root: Path
    limits: Mapping[str, int] = field(default_factory=lambda: LIMITS)

    def of(self, key: Key) -> Path:
        return self.root / key[0] / str(key[1])

    def open(self, key: Key) -> Path:
        """The folder of an attempt, made where there is none."""
        folder = self.of(key)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    def begin(self, key: Key, experiment_id: str) -> bool:
        """Write down that an attempt begins; False when it is to stop already."""
        records.write_json(self.open(key) / BEGUN, {"experiment_id": experiment_id}, is_durable=True)
        return self.wish(key) is None

    def begun(self, key: Key) -> dict[str, Any] | None:
        return records.read_json(self.of(key) / BEGUN)

    def mark_tried(self, key: Key) -> bool:
        """Write down that the attempt is about to be submitted; whether that may have happened before."""
        try:
            (self.open(key) / TRIED).touch(exist_ok=False)
        except FileExistsError:
            return True
        return False

    def stop(self, key: Key, way: Way) -> None:
        (self.open(key) / way).touch()

    def wish(self, key: Key) -> Way | None:
        """How the attempt is to stop, if it is."""
        return next((way for way in WAYS if (self.of(key) / way).exists()), None)

    def append(self, key: Key, of: str, offset: int, data: bytes) -> int:
        """Write bytes where they belong, unless some before them are missing; how many there are then.

        What lies beyond the limit counts as written.
        """
        return write_at(self.open(key) / NAMES[of], offset, data, self.limits[of])

    def end(self, key: Key, result_bytes: int) -> bool:
        """Take the result as whole when so much of it has come; asking again is asking once."""
        folder = self.of(key)
        part, result = folder / NAMES["result"], folder / RESULT
        if result.exists():
            return True
        if not part.exists() or part.stat().st_size != result_bytes:
            return False
        try:
            told = AttemptResult.model_validate_json(part.read_bytes())
        except ValidationError:
            return False
        records.write_json(result, told.to_wire(), is_durable=True)
        return True

    def conclude(self, key: Key, cause: ExitCause, detail: str) -> None:
        """Say the last word on an attempt that no machine will say."""
        told = AttemptResult(cause=cause, detail=detail)
        records.write_json(self.open(key) / RESULT, told.to_wire(), is_durable=True)

    def result(self, key: Key) -> AttemptResult:
        """What an ended attempt sent."""
        return AttemptResult.model_validate(records.read_json(self.of(key) / RESULT) or {"cause": "node_lost"})

    def has_result(self, key: Key) -> bool:
        return (self.of(key) / RESULT).exists()

    def tidy(self, key: Key) -> None:
        """Remove what was kept to be brought back; log and progress stay."""
        for name in (NAMES["result"], RESULT, BEGUN):
            (self.of(key) / name).unlink(missing_ok=True)
        shutil.rmtree(self.of(key) / PARTS, ignore_errors=True)

    def untidy(self) -> Iterator[Key]:
        """The attempts that began and have not been tidied up after."""
        for found in self.root.glob(f"job_*/*/{BEGUN}"):
            if found.parent.name.isdecimal():
                yield found.parent.parent.name, int(found.parent.name)

    def forget(self, key: Key) -> None:
        """Remove all of an attempt."""
        shutil.rmtree(self.of(key), ignore_errors=True)


def write_at(path: Path, offset: int, data: bytes, limit: int) -> int:
    """Write bytes into a file where they belong, unless some before them are missing; how many there are then."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        size, room = os.fstat(descriptor).st_size, max(limit - offset, 0)
        if size < min(offset, limit):
            return size
        kept = data[:room]
        written = os.pwrite(descriptor, kept, offset)
        return max(size, offset + (len(data) if written == len(kept) else written))
    finally:
        os.close(descriptor)
