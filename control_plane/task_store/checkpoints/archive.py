"""Tar archives of unknown make: what is in them and where, without unpacking anything."""

import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import IO

from store_client.errors import CheckpointInvalid

BLOCK = tarfile.BLOCKSIZE
MAX_HEADER_BYTES = 1024 * 1024
MAX_MEMBERS = 100_000
MAX_NOTES = 64 * 1024 * 1024
NOTE = "SWITCHYARD.artifacts"
"""The pax record that says what a deployment of ours knows of a file; other readers pass over it."""
READ = ("path", "size", NOTE)
LONG_NAME = tarfile.GNUTYPE_LONGNAME
FILES = (tarfile.REGTYPE, tarfile.AREGTYPE)
CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Member:
    """One file: its path below the archive's folder and where its bytes are."""

    path: str
    offset: int
    size_bytes: int
    note: str | None


@dataclass
class _Announced:
    """What extended headers say about the member after them, and about all after that."""

    name: str | None = None
    local: dict[str, str] = field(default_factory=dict)
    for_all: dict[str, str] = field(default_factory=dict)

    @property
    def headers(self) -> dict[str, str]:
        return {**self.for_all, **self.local}

    def forget(self) -> None:
        self.name, self.local = None, {}


class Archive:
    """The files of an archive in a seekable file."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.members: dict[str, Member] = {}
        self._top: str | None = None
        self._notes = 0
        for name, member in _walk(file):
            self._take(name, member)
        if not self.members:
            raise CheckpointInvalid("the body is no tar archive with files in it")

    def open(self, path: str) -> IO[bytes]:
        """A member's bytes, as a file of their own."""
        return io.BufferedReader(_Window(self.file, self._member(path)), CHUNK_BYTES // 16)

    def size_of(self, path: str) -> int:
        return self._member(path).size_bytes

    def _member(self, path: str) -> Member:
        member = self.members.get(path)
        if member is None:
            raise CheckpointInvalid(f"{path[:200]} is missing")
        return member

    def below(self, folder: str) -> Iterator[Member]:
        """The files of a folder."""
        prefix = folder.rstrip("/") + "/"
        return (member for path, member in self.members.items() if path.startswith(prefix))

    def _take(self, name: str, member: Member) -> None:
        top, _, rest = name.partition("/")
        if self._top not in {None, top}:
            raise CheckpointInvalid(f"{name[:200]!a} lies outside the archive's one folder {self._top!a}")
        self._top = top
        if not rest:
            raise CheckpointInvalid(f"{name[:200]!a} lies outside a folder")
        if rest in self.members:
            raise CheckpointInvalid(f"{rest[:200]!a} is there twice")
        self._notes += len(member.note or "") + len(name)
        if len(self.members) >= MAX_MEMBERS or self._notes > MAX_NOTES:
            raise CheckpointInvalid(f"an archive has at most {MAX_MEMBERS} files with short names")
        self.members[rest] = replace(member, path=rest)


class _Window(io.RawIOBase):
    """Some bytes of a file, as a file."""

    def __init__(self, file: IO[bytes], member: Member) -> None:
        self._file, self._offset, self._left = file, member.offset, member.size_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview[int] | bytearray") -> int:  # type: ignore[override] # what BufferedReader gives
        self._file.seek(self._offset)
        data = self._file.read(min(len(buffer), self._left))
        buffer[: len(data)] = data
        self._offset += len(data)
        self._left -= len(data)
        return len(data)


def _walk(file: IO[bytes]) -> Iterator[tuple[str, Member]]:
    """Every regular file with its name; CheckpointInvalid for anything that is neither file nor folder."""
    end, position, announced = file.seek(0, io.SEEK_END), 0, _Announced()
    while (info := _header(file, position, end)) is not None:
        start, size = position + BLOCK, info.size
        if size < 0 or start + size > end:
            raise CheckpointInvalid("the archive ends in the middle of a file")
        if info.type in {tarfile.XHDTYPE, tarfile.XGLTYPE, LONG_NAME}:
            _announce(announced, info, _read(file, start, size))
        else:
            size = _size(info, announced, end - start)
            if info.type in FILES:
                name = _name(info, announced)
                yield name, Member(name, start, size, announced.headers.get(NOTE))
            elif info.type != tarfile.DIRTYPE:
                raise CheckpointInvalid(f"{info.name[:200]!a} is neither a file nor a folder")
            announced.forget()
        position = start + -(-size // BLOCK) * BLOCK


def _header(file: IO[bytes], position: int, end: int) -> tarfile.TarInfo | None:
    """The header at a position; None at the end of the archive."""
    if position >= end:
        return None
    block = _read(file, position, BLOCK)
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError as error:
        is_end = isinstance(error, tarfile.EOFHeaderError) or block == bytes(BLOCK)  # type: ignore[attr-defined] # it has one
        if is_end:
            return None
        raise CheckpointInvalid("the body is no tar archive, or a broken one") from error
    except ValueError as error:
        raise CheckpointInvalid("the archive has a header that cannot be read") from error


def _read(file: IO[bytes], position: int, size: int) -> bytes:
    if size > MAX_HEADER_BYTES:
        raise CheckpointInvalid(f"a header of the archive is larger than {MAX_HEADER_BYTES} bytes")
    file.seek(position)
    return file.read(size)


def _announce(announced: _Announced, info: tarfile.TarInfo, data: bytes) -> None:
    if info.type == LONG_NAME:
        announced.name = _text(data.rstrip(b"\0"))
    else:
        (announced.for_all if info.type == tarfile.XGLTYPE else announced.local).update(_records(data))


def _records(data: bytes) -> Iterator[tuple[str, str]]:
    """The records of a pax header that are of use here: a length, a key and a value each."""
    start = 0
    while start < len(data):
        digits = data[start : data.find(b" ", start, start + 9) + 1][:-1]
        end = start + int(digits) if digits.isdigit() else start
        key, equals, value = data[start + len(digits) + 1 : end - 1].partition(b"=")
        if not equals or data[end - 1 : end] != b"\n":
            raise CheckpointInvalid("the archive has a malformed pax header")
        if key.startswith(b"GNU.sparse"):
            raise CheckpointInvalid("the archive has a sparse file")
        if (name := key.decode("latin-1")) in READ:
            yield name, _text(value)
        start = end


def _size(info: tarfile.TarInfo, announced: _Announced, left: int) -> int:
    size = announced.headers.get("size", str(info.size))
    if not (size.isascii() and size.isdecimal()) or len(size) > 18 or int(size) > left:
        raise CheckpointInvalid("the archive ends in the middle of a file")
    return int(size)


def _name(info: tarfile.TarInfo, announced: _Announced) -> str:
    """The member's path, once it is one that leads nowhere but into the archive."""
    name = (announced.headers.get("path") or announced.name or info.name).removeprefix("./")
    _text(name.encode("utf-8", "surrogateescape"))
    if name.startswith("/") or any(part in {"", ".", ".."} for part in name.split("/")) or "\0" in name:
        raise CheckpointInvalid(f"{name[:200]!a} is no path inside the archive")
    return name


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CheckpointInvalid("the archive has a name that is not UTF-8") from error
