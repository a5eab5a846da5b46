"""What an agent keeps on its machine: each attempt's own folder, and what outlives an attempt."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

STALE_SECONDS = 30 * 86_400.0


@dataclass(frozen=True)
class Scratch:
    """One attempt's share of a folder that all attempts on this machine, or on all that share it, work in."""

    root: Path
    job_id: str
    attempt: int

    @property
    def folder(self) -> Path:
        """The attempt's own; nothing of it stays."""
        return self.root / "attempts" / f"{self.job_id}-{self.attempt}"

    @property
    def output(self) -> Path:
        """Where the engine writes log and progress."""
        return self.folder / self.job_id / str(self.attempt)

    @property
    def kept(self) -> Path:
        """What this machine keeps of a job from one of its attempts to the next."""
        return self.root / "checkpoints" / self.job_id

    @property
    def checkpoints(self) -> Path:
        """What the job keeps for its next attempt."""
        return self.kept / "files"

    @property
    def newest(self) -> int:
        """The attempt that worked with the checkpoints here last; 0 where none has."""
        try:
            return int((self.kept / "attempt").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return 0

    def sign(self) -> None:
        """From now on the checkpoints here are this attempt's."""
        (self.kept / "attempt").write_text(f"{self.attempt}\n", encoding="utf-8")

    def repository(self, experiment_id: str) -> Path:
        """A copy of the experiment's repository, shared by all attempts."""
        return self.root / "repositories" / f"{experiment_id}.git"

    def open(self) -> None:
        """Make the attempt's folder, with a way to the job's checkpoints where the engine looks for them."""
        self._sweep()
        for folder in (self.output, self.checkpoints):
            folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.checkpoints.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.output.parent / "checkpoints").symlink_to(self.checkpoints.absolute(), target_is_directory=True)

    def close(self, *, is_done: bool) -> None:
        """Remove the attempt's folder, and the checkpoints of a job that is done; of any other the next may be here."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if is_done:
            shutil.rmtree(self.kept, ignore_errors=True)

    def _sweep(self) -> None:
        """Remove what jobs have left that nobody came back to."""
        for folder in (*self.root.glob("checkpoints/*"), *self.root.glob("attempts/*")):
            if time.time() - folder.stat().st_mtime > STALE_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
