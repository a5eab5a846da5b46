"""What is in a bundle of files, read without unpacking it: names, sizes, and one entry up to a size."""

import gzip
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from io import BytesIO, RawIOBase
from typing import IO, cast

MOST_ENTRIES = 200
MOST_UNPACKED = 128 * 1024 * 1024
ENDINGS = (".zip", ".tar.gz", ".tgz")


class Unreadable(Exception):
    """What calls itself a bundle is none, or one that grows too large."""


@dataclass(frozen=True)
class Entry:
    """A file in a bundle."""

    name: str
    size_bytes: int


def is_bundle(name: str) -> bool:
    return name.lower().endswith(ENDINGS)


def entries(name: str, content: bytes) -> tuple[Entry, ...]:
    """The files of a bundle, as many as are listed."""
    try:
        if name.lower().endswith(".zip"):
            with zipfile.ZipFile(BytesIO(content)) as archive:
                found = [Entry(one.filename, one.file_size) for one in archive.infolist() if not one.is_dir()]
        else:
            with _tar(content) as bundle:
                found = [Entry(one.name, one.size) for one in bundle if one.isfile()]
    except _FAULTS as fault:
        raise Unreadable from fault
    return tuple(found[:MOST_ENTRIES])


def read_entry(name: str, content: bytes, wanted: str, most_bytes: int) -> bytes | None:
    """The first bytes of one file of a bundle; None when it has no such file."""
    try:
        if name.lower().endswith(".zip"):
            with zipfile.ZipFile(BytesIO(content)) as archive:
                if wanted not in archive.namelist():
                    return None
                with archive.open(wanted) as file:
                    return file.read(most_bytes)
        with _tar(content) as bundle:
            for one in bundle:
                if one.name == wanted and one.isfile():
                    return cast("IO[bytes]", bundle.extractfile(one)).read(most_bytes)
    except _FAULTS as fault:
        raise Unreadable from fault
    return None


_FAULTS = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError,
)  # fmt: skip


def _tar(content: bytes) -> tarfile.TarFile:
    unpacked = cast("IO[bytes]", _Bounded(gzip.GzipFile(fileobj=BytesIO(content))))
    return tarfile.open(fileobj=unpacked, mode="r|")


class _Bounded(RawIOBase):
    """Reads no more than a bundle may hold: a few kilobytes can unpack to more than any disk."""

    def __init__(self, inner: gzip.GzipFile) -> None:
        self._inner, self._left = inner, MOST_UNPACKED

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        found = self._inner.read(min(size, 1 << 20) if size >= 0 else 1 << 20)
        self._left -= len(found)
        if self._left < 0:
            raise ValueError("the bundle unpacks to too much")
        return found
