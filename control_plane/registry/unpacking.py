"""Archives of files that somebody sends, unpacked: plain files at safe paths, within limits, whatever they claim."""

import gzip
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryFile
from typing import IO

from control_plane.edge.disk import FULL
from store_client.errors import BadRequest

CHUNK_BYTES = 256 * 1024
HEADER_BYTES = 64 * 1024
"""The most that a name or another remark of a tar file may take: it is read whole."""
BLOCK = 512
REMARKS = b"xgLK"
LEFT_OUT = frozenset({".git", "__MACOSX"})
"""Folders that come along with files and are none of them."""
DEEPEST, LONGEST = 40, 200
BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError)


@dataclass(frozen=True)
class Room:
    """How much may come out of an archive."""

    total_bytes: int = 512 << 20
    file_bytes: int = 50 << 20
    files: int = 20_000


@dataclass
class Writing:
    """Files on their way to a folder, and how much room is left."""

    target: Path
    room: Room
    _bytes: int = 0
    _files: int = 0

    def write(self, name: str, content: IO[bytes], *, is_executable: bool) -> None:
        """Write one file; BadRequest for one that does not belong here or has no room."""
        path = safe(name)
        if path is None:
            return
        self._files += 1
        if self._files > self.room.files:
            raise BadRequest(f"the archive holds more than {self.room.files:,} files")
        place = self.target / path
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("xb") as file:
                self._copy(name, content, file)
        except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            raise BadRequest(f"the archive holds {name[:100]!r} twice, or as a file and a folder") from error
        place.chmod(0o755 if is_executable else 0o644)

    def _copy(self, name: str, content: IO[bytes], file: IO[bytes]) -> None:
        size = 0
        while chunk := content.read(CHUNK_BYTES):
            size += len(chunk)
            self._bytes += len(chunk)
            if size > self.room.file_bytes:
                raise BadRequest(f"{name[:100]!r} has more than {self.room.file_bytes:,} bytes")
            if self._bytes > self.room.total_bytes:
                raise BadRequest(f"the archive holds more than {self.room.total_bytes:,} bytes")
            file.write(chunk)


def safe(name: str) -> PurePosixPath | None:
    """The path of a file below the folder, None for one that is left out; BadRequest for any other path."""
    path = PurePosixPath(name)
    is_odd = not name.isprintable() or "\\" in name or ":" in path.parts[0] if path.parts else True
    if is_odd or path.is_absolute() or ".." in path.parts or len(path.parts) > DEEPEST:
        raise BadRequest(f"{name[:100]!r} is no path of a file below a folder")
    if any(len(part.encode(errors="replace")) > LONGEST for part in path.parts):
        raise BadRequest(f"{name[:100]!r} has too long a name")
    return None if LEFT_OUT.intersection(path.parts) else path


def unpack(archive: IO[bytes], target: Path, room: Room | None = None) -> None:
    """Unpack a .tar, .tar.gz or .zip into a folder that is there; BadRequest says what is wrong with it."""
    writing = Writing(target, room or Room())
    try:
        _reader(archive)(archive, writing)
    except BROKEN as error:
        raise BadRequest("the archive is damaged, or neither a .tar, a .tar.gz nor a .zip") from error
    except RuntimeError as error:  # what zipfile says of what is locked
        raise BadRequest("the archive is locked by a password") from error
    except OSError as error:
        if error.errno in FULL:
            raise  # no fault of the archive
        raise BadRequest(f"the archive cannot be unpacked: {error.strerror or 'it is damaged'}") from error


def _reader(archive: IO[bytes]) -> Callable[[IO[bytes], Writing], None]:
    archive.seek(0)
    start = archive.read(4)
    archive.seek(0)
    if start[:2] == b"PK":
        return _unzip
    return _unpack_gzip if start[:2] == b"\x1f\x8b" else _untar


def _unpack_gzip(archive: IO[bytes], writing: Writing) -> None:
    """Made plain first, no further than there is room, so that nothing small unfolds into something huge."""
    most = writing.room.total_bytes + writing.room.files * 3 * BLOCK
    with TemporaryFile() as plain, gzip.GzipFile(fileobj=archive) as packed:
        while chunk := packed.read(CHUNK_BYTES):
            if plain.tell() + len(chunk) > most:
                raise BadRequest(f"the archive holds more than {writing.room.total_bytes:,} bytes")
            plain.write(chunk)
        plain.seek(0)
        _untar(plain, writing)


def _untar(archive: IO[bytes], writing: Writing) -> None:
    _must_remark_little(archive)
    archive.seek(0)
    with tarfile.open(fileobj=archive, mode="r:") as tar:
        for member in tar:
            tar.members = []  # type: ignore[attr-defined] # tarfile remembers every member otherwise
            if member.isdir():
                continue
            if not member.isreg():
                raise BadRequest(f"{member.name[:100]!r} is a link or a device; send plain files")
            content = tar.extractfile(member)
            assert content is not None  # noqa: S101 - it is a file
            writing.write(member.name, content, is_executable=bool(member.mode & 0o111))


def _must_remark_little(archive: IO[bytes]) -> None:
    """Refuse long names and other remarks that would fill the memory: tarfile reads each of them whole."""
    for kind, size in _headers(archive):
        if kind in REMARKS and size > HEADER_BYTES:
            raise BadRequest("the archive is damaged: it has a name of more than 64 KiB")


def _headers(archive: IO[bytes]) -> Iterator[tuple[bytes, int]]:
    archive.seek(0)
    while len(block := archive.read(BLOCK)) == BLOCK and block.strip(b"\0"):
        size = tarfile.nti(block[124:136])  # type: ignore[attr-defined] # what reads its numbers; not in its stubs
        if size < 0:
            raise tarfile.ReadError("a negative size")
        yield block[156:157], size
        archive.seek(-(-size // BLOCK) * BLOCK, 1)


def _unzip(archive: IO[bytes], writing: Writing) -> None:
    with zipfile.ZipFile(archive) as packed:
        for member in packed.infolist():
            mode = member.external_attr >> 16
            if member.is_dir():
                continue
            if stat.S_IFMT(mode) not in {0, stat.S_IFREG}:
                raise BadRequest(f"{member.filename[:100]!r} is a link or a device; send plain files")
            with packed.open(member) as content:
                writing.write(member.filename, content, is_executable=bool(mode & 0o111))
