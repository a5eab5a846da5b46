"""What imports leave lying about when their process dies: noted before it is made, cleared away at the next start."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from control_plane.task_store.artifact_files import sync
from store_client.errors import Refused

PLACING = "placing\n"


@dataclass(frozen=True)
class Note:
    """An import under way."""

    file: IO[str]

    def is_placing(self) -> None:
        """From here on, whatever of the experiment lies where it belongs is this import's, until its rows say so."""
        self.file.write(PLACING)
        self.file.flush()
        os.fsync(self.file.fileno())


@dataclass(frozen=True)
class Journal:
    """One file for each import under way, locked by the process that does it: a lock ends with its process."""

    folder: Path

    @contextmanager
    def alone(self, experiment_id: str) -> Iterator[Note]:
        """The only import of this experiment at the time; an unexpected fault leaves the note for the sweep."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.folder / experiment_id
        with path.open("a+", encoding="ascii") as file:  # whoever holds it may have written already
            fcntl.flock(file, fcntl.LOCK_EX)
            file.truncate(0)
            sync(self.folder)
            try:
                yield Note(file)
            except Refused:
                path.unlink(missing_ok=True)
                raise
            path.unlink(missing_ok=True)

    def sweep(self, clear: Callable[[str, bool], None]) -> None:
        """Clear what imports of dead processes left, and whether they were placing; living ones are left alone."""
        for path in sorted(self.folder.glob("exp_*")):
            with path.open("r+", encoding="ascii") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                clear(path.name, file.read() == PLACING)
                path.unlink(missing_ok=True)
