"""Git's files of refs, read from one name on: a page of many branches costs what is on it, however many there are.

A packed ref is a line of one sorted file, which git replaces and never changes, so that an open one stays as it is; a
loose ref is a file of its own, and overrides a packed one. Git writes the packed file before it takes away loose ones
that went into it, and takes a deleted ref out of it first. So loose ones are read before packed ones, as git does:
none is missed that is there all the while, and none comes back.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from heapq import merge
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import IO

from control_plane.repos import names

HEADER = b"# pack-refs with:"
LOOSE_BYTES = 512
OBJECT = rb"[0-9a-f]{40}(?:[0-9a-f]{24})?"
_PACKED = re.compile(rb"(%b) ([^\n]+)\n" % OBJECT)
_LOOSE = re.compile(rb"(?!0+\b)(%b)(?:\s|$)" % OBJECT)
_PLAIN = re.compile(rb"(?:[\w-]+/)+[\w-]+")
"""A name that needs no closer look."""
_NAME = itemgetter(0)

Ref = tuple[bytes, bytes]
"""A full name, and the id of what it points at; empty where a file says nothing of the kind, which hides the name."""


class OtherLayout(Exception):
    """These refs lie otherwise than is read here: only git can tell."""


def following(repository: Path, root: str, last: str, most: int) -> list[tuple[str, str]]:
    """At most so many refs below a root, which ends in a slash, after a full name: by name, with their ids.

    Names that are no text are left out, because nobody can ask for one.
    """
    if (repository / "reftable").exists():
        raise OtherLayout
    below, after = root.encode(), last.encode(errors="surrogatepass")
    loose = list(_head(_loose(os.fsencode(repository), below, after), most))
    with _opened(repository / "packed-refs") as file:
        packed = _packed(file, below, after) if file else iter(())
        by_name = groupby(merge(loose, packed, key=_NAME), key=_NAME)  # of one name, the loose one is first
        return list(islice((text(one) for one in (next(same) for _, same in by_name) if is_shown(one)), most))


def is_crowded(repository: Path, many: int) -> bool:
    """Whether so many refs of a repository are loose."""
    refs = (one for _, _, files in os.walk(repository / "refs") for one in files if not one.startswith("."))
    return next(islice(refs, many - 1, None), None) is not None


def is_shown(ref: Ref) -> bool:
    """Whether git lists it, and its name is text."""
    name, sha = ref
    try:
        return bool(sha) and (_PLAIN.fullmatch(name) is not None or names.is_well_formed(name.decode()))
    except UnicodeDecodeError:
        return False


def text(ref: Ref) -> tuple[str, str]:
    return ref[0].decode(), ref[1].decode()


def _head(refs: Iterator[Ref], most: int) -> Iterator[Ref]:
    """The first refs, until so many are shown."""
    for ref in refs:
        yield ref
        most -= is_shown(ref)
        if most <= 0:
            return


def _loose(repository: bytes, folder: bytes, after: bytes) -> Iterator[Ref]:
    """The loose refs of a folder, which ends in a slash, after a name."""
    for name in sorted(_entries(repository, folder, after)):
        if name.endswith(b"/"):
            yield from _loose(repository, name, after)
        elif (sha := _pointed_at(os.path.join(repository, name))) is not None:  # noqa: PTH118 - names are bytes
            yield name, sha


def _entries(repository: bytes, folder: bytes, after: bytes) -> Iterator[bytes]:
    """What lies in a folder and is after a name or may hold what is; folders end in a slash, as git sorts them."""
    try:
        with os.scandir(os.path.join(repository, folder)) as entries:  # noqa: PTH118 - names are bytes
            for entry in entries:
                if entry.name.startswith(b".") or entry.name.endswith(b".lock"):
                    continue
                if entry.is_symlink():
                    raise OtherLayout
                is_folder = entry.is_dir()
                name = folder + entry.name + b"/" * is_folder
                if name > after or (is_folder and after.startswith(name)):
                    yield name
    except (FileNotFoundError, NotADirectoryError):
        return  # its refs were packed meanwhile, or there never were any
    except OSError as error:
        raise OtherLayout from error


def _pointed_at(path: bytes) -> bytes | None:
    """What a loose ref points at; None where it went away, into the packed ones or for good."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            data = os.read(descriptor, LOOSE_BYTES)
        finally:
            os.close(descriptor)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except OSError as error:
        raise OtherLayout from error
    if data.startswith(b"ref:"):
        raise OtherLayout
    found = _LOOSE.match(data.lower())
    return found[1] if found else b""


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes] | None]:
    try:
        file = path.open("rb")
    except FileNotFoundError:
        yield None
        return
    except OSError as error:
        raise OtherLayout from error
    with file:
        yield file


def _packed(file: IO[bytes], below: bytes, after: bytes) -> Iterator[Ref]:
    """The packed refs below a root and after a name."""
    header = file.readline()
    if header and (not header.startswith(HEADER) or b"sorted" not in header.split()):
        raise OtherLayout
    size = os.fstat(file.fileno()).st_size
    file.seek(_place(file, (len(header), size), max(below, after)))
    while (ref := _record(file)) is not None and ref[0].startswith(below):
        if ref[0] > after:
            yield ref


def _place(file: IO[bytes], span: tuple[int, int], name: bytes) -> int:
    """Where the first packed ref is that is not before a name, found by halving the lines of a stretch of the file."""
    low, high = span  # what begins before the one is before the name, and what begins after the other is not
    while low < high:
        middle = (low + high) // 2
        file.seek(middle - 1)
        file.readline()
        found = _record(file)
        if found is not None and found[0] < name:
            low = file.tell()
        else:
            high = middle
    return low


def _record(file: IO[bytes]) -> Ref | None:
    """The next packed ref; None at the end. A line between says of a tag what it tags."""
    line = file.readline()
    while line.startswith(b"^"):
        line = file.readline()
    if not line:
        return None
    found = _PACKED.fullmatch(line)
    if found is None:
        raise OtherLayout
    return found[2], found[1]
