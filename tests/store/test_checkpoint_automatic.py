"""Automatic checkpoints: after each interval, a few kept, one for good at the end, and none at once after a restart."""

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from control_plane.task_store.checkpoints.automatic import Automatic
from control_plane.task_store.checkpoints.ring import Ring
from tests.store.task_house import CONFIG, TaskHouse
from tests.store.vault import Vault, complete, rows_of, unpack

DAY = 24 * 3600.0
HOUR = 3600.0


class Clock:
    """A clock that a test turns; it begins in the middle of an age."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def automatic(here: Vault, clock: Clock) -> Iterator[Automatic]:
    made = Automatic(here.house, here.checkpoints.dump, here.checkpoints.ring, clock)
    yield made
    made.stop()


def wish(store: TaskHouse, **wanted: Any) -> None:
    complete(store)
    store.set(config={**CONFIG, "auto_checkpoint": {"enabled": True, **wanted}})


def kept(here: Vault, store: TaskHouse) -> list[str]:
    return [file.name for file in here.checkpoints.ring.of(store.experiment_id)]


def test_nobody_who_did_not_ask_gets_any(
    sqlite_store: TaskHouse, here: Vault, automatic: Automatic, clock: Clock
) -> None:
    complete(sqlite_store)
    for _ in range(3):
        assert automatic.round() == 0
        clock.now += DAY
    sqlite_store.set(config={**CONFIG, "auto_checkpoint": {"interval_seconds": 1}})
    assert automatic.round() == 0
    assert kept(here, sqlite_store) == []


def test_the_first_comes_after_one_interval_and_the_newest_few_stay(
    sqlite_store: TaskHouse, here: Vault, automatic: Automatic, clock: Clock
) -> None:
    wish(sqlite_store, interval_seconds=600, retention_count=2)
    assert automatic.round() == 0
    clock.now += 599
    assert automatic.round() == 0
    clock.now += 1
    assert automatic.round() == 1
    assert automatic.round() == 0
    first = kept(here, sqlite_store)
    sqlite_store.idea()
    for _ in range(3):
        clock.now += 600
        assert automatic.round() == 1
    assert len(kept(here, sqlite_store)) == 2
    assert not set(first) & set(kept(here, sqlite_store))
    path = here.checkpoints.ring.path(sqlite_store.experiment_id, kept(here, sqlite_store)[0])
    assert path is not None
    assert len(rows_of(unpack(path.read_bytes()), "ideas")) == 1
    assert here.load(path.read_bytes()).experiment_id != sqlite_store.experiment_id


def test_without_more_words_it_is_hourly_and_six_are_kept(
    sqlite_store: TaskHouse, here: Vault, automatic: Automatic, clock: Clock
) -> None:
    wish(sqlite_store)
    automatic.round()
    for _ in range(8):
        clock.now += HOUR - 1
        assert automatic.round() == 0
        clock.now += 1
        assert automatic.round() == 1
    assert len(kept(here, sqlite_store)) == 6


def test_a_restart_does_not_begin_with_a_checkpoint(
    sqlite_store: TaskHouse, here: Vault, automatic: Automatic, clock: Clock
) -> None:
    wish(sqlite_store, interval_seconds=600)
    automatic.round()
    clock.now += 600
    assert automatic.round() == 1
    clock.now += 300
    again = Automatic(here.house, here.checkpoints.dump, Ring(here.data / "checkpoints"), clock)
    assert again.round() == 0
    clock.now += 300
    assert again.round() == 1


def test_the_end_is_kept_for_good_and_once(
    sqlite_store: TaskHouse, here: Vault, automatic: Automatic, clock: Clock
) -> None:
    wish(sqlite_store, interval_seconds=600, retention_count=1)
    for _ in range(3):
        automatic.round()
        clock.now += 600
    sqlite_store.set(status="completed")
    assert automatic.round() == 1
    for _ in range(3):
        clock.now += DAY
        assert automatic.round() == 0
    files = here.checkpoints.ring.of(sqlite_store.experiment_id)
    assert [file.is_final for file in files] == [True, False]
    here.checkpoints.ring.trim(sqlite_store.experiment_id, 1)
    assert len(kept(here, sqlite_store)) == 2


def test_who_wants_none_at_the_end_gets_none(
    sqlite_store: TaskHouse, here: Vault, automatic: Automatic, clock: Clock
) -> None:
    wish(sqlite_store, on_terminate=False, interval_seconds=600)
    automatic.round()
    sqlite_store.set(status="completed")
    clock.now += DAY
    assert automatic.round() == 0


def test_of_two_processes_only_one_writes(
    sqlite_store: TaskHouse, here: Vault, automatic: Automatic, clock: Clock
) -> None:
    wish(sqlite_store, interval_seconds=600)
    other = Automatic(here.house, here.checkpoints.dump, Ring(here.data / "checkpoints"), clock)
    automatic.round()
    clock.now += 600
    with automatic._alone() as is_alone:
        assert is_alone
        assert other.round() == 0
    assert other.round() == 1
    assert automatic.round() == 0


def test_a_checkpoint_that_breaks_off_has_no_name(here: Vault, tmp_path: Path) -> None:
    ring = Ring(tmp_path / "ring")

    def fill(file: IO[bytes]) -> None:
        file.write(b"half")
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        ring.keep("exp", fill, 1_800_000_000.0, is_final=True)
    assert ring.of("exp") == []
    assert not ring.has_ended("exp")
    assert [path.name for path in (tmp_path / "ring" / "exp").iterdir()] == []


def test_deleting_one_does_not_bring_the_next_forward(
    sqlite_store: TaskHouse, here: Vault, automatic: Automatic, clock: Clock
) -> None:
    wish(sqlite_store, interval_seconds=600, retention_count=2)
    automatic.round()
    clock.now += 600
    assert automatic.round() == 1
    name = kept(here, sqlite_store)[0]
    assert here.checkpoints.ring.delete(sqlite_store.experiment_id, name)
    assert not here.checkpoints.ring.delete(sqlite_store.experiment_id, name)
    clock.now += 599
    assert automatic.round() == 0
    clock.now += 1
    assert automatic.round() == 1
