"""The writer: groups of operations commit as one, and each answers for itself alone."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event, insert, text
from sqlalchemy.exc import IntegrityError

from control_plane.db import log, tally
from control_plane.db.engine import Database
from control_plane.db.tables import experiments
from control_plane.db.transaction import Tx
from control_plane.db.writer import Writer
from control_plane.edge.house import clock
from control_plane.edge.minting import mint
from store_client.errors import NotFound, Unavailable
from tests.store.task_house import begin_experiment, ulid

Commits = list[frozenset[str]]
SOON = 60.0
"""Seconds: far more than anything here takes, and the end of a test that would hang."""


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database.open(database_url)
    yield opened
    opened.close()


@pytest.fixture
def heard() -> Commits:
    """What the writer told after each commit."""
    return []


@pytest.fixture
def writer(database: Database, heard: Commits) -> Iterator[Writer]:
    made = Writer(database, clock, mint, heard.append)
    yield made
    made.close()


def commits_of(database: Database) -> list[None]:
    """A list that grows with every commit."""
    counted: list[None] = []
    event.listen(database.engine, "commit", lambda _connection: counted.append(None))
    return counted


def hold(writer: Writer) -> Callable[[], None]:
    """Keep the writer busy until the returned function is called."""
    is_in, may_go = threading.Event(), threading.Event()

    def wait(_tx: Tx) -> None:
        is_in.set()
        assert may_go.wait(SOON)

    writer.submit(wait)
    assert is_in.wait(SOON)
    return may_go.set


def tell(tx: Tx, number: int = 0) -> str:
    tx.at("exp_a").tell("job.queued", number=number)
    return tx.now


def logged(database: Database) -> list[Any]:
    with database.reading() as connection:
        return log.read_after(connection, 0, 100_000, None)


def test_operations_that_wait_are_committed_together(database: Database, writer: Writer) -> None:
    counted = commits_of(database)
    go = hold(writer)
    waiting = [writer.submit(partial(tell, number=number)) for number in range(100)]
    go()
    assert len({future.result(SOON) for future in waiting}) == 1, "a batch has one time"
    assert len(counted) == 2
    assert [row["data"]["number"] for row in logged(database)] == list(range(100))


def test_a_long_queue_is_committed_in_groups_of_bounded_size(database: Database, writer: Writer) -> None:
    counted = commits_of(database)
    go = hold(writer)
    waiting = [writer.submit(lambda _tx: None) for _ in range(600)]
    go()
    for future in waiting:
        future.result(SOON)
    assert len(counted) == 1 + 3


def test_an_operation_that_fails_takes_only_itself_back(database: Database, writer: Writer, heard: Commits) -> None:
    def fail(tx: Tx) -> None:
        tx.at("exp_b").tell("job.queued")
        tally.add(tx.connection, "exp_b", "jobs", 1)
        raise NotFound("there is no such thing")

    def break_a_rule(tx: Tx) -> None:
        begin_experiment(tx, "exp_" + ulid(3))
        begin_experiment(tx, "exp_" + ulid(3))

    go = hold(writer)
    first, second, third, last = (writer.submit(work) for work in (tell, fail, break_a_rule, tell))
    go()
    assert first.result(SOON) == last.result(SOON)
    with pytest.raises(NotFound, match="no such thing"):
        second.result(SOON)
    with pytest.raises(IntegrityError):
        third.result(SOON)
    assert [(row["position"], row["experiment_id"]) for row in logged(database)] == [(1, "exp_a"), (2, "exp_a")]
    assert heard == [frozenset({"exp_a"})]
    with database.reading() as connection:
        assert tally.read(connection, "exp_b") == {}
        assert connection.scalar(text("SELECT count(*) FROM experiments")) == 0


def test_an_answer_means_that_everybody_can_read_it(database: Database, writer: Writer) -> None:
    seen: list[bool] = []

    def look(_future: "Future[None]") -> None:
        with database.reading() as connection:
            seen.append(connection.scalar(text("SELECT count(*) FROM experiments")) == 1)

    future = writer.submit(lambda tx: begin_experiment(tx, "exp_" + ulid(1)))
    future.add_done_callback(look)
    future.result(SOON)
    writer.close()
    assert seen == [True]


def test_many_threads_write_a_log_without_gaps_in_the_order_of_their_commits(
    database: Database, writer: Writer
) -> None:
    positions: list[int] = []

    def act(tx: Tx) -> None:
        tx.at(f"exp_{len(positions) % 3}").tell("task.created")
        positions.append(log.tip(tx.connection))

    with ThreadPoolExecutor(32) as threads:
        list(threads.map(lambda _: [writer.write(act) for _ in range(20)], range(32)))
    rows = logged(database)
    assert [row["position"] for row in rows] == list(range(1, 641)) == positions
    for scope in ("exp_0", "exp_1", "exp_2"):
        sequences = [row["sequence"] for row in rows if row["experiment_id"] == scope]
        assert sequences == list(range(1, len(sequences) + 1))
    assert [row["occurred_at"] for row in rows] == sorted(row["occurred_at"] for row in rows)


def test_what_was_cancelled_while_it_waited_never_runs(database: Database, writer: Writer) -> None:
    go = hold(writer)
    cancelled, kept = writer.submit(tell), writer.submit(tell)
    assert cancelled.cancel()
    go()
    kept.result(SOON)
    assert len(logged(database)) == 1


def test_closing_finishes_what_waits_and_refuses_what_comes_later(database: Database, writer: Writer) -> None:
    go = hold(writer)
    waiting = [writer.submit(tell) for _ in range(300)]
    closing = threading.Thread(target=writer.close)
    closing.start()
    go()
    closing.join(SOON)
    assert all(future.result(SOON) for future in waiting)
    with pytest.raises(Unavailable, match="stopping"):
        writer.write(tell)
    writer.close()
    assert len(logged(database)) == 300


def test_nothing_hangs_that_is_written_while_the_writer_closes(database: Database) -> None:
    for _ in range(20):
        writer = Writer(database, clock, mint)
        start = threading.Barrier(5)

        def write(writer: Writer = writer, start: threading.Barrier = start) -> bool:
            start.wait(SOON)
            return isinstance(writer.submit(lambda _tx: None).exception(timeout=SOON), Unavailable | None)

        with ThreadPoolExecutor(4) as threads:
            written = [threads.submit(write) for _ in range(4)]
            start.wait(SOON)
            writer.close()
            assert all(future.result(SOON) for future in written)


def test_a_listener_that_fails_costs_nobody_an_answer(database: Database) -> None:
    def fail(_experiments: frozenset[str]) -> None:
        raise RuntimeError("not now")

    writer = Writer(database, clock, mint, fail)
    assert writer.write(tell)
    assert writer.write(tell)
    writer.close()


@pytest.mark.postgres
def test_a_broken_connection_is_answered_as_unavailable_and_the_writer_goes_on(postgresql_url: str) -> None:
    database = Database.open(postgresql_url)
    heard: Commits = []
    writer = Writer(database, clock, mint, heard.append)

    def be_killed(tx: Tx) -> None:
        tell(tx)
        pid = tx.connection.scalar(text("SELECT pg_backend_pid()"))
        with database.engine.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        tell(tx)

    go = hold(writer)
    before, killed, after = writer.submit(tell), writer.submit(be_killed), writer.submit(tell)
    go()
    for future in (before, killed, after):
        with pytest.raises(Unavailable):
            future.result(SOON)
    assert writer.write(tell)
    assert len(logged(database)) == 1
    assert "" in heard[0], "the outcome is unknown, so everybody looks"
    writer.close()
    database.close()


@pytest.mark.postgres
def test_two_writers_on_one_database_never_collide(postgresql_url: str) -> None:
    databases = [Database.open(postgresql_url) for _ in range(2)]
    writers = [Writer(database, clock, mint) for database in databases]
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda index: [writers[index % 2].write(tell) for _ in range(20)], range(16)))
    assert [row["position"] for row in logged(databases[0])] == list(range(1, 321))
    for writer, database in zip(writers, databases, strict=True):
        writer.close()
        database.close()


def test_a_house_without_its_database_says_so(empty_url: str) -> None:
    writer = Writer(Database.open(empty_url), clock, mint)
    with pytest.raises(Unavailable):
        writer.write(lambda tx: tx.connection.execute(insert(experiments)))
    writer.close()


@pytest.fixture
def empty_url() -> str:
    """A server that is not there."""
    return "postgresql+psycopg://nobody@127.0.0.1:1/nothing?connect_timeout=2"
