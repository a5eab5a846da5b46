"""A disk without room: what an attempt says waits for some, and what could not wait is counted."""

import errno
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from control_plane.scheduler.shim import output, records
from control_plane.scheduler.shim.output import Output


@contextmanager
def room(most_bytes: int) -> Iterator[None]:
    """No file may grow beyond this; the kernel then refuses as it does on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_log_waits_for_room_and_has_everything_then(tmp_path: Path) -> None:
    log = Output(tmp_path / "log", 1000, tail_bytes=100)
    with room(5):
        log.write(b"one\ntwo\n")
        log.write(b"three\n")
    assert (tmp_path / "log").read_bytes() == b"one\nt"
    log.write(b"four\n")
    assert (tmp_path / "log").read_bytes() == b"one\ntwo\nthree\nfour\n"
    with room(18):
        log.write(b"five\n")
    log.close()
    assert (tmp_path / "log").read_bytes() == b"one\ntwo\nthree\nfour\nfive\n"


def test_what_memory_has_no_room_for_either_is_counted_where_it_is_missing(tmp_path: Path) -> None:
    log = Output(tmp_path / "log", 8 * output.LATE_BYTES, tail_bytes=0)
    with room(2):
        log.write(b"a" * output.LATE_BYTES)
        log.write(b"bcd")
        log.write(b"efg")
    log.write(b"late\n")
    log.close()
    written = (tmp_path / "log").read_bytes()
    said = b"\n[switchyard: 4 bytes lost here: the disk was full]\n"
    assert written == b"a" * output.LATE_BYTES + b"bc" + said + b"late\n"


def refusing(times: int, number: int) -> Callable[[int], None]:
    """An fsync that fails so often."""
    left, fsync = [number] * times, os.fsync

    def fails(descriptor: int) -> None:
        if left:
            raise OSError(left.pop(), "no room")
        fsync(descriptor)

    return fails


def test_the_last_word_on_an_attempt_waits_for_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", refusing(3, errno.ENOSPC))
    records.insist_on_json(tmp_path / "exit.json", {"cause": "exited"}, [0.0] * 5)
    assert records.read_json(tmp_path / "exit.json") == {"cause": "exited"}


def test_another_fault_than_a_full_disk_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", refusing(1, errno.EIO))
    with pytest.raises(OSError, match="no room"):
        records.insist_on_json(tmp_path / "exit.json", {}, [0.0] * 5)
