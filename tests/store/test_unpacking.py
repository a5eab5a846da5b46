"""Archives that strangers send: plain files at safe paths, within limits, or a refusal that says why."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from control_plane.registry.unpacking import Room, unpack
from store_client.errors import BadRequest

SMALL = Room(total_bytes=5_000, file_bytes=3_000, files=3)


def tar(*entries: tuple[str, bytes], change: Callable[[tarfile.TarInfo], object] = lambda _entry: None) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, content in entries:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            change(entry)
            archive.addfile(entry, io.BytesIO(content))
    return made.getvalue()


def zipped(*entries: tuple[str, bytes], mode: int = 0o644) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return made.getvalue()


def link(entry: tarfile.TarInfo) -> None:
    entry.type, entry.linkname, entry.size = tarfile.SYMTYPE, "/etc/passwd", 0


def locked(content: bytes) -> bytes:
    """The same zip, said to be locked by a password."""
    made = bytearray(content)
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        made[made.index(mark) + place] |= 1
    return bytes(made)


def test_files_arrive_whole_with_their_folders_and_whether_they_run(tmp_path: Path) -> None:
    entries = (("a/run.sh", b"#!"), ("b.txt", b"b" * 600_000), (".git/config", b"x"), ("__MACOSX/b", b"x"))
    plain = tar(*entries, change=lambda entry: setattr(entry, "mode", 0o755))
    for number, archive in enumerate((plain, gzip.compress(plain), zipped(*entries, mode=0o755))):
        target = tmp_path / str(number)
        target.mkdir()
        unpack(io.BytesIO(archive), target)
        assert sorted(str(path.relative_to(target)) for path in target.rglob("*")) == ["a", "a/run.sh", "b.txt"]
        assert (target / "b.txt").read_bytes() == b"b" * 600_000
        assert (target / "a" / "run.sh").stat().st_mode & 0o777 == 0o755


def test_whatever_else_is_sent_is_refused_and_says_why(tmp_path: Path) -> None:
    outside = [f"{way}etc/passwd" for way in ("/", "../", "a/../../", "C:/", "..\\", "a\x00/", "\u202e/")]
    large = tar(("a", b"x"), change=lambda entry: setattr(entry, "name", "n" * 100_000))
    refused = [
        *((tar((name, b"x")), "is no path of a file") for name in outside if "\x00" not in name),
        *(
            (zipped((name, b"x")), "is no path of a file")
            for name in outside
            if "\\" not in name and "\x00" not in name
        ),
        (tar(("a", b""), change=link), "is a link or a device"),
        (zipped(("a", b"/etc/passwd"), mode=0o120777), "is a link or a device"),
        (tar(("a", b"x"), ("a", b"y")), "twice"),
        (tar(("a", b"x"), ("a/b", b"y")), "twice, or as a file and a folder"),
        (tar(("n" * 250, b"x")), "too long a name"),
        (tar(("/".join("a" * 50), b"x")), "is no path of a file"),
        (large, "a name of more than 64 KiB"),
        (tar(("a", b"x" * 3_001)), "'a' has more than 3,000 bytes"),
        (tar(*((str(number), b"x" * 2_000) for number in range(3))), "more than 5,000 bytes"),
        (gzip.compress(tar(("a", b"\x00" * 2_000_000))), "more than 5,000 bytes"),
        (zipped(("a", b"\x00" * 2_000_000)), "'a' has more than 3,000 bytes"),
        (tar(*((str(number), b"") for number in range(4))), "more than 3 files"),
        (locked(zipped(("a", b"x"))), "locked by a password"),
        (b"", "damaged"),
        (b"not an archive at all" * 40, "damaged"),
        (b"PK\x03\x04 but no more", "damaged"),
        (gzip.compress(tar(("a", b"x" * 2_000)))[:-40], "damaged"),
        (tar(("a", b"x" * 2_000))[:900], "damaged"),
    ]
    for number, (archive, why) in enumerate(refused):
        target = tmp_path / str(number)
        target.mkdir()
        with pytest.raises(BadRequest, match=why):
            unpack(io.BytesIO(archive), target, SMALL)
        assert not (tmp_path.parent / "etc").exists()
