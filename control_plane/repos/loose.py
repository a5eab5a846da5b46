"""New objects, written as git's loose files: flushed before they get their name, so a crash leaves none half there."""

import hashlib
import os
import tempfile
import zlib
from pathlib import Path


class LooseObjects:
    """Objects on their way into one repository."""

    def __init__(self, repository: Path) -> None:
        self._folder = repository / "objects"
        self._touched = {self._folder}

    def write(self, kind: bytes, data: bytes) -> str:
        """Add an object and answer its id; it is certain to last only after `settle`."""
        content = kind + b" %d\0" % len(data) + data
        sha = hashlib.sha1(content, usedforsecurity=False).hexdigest()
        folder = self._folder / sha[:2]
        folder.mkdir(exist_ok=True)
        self._touched.add(folder)
        _place(zlib.compress(content, 1), folder / sha[2:])
        return sha

    def settle(self) -> None:
        """Wait until the names of everything written are on the disk too."""
        for folder in self._touched:
            flush(folder)


def flush(path: Path) -> None:
    """Make a file, or a directory's list of names, last."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _place(content: bytes, path: Path) -> None:
    # `git prune` knows this prefix and clears away what a crash left.
    descriptor, draft = tempfile.mkstemp(prefix="tmp_obj_", dir=path.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fchmod(file.fileno(), 0o444)
        os.fsync(file.fileno())
    Path(draft).replace(path)
