"""Logs by byte offset: every text arrives once and whole, however it is cut."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control_plane.scheduler import logs
from control_plane.scheduler.logs import LogFile, whole_characters
from store_client.wire.jobs import LogSlice

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=60)


def read_all(path: Path, limit: int) -> str:
    """A whole log, in slices."""
    offset, text = 0, ""
    while True:
        found = logs.read(LogFile(path, 1, is_complete=True), offset, limit)
        assert found.offset == offset
        text, offset = text + found.text, found.next_offset
        if found.is_complete:
            assert offset == path.stat().st_size
            return text
        assert found.text, "a reader that gets nothing must not be told to come again at once"


@settings(deadline=None)
@given(text=TEXTS, limit=st.integers(1, 9))
def test_slices_of_any_size_make_up_the_whole_text(
    tmp_path_factory: pytest.TempPathFactory, text: str, limit: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "log"
    path.write_bytes(text.encode())
    assert read_all(path, limit) == text


@settings(deadline=None)
@given(text=TEXTS, cuts=st.lists(st.integers(0, 240), max_size=5))
def test_a_log_that_grows_by_any_bytes_is_followed_without_a_broken_character(
    tmp_path_factory: pytest.TempPathFactory, text: str, cuts: list[int]
) -> None:
    path = tmp_path_factory.getbasetemp() / "growing"
    data, offset, seen = text.encode(), 0, ""
    for cut in [*sorted(cuts), len(data)]:
        path.write_bytes(data[:cut])
        found = logs.read(LogFile(path, 1, is_complete=False), offset, 1000)
        assert not found.is_complete
        offset, seen = found.next_offset, seen + found.text
        assert text.startswith(seen)
    assert seen == text


@settings(deadline=None)
@given(TEXTS)
def test_what_is_cut_off_is_at_most_one_character(text: str) -> None:
    data = text.encode()
    for end in range(len(data) + 1):
        whole = whole_characters(data[:end])
        assert whole.decode() == data[:end].decode(errors="ignore")


@settings(deadline=None)
@given(st.binary(max_size=40), st.integers(1, 9))
def test_bytes_that_are_no_text_are_passed_over_and_never_stop_a_reader(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, limit: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "binary"
    path.write_bytes(data)
    read_all(path, limit)


def test_no_log_yet_is_an_empty_one(tmp_path: Path) -> None:
    missing = tmp_path / "log"
    assert logs.size(missing) == 0
    assert logs.read(LogFile(missing, 2, is_complete=False), 0, 10) == LogSlice(
        text="", offset=0, next_offset=0, is_complete=False, attempt=2
    )
    assert logs.read(LogFile(missing, 2, is_complete=True), 0, 10).is_complete


def test_an_offset_beyond_the_end_of_a_complete_log_ends_its_reader(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("short")
    assert logs.read(LogFile(path, 1, is_complete=True), 500, 10).is_complete
    assert not logs.read(LogFile(path, 1, is_complete=False), 500, 10).is_complete


async def test_a_follower_gets_new_text_as_soon_as_there_is_some(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.touch()

    def look() -> LogSlice:
        return logs.read(LogFile(path, 1, is_complete=False), 0, 100)

    following = asyncio.create_task(logs.follow(look, 30, lambda: False))
    await asyncio.sleep(0)
    path.write_text("hello")
    async with asyncio.timeout(60):
        assert (await following).text == "hello"


async def test_a_follower_is_answered_when_the_log_ends_the_time_is_over_or_the_server_stops(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.touch()

    def look(*, is_complete: bool = False) -> LogSlice:
        return logs.read(LogFile(path, 1, is_complete=is_complete), 0, 100)

    async with asyncio.timeout(60):
        assert (await logs.follow(lambda: look(is_complete=True), 30, lambda: False)).is_complete
        assert (await logs.follow(look, 0.05, lambda: False)).text == ""
        assert (await logs.follow(look, 30, lambda: True)).text == ""
