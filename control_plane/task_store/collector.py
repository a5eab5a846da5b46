"""The collector: takes away old uploads that nothing cites, files that belong to no artifact, drafts of old tasks.

Rows go first, then files without rows, each by itself: whatever a crash leaves, the next round of any process takes.
"""

import fcntl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from control_plane.edge.house import House
from control_plane.edge.rounds import Rounds
from control_plane.task_store.artifact_files import ASIDE, ArtifactFiles, held
from control_plane.task_store.operations import drafts, garbage
from store_client.wire.scalars import format_time

RETENTION_SECONDS = 7 * 24 * 3600.0
FIRST_ROUND_SECONDS, ROUND_SECONDS = 300.0, 3600.0
PAUSE_SECONDS = 0.05
"""Between two pages, so that others get their turn."""


@dataclass(frozen=True)
class Garbage:
    """One round over rows and files; `now` says how old they are."""

    house: House
    files: ArtifactFiles
    retention_seconds: float = RETENTION_SECONDS
    now: Callable[[], float] = time.time

    def drafts(self) -> Iterator[int]:
        """Forget drafts for tasks that ended long ago, some at a time; how many of each time."""
        while pruned := self.house.writer.write(drafts.prune):
            yield pruned

    def rows(self) -> Iterator[int]:
        """Drop old uncited artifacts, a page at a time; how many of each page."""
        before = format_time(datetime.fromtimestamp(self.now() - self.retention_seconds, UTC))
        after: str | None = ""
        while after is not None:
            found = self.house.read_now(partial(garbage.find, after=after, before=before))
            ids = [one for some in found.uncited.values() for one in some]
            dropped = 0
            if ids:
                dropped = self.house.writer.write(partial(garbage.drop, artifact_ids=ids, searched=found.tip))
            yield dropped
            after = found.last

    def contents(self) -> Iterator[int]:
        """Remove old files without a row, a folder at a time, and uploads that broke off; how many of each."""
        for folder in sorted(self.files.root.glob("[0-9a-f][0-9a-f]")):
            yield self._contents_of(folder)
        broken = [path for path in self.files.root.glob(f"{ASIDE}/*") if self._is_old(path)]
        for path in broken:
            path.unlink(missing_ok=True)
        yield len(broken)

    def _contents_of(self, folder: Path) -> int:
        old = {folder.name + path.name: path for path in folder.iterdir() if self._is_old(path)}
        if not old:
            return 0
        with held(folder, fcntl.LOCK_EX):
            kept = self.house.read_now(lambda tx: garbage.with_rows(tx, list(old)))
            orphans = [path for sha256, path in old.items() if sha256 not in kept and self._is_old(path)]
            for path in orphans:
                path.unlink(missing_ok=True)
        return len(orphans)

    def _is_old(self, path: Path) -> bool:
        try:
            return path.stat().st_mtime < self.now() - self.retention_seconds
        except FileNotFoundError:
            return False


class Collector(Rounds):
    """Makes a round once an hour, the first some minutes after the start."""

    def __init__(self, garbage: Garbage, first_seconds: float = FIRST_ROUND_SECONDS) -> None:
        super().__init__("collector", ROUND_SECONDS, first_seconds)
        self._garbage = garbage

    def round(self) -> int:
        """Take away what is old and uncited; how much that was."""
        taken = 0
        for steps in (self._garbage.drafts(), self._garbage.rows(), self._garbage.contents()):
            for step in steps:
                taken += step
                if self.stopping.wait(PAUSE_SECONDS):
                    return taken
        return taken
