"""The git directory of a workspace: what `git clone --shared` would make, without the four processes that it takes."""

import os
from collections.abc import Iterator
from pathlib import Path

from control_plane.scheduler.workspace.errors import WorkspaceError
from control_plane.scheduler.workspace.layout import RUNTIME_FILES, SHA

CONFIG = """[core]
    repositoryformatversion = 0
    filemode = true
    bare = false
    logallrefupdates = true
[remote "origin"]
    url = {url}
    fetch = +refs/heads/*:refs/remotes/origin/*
"""
HEADS, REMOTES, TAGS = b"refs/heads/", b"refs/remotes/origin/", b"refs/tags/"


def make(repo: Path, work: Path) -> None:
    """A repository that borrows another's objects and knows its branches as `origin/…`; nothing is checked out yet."""
    if not (repo / "objects").is_dir():
        raise WorkspaceError("the experiment's repository is not there")
    git_dir = work / ".git"
    for folder in ("objects/info", "objects/pack", "refs/heads", "refs/tags", "info"):
        (git_dir / folder).mkdir(parents=True)
    (git_dir / "HEAD").write_text("ref: refs/heads/main\n", encoding="utf-8")
    (git_dir / "config").write_text(CONFIG.format(url=_quoted(str(repo))), encoding="utf-8")
    (git_dir / "objects" / "info" / "alternates").write_text(f"{repo / 'objects'}\n", encoding="utf-8")
    (git_dir / "info" / "exclude").write_text("".join(f"/{path}\n" for path in RUNTIME_FILES), encoding="utf-8")
    refs = {name: sha for found, sha in _refs(repo) if (name := _name_here(found))}
    (git_dir / "packed-refs").write_bytes(b"".join(b"%s %s\n" % (refs[name], name) for name in sorted(refs)))


def _refs(repo: Path) -> Iterator[tuple[bytes, bytes]]:
    """Every reference and what it names: packed ones first, since a loose one of the same name is newer."""
    packed = repo / "packed-refs"
    for line in packed.read_bytes().splitlines() if packed.exists() else ():
        sha, _, name = line.partition(b" ")
        if SHA.fullmatch(sha.decode(errors="replace")):
            yield name, sha
    for kind in ("refs/heads", "refs/tags"):
        for parent, _, files in os.walk(repo / kind):
            for path in (Path(parent, file) for file in files):
                sha = _content(path)
                if SHA.fullmatch(sha.decode(errors="replace")):  # neither a lock nor a name for another reference
                    yield os.fsencode(path.relative_to(repo)), sha


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes().strip()
    except OSError:  # it was packed or deleted meanwhile
        return b""


def _name_here(name: bytes) -> bytes | None:
    """What a reference of the repository is called in a clone."""
    if name.startswith(HEADS):
        return REMOTES + name.removeprefix(HEADS)
    return name if name.startswith(TAGS) else None


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
