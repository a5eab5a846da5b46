"""Files at a commit: folders listed, files read up to a size, whatever their names are."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from web_ui.git_process import Git

SECONDS = 10
MOST_ENTRIES = 1_000
LIST_BYTES = 1_000_000
KINDS = {"120000": "link", "160000": "submodule", "040000": "folder"}


@dataclass(frozen=True)
class Entry:
    """One thing in a folder; `is_text` says whether its name can be written in an address."""

    name: str
    path: str
    kind: str
    object_id: str
    size_bytes: int | None
    is_text: bool = True


@dataclass(frozen=True)
class Folder:
    """What is in a folder, as far as it is listed: folders first."""

    entries: tuple[Entry, ...]
    is_cut: bool


@dataclass(frozen=True)
class File:
    """A file, or what a link says; as far as it was read."""

    entry: Entry
    content: bytes
    is_cut: bool

    @property
    def is_binary(self) -> bool:
        return b"\x00" in self.content[:8000]


Found = Folder | File | None


def look_up(git: Git, path: Path, commit: str, inner: str, most_bytes: int) -> Found:
    """What stands at a path of a commit; the empty path is the top folder."""
    if not inner:
        return _folder(git, path, commit, "")
    if "\x00" in inner or len(inner) > 4_000:
        return None
    found = [one for one in _listed(git, path, [commit, "--", inner], "")[0] if one.path == inner]
    return _opened(git, path, found[0], most_bytes) if found else None


def _opened(git: Git, path: Path, entry: Entry, most_bytes: int) -> Found:
    if entry.kind == "folder":
        return _folder(git, path, entry.object_id, entry.path + "/")
    if entry.kind == "submodule":
        return File(entry, b"", is_cut=False)
    ended = git.run(path, ["cat-file", "blob", entry.object_id], seconds=SECONDS, most_bytes=most_bytes)
    return File(entry, ended.output, ended.is_cut)


def _folder(git: Git, path: Path, tree: str, prefix: str) -> Folder:
    entries, is_cut = _listed(git, path, [tree], prefix)
    ordered = sorted(entries, key=lambda one: (one.kind != "folder", one.name.lower(), one.name))
    return Folder(tuple(ordered[:MOST_ENTRIES]), is_cut or len(ordered) > MOST_ENTRIES)


def _listed(git: Git, path: Path, wanted: list[str], prefix: str) -> tuple[list[Entry], bool]:
    argv = ["--literal-pathspecs", "ls-tree", "-z", "-l", *wanted]
    ended = git.run(path, argv, seconds=SECONDS, most_bytes=LIST_BYTES)
    *rows, _rest = ended.output.split(b"\0")
    return list(_entries(rows, prefix)), ended.is_cut


def _entries(rows: list[bytes], prefix: str) -> Iterator[Entry]:
    """`mode type object size<TAB>path` each."""
    for row in rows:
        facts, _, raw = row.partition(b"\t")
        mode, _type, object_id, size = facts.decode("ascii").split()
        inner, is_text = _decoded(raw)
        yield Entry(
            name=inner.rpartition("/")[2],
            path=prefix + inner,
            kind=KINDS.get(mode, "file"),
            object_id=object_id,
            size_bytes=int(size) if size.isdecimal() else None,
            is_text=is_text,
        )


def _decoded(raw: bytes) -> tuple[str, bool]:
    try:
        return raw.decode(), True
    except UnicodeDecodeError:
        return raw.decode(errors="replace"), False
