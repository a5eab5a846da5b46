"""What lies where in an attempt's directory."""

import re
from dataclasses import dataclass
from pathlib import Path

SHA = re.compile(r"[0-9a-f]{40}")
#: What passes between the engine and a command; it is never part of a result.
RUNTIME_FILES = (
    ".eden/task.json",
    ".eden/eval-task.json",
    ".eden/idea.md",
    ".eden/outcome.json",
    ".eden/eval-outcome.json",
)
#: How the folders begin in which results are made ready.
PUBLISHING = "publish-"


@dataclass(frozen=True)
class Workspace:
    """The folders of one attempt's directory."""

    directory: Path

    @property
    def work(self) -> Path:
        """The pinned commit; the command runs here."""
        return self.directory / "work"

    @property
    def base(self) -> Path:
        """The plain files of the experiment's base commit, where there is one to compare with."""
        return self.directory / "base"

    @property
    def home(self) -> Path:
        return self.directory / "home"

    @property
    def tmp(self) -> Path:
        return self.directory / "tmp"

    @property
    def artifacts(self) -> Path:
        """Where the command may leave files that its outcome cites by `file://`."""
        return self.directory / "artifacts"

    @property
    def pin(self) -> Path:
        """The name of the pinned commit, and of the repository on the next line."""
        return self.directory / "pinned"
