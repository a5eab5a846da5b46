"""Commits of other processes: heard of at once over PostgreSQL's line, and within a second without it."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from control_plane.db import log
from control_plane.db.engine import Database
from control_plane.db.identities import Keys
from control_plane.db.line import CHANNEL, MAX_BYTES, Line
from control_plane.db.tables import DEPLOYMENT
from control_plane.db.transaction import Tx
from control_plane.edge.house import House
from control_plane.edge.notices import Notices
from control_plane.edge.waiting import read_until

PATIENCE_SECONDS = 60
LINES = "FROM pg_stat_activity WHERE datname = current_database() AND query ~ '^(LISTEN|SELECT pg_notify)'"
NEVER = 10_000.0  # seconds between looks at the log, where only the line may tell


def tip(tx: Tx) -> int:
    return log.tip(tx.connection)


def tell_of(*experiments: str) -> Callable[[Tx], None]:
    def tell(tx: Tx) -> None:
        for experiment in experiments:
            tx.at(experiment).tell("job.queued")

    return tell


class Process:
    """A house as one process of a deployment has it, and what its listeners hear."""

    def __init__(self, url: str, look_seconds: float) -> None:
        self.house = House(Database.open(url), Keys("admin-token", b"pepper"))
        self.notices = Notices(self.house, look_seconds)
        self.heard: list[frozenset[str]] = []
        self.has_heard = threading.Event()
        self.house.hub.listen(self._hear)
        self.notices.start()

    def _hear(self, experiments: frozenset[str]) -> None:
        self.heard.append(experiments)
        self.has_heard.set()

    def hears(self, *experiments: str) -> bool:
        """Whether a commit in all of these experiments is heard of, in one word."""
        wanted, deadline = frozenset(experiments), time.monotonic() + PATIENCE_SECONDS
        while wanted not in self.heard and self.has_heard.wait(max(0.0, deadline - time.monotonic())):
            self.has_heard.clear()
        return wanted in self.heard

    def close(self) -> None:
        self.notices.stop()
        self.house.close()


@contextmanager
def processes(url: str, look_seconds: float, count: int = 2) -> Iterator[list[Process]]:
    opened = [Process(url, look_seconds) for _ in range(count)]
    try:
        yield opened
    finally:
        for process in opened:
            process.close()


def until(is_so: Callable[[], bool], what: str) -> None:
    """Wait for what another session does."""
    deadline, pause = time.monotonic() + PATIENCE_SECONDS, threading.Event()
    while not is_so():
        assert time.monotonic() < deadline, what
        pause.wait(0.01)


def until_listening(process: Process, sessions: int) -> None:
    """Wait until so many sessions of the database listen."""

    def count(tx: Tx) -> int:
        return int(tx.connection.scalar(text(f"SELECT count(*) {LINES}")) or 0)

    until(lambda: process.house.read_now(count) == sessions, f"{sessions} sessions listen")


@pytest.mark.postgres
async def test_whoever_waits_hears_at_once_of_a_commit_elsewhere(postgresql_url: str) -> None:
    with processes(postgresql_url, NEVER) as (here, there):
        until_listening(here, 2)
        here.house.hub.start()
        waiting = asyncio.create_task(read_until(here.house, tip, bool, PATIENCE_SECONDS, "exp_a"))
        await asyncio.sleep(0)
        await there.house.write(tell_of("exp_a"))
        assert await waiting == 1
        assert here.hears("exp_a")
        assert there.heard == [frozenset({"exp_a"})], "a process heard its own notice"


@pytest.mark.postgres
def test_commits_close_together_are_one_notice(postgresql_url: str) -> None:
    database = Database.open(postgresql_url)
    line = Line(database)
    with processes(postgresql_url, NEVER, 1) as (busy,):
        until_listening(busy, 2)
        writers = [threading.Thread(target=busy.house.writer.write, args=(tell_of(f"exp_{i}"),)) for i in range(100)]
        began = time.monotonic()
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        names: set[str] = set()
        notices = 0

        def has_heard_all() -> bool:
            nonlocal notices
            heard = line.heard()
            notices += bool(heard)
            names.update(heard)
            return len(names) == len(writers)

        until(has_heard_all, "every experiment was named")
        assert notices <= (time.monotonic() - began) / 0.005 + 1
        assert notices < len(writers)
    line.close()
    database.close()


@pytest.mark.postgres
def test_too_many_names_for_one_notice_stand_for_all(postgresql_url: str) -> None:
    database = Database.open(postgresql_url)
    teller, listener = Line(database), Line(database)
    many = {f"exp_{number:026d}" for number in range(MAX_BYTES // 30)}
    for told, expected in ((many, DEPLOYMENT), ({"exp_b", "exp_a"}, "exp_a,exp_b")):
        teller.tell(told)
        heard: list[frozenset[str]] = []

        def has_heard(heard: list[frozenset[str]] = heard) -> bool:
            heard += [one for one in [listener.heard()] if one]
            return bool(heard)

        until(has_heard, CHANNEL)
        assert heard == [frozenset(expected.split(","))]
    teller.close()
    listener.close()
    database.close()


@pytest.mark.postgres
def test_a_line_that_broke_is_laid_again(postgresql_url: str, caplog: pytest.LogCaptureFixture) -> None:
    def cut(tx: Tx) -> None:
        tx.connection.execute(text(f"SELECT pg_terminate_backend(pid) {LINES}"))

    with processes(postgresql_url, 0.05) as (here, there):
        until_listening(here, 2)
        here.house.read_now(cut)
        there.house.writer.write(tell_of("exp_a"))
        assert here.hears("exp_a")
        until(lambda: "commits of other processes are not heard of now" in caplog.text, "that it broke was seen")
        until_listening(here, 2)
        there.house.writer.write(tell_of("exp_b"))
        assert here.hears("exp_b")


def test_a_look_at_the_log_finds_what_nobody_told_of(database_url: str) -> None:
    with processes(database_url, 0.05, 1) as (here,):
        until(lambda: here.notices._position == 0, "the first look, which tells nobody of what was there before")
        silent = House(Database.open(database_url), Keys("admin-token", b"pepper"))
        silent.writer.write(tell_of("exp_a", "exp_b"))
        assert here.hears("exp_a", "exp_b")
        silent.writer.write(tell_of(*["exp_c"] * 1001))
        assert here.hears(DEPLOYMENT)
        silent.close()
