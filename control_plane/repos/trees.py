"""Git tree objects as bytes: read, and rebuilt with one file more while every other entry stays as it is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from control_plane.repos.refusals import VariantIneligible

TREE_MODE = b"40000"
FILE_MODE = b"100644"
SHA_BYTES = 20


@dataclass(frozen=True, slots=True)
class Entry:
    mode: bytes
    name: bytes
    sha: str

    @property
    def is_tree(self) -> bool:
        return self.mode.lstrip(b"0") == TREE_MODE

    @property
    def order(self) -> bytes:
        """Git sorts a tree as if its name ended in a slash."""
        return self.name + b"/" if self.is_tree else self.name

    def encode(self) -> bytes:
        return self.mode + b" " + self.name + b"\0" + bytes.fromhex(self.sha)


def decode(data: bytes) -> Iterator[Entry]:
    at = 0
    while at < len(data):
        space, end = data.index(b" ", at), data.index(b"\0", at)
        stop = end + 1 + SHA_BYTES
        yield Entry(data[at:space], data[space + 1 : end], data[end + 1 : stop].hex())
        at = stop


def find(data: bytes, name: bytes) -> Entry | None:
    return next((entry for entry in decode(data) if entry.name == name), None)


def replaced(data: bytes, new: Entry) -> bytes:
    """The tree with `new` in the place of whatever had its name."""
    kept = [entry for entry in decode(data) if entry.name != new.name]
    return b"".join(entry.encode() for entry in sorted([*kept, new], key=lambda entry: entry.order))


def with_file(
    root: bytes, path: tuple[bytes, ...], blob: str, read: Callable[[str], bytes], write: Callable[[bytes], str]
) -> str:
    """Write the trees that hold `blob` at `path` and answer the root's id."""
    if len(path) == 1:
        return write(replaced(root, Entry(FILE_MODE, path[0], blob)))
    found = find(root, path[0])
    if found is not None and not found.is_tree:
        raise VariantIneligible(f"{path[0].decode(errors='replace')} is not a directory in the variant's tree")
    below = with_file(read(found.sha) if found else b"", path[1:], blob, read, write)
    return write(replaced(root, Entry(TREE_MODE, path[0], below)))
