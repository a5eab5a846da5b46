"""The project's own files as the laws read them."""

import ast
import os
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[2]
PACKAGES = ("control_plane", "store_client", "web_ui")
PICTURES = {".png", ".ico", ".gz", ".npz", ".woff2"}


@dataclass(frozen=True)
class Source:
    """One file: its path from the root, and its text."""

    path: str
    text: str

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def parts(self) -> tuple[str, ...]:
        return PurePosixPath(self.path).parts

    @property
    def package(self) -> str:
        return self.parts[0]

    @cached_property
    def syntax(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    def walk(self, *kinds: type[ast.AST]) -> Iterator[ast.AST]:
        """Every node of these kinds."""
        return (node for node in ast.walk(self.syntax) if isinstance(node, kinds))

    def at(self, line: int, what: str) -> str:
        """An offence as an editor can jump to it."""
        return f"{self.path}:{line} {what}"


def files() -> Iterator[Source]:
    """Every text file that git has or would take."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"]
    quiet = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    names = subprocess.run(listing, cwd=ROOT, env=quiet, check=True, capture_output=True, text=True).stdout
    for name in sorted(filter(None, names.split("\0"))):
        file = ROOT / name
        if file.is_file() and file.suffix not in PICTURES:
            yield Source(name, file.read_text(encoding="utf-8"))


def keeps(offences: Iterable[str]) -> None:
    """Fail with every offence on a line of its own."""
    found = list(offences)
    if found:
        raise AssertionError("\n".join([f"{len(found)} offences", *found]))
