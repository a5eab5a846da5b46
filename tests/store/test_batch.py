"""Operations of one commit share what they know and write down together, and each still answers for itself alone."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import text, update

from control_plane.db import log, tally
from control_plane.db.engine import Database
from control_plane.db.tables import experiments
from control_plane.db.transaction import Tx
from control_plane.db.writer import Writer
from control_plane.edge.house import clock
from control_plane.edge.minting import mint
from store_client.errors import NotFound
from tests.store.task_house import begin_experiment, ulid

Works = list[Callable[[Tx], Any]]
SOON = 60.0
"""Seconds: far more than anything here takes, and the end of a test that would hang."""
HERE, THERE = "exp_" + ulid(1), "exp_" + ulid(2)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database.open(database_url)
    yield opened
    opened.close()


@pytest.fixture
def writer(database: Database) -> Iterator[Writer]:
    made = Writer(database, clock, mint)
    yield made
    made.close()


def together(writer: Writer, *works: Callable[[Tx], Any]) -> list[Any]:
    """What each operation answers, or raises, when all of them are committed at once."""
    is_in, may_go = threading.Event(), threading.Event()

    def wait(_tx: Tx) -> None:
        is_in.set()
        assert may_go.wait(SOON)

    writer.submit(wait)
    assert is_in.wait(SOON)
    waiting = [writer.submit(work) for work in works]
    may_go.set()
    return [future.exception(SOON) or future.result() for future in waiting]


def act(tx: Tx) -> None:
    here = tx.at(HERE)
    here.tell("task.created", task_id="t")
    here.count("tasks", 1)


def look(tx: Tx) -> tuple[int, dict[str, int]]:
    """The newest position and the counters, as the database has them."""
    return log.tip(tx.connection), tally.read(tx.connection, HERE)


def look_and_fail(tx: Tx) -> None:
    look(tx)
    act(tx)
    raise NotFound("there is no such thing")


def state(database: Database) -> tuple[list[tuple[int, int]], dict[str, int]]:
    """Positions and sequences of the log, and the counters."""
    with database.reading() as connection:
        rows = log.read_after(connection, 0, 1000, None)
        return [(row["position"], row["sequence"]) for row in rows], tally.read(connection, HERE)


def test_what_others_told_and_counted_is_there_for_whoever_asks_the_database(writer: Writer) -> None:
    def act_and_look(tx: Tx) -> Any:
        connection = tx.connection
        act(tx)
        return log.tip(connection), tally.read(connection, HERE)

    assert together(writer, act, act, look, act_and_look)[2:] == [(2, {"tasks": 2}), (3, {"tasks": 3})]


@pytest.mark.parametrize(
    ("works", "is_kept"),
    [
        ([act, look_and_fail, act], [True, False, True]),
        ([look_and_fail, look_and_fail, act, look], [False, False, True, True]),
        ([act, look, look_and_fail, look, act], [True, True, False, True, True]),
        ([act, act, look_and_fail], [True, True, False]),
        ([look_and_fail], [False]),
    ],
)
def test_a_failure_takes_back_its_own_share_and_no_others(
    database: Database, writer: Writer, works: Works, is_kept: list[bool]
) -> None:
    answers = together(writer, *works)
    assert [not isinstance(answer, NotFound) for answer in answers] == is_kept
    kept = works.count(act)
    assert state(database) == ([(number, number) for number in range(1, kept + 1)], {"tasks": kept} if kept else {})


def test_an_event_that_cannot_be_written_fails_alone(database: Database, writer: Writer) -> None:
    def tell_nonsense(tx: Tx) -> None:
        tx.at(HERE).tell("task.created", score=float("nan"))

    answers = together(writer, act, tell_nonsense, act)
    assert [type(answer) for answer in answers] == [type(None), ValueError, type(None)]
    assert state(database) == ([(1, 1), (2, 2)], {"tasks": 2})


def test_an_experiment_is_seen_as_the_operation_before_left_it(writer: Writer) -> None:
    def rename(name: str) -> Callable[[Tx], str]:
        def work(tx: Tx) -> str:
            before = str(tx.at(HERE).experiment["name"])
            row = update(experiments).where(experiments.c.experiment_id == HERE)
            tx.connection.execute(row.values(name=name))
            assert tx.at(HERE).experiment["name"] == name
            return before

        return work

    def rename_and_fail(tx: Tx) -> None:
        rename("nobody's")(tx)
        raise NotFound("there is no such thing")

    def name(tx: Tx) -> str:
        return str(tx.at(HERE).experiment["name"])

    def missing(tx: Tx) -> None:
        tx.at(THERE).experiment  # noqa: B018 - reading it is what raises

    writer.write(lambda tx: begin_experiment(tx, HERE))
    first = writer.write(name)
    answers = together(writer, name, rename("second"), name, rename_and_fail, name, rename("third"), missing, name)
    assert answers[:3] == [first, first, "second"]
    assert isinstance(answers[3], NotFound)
    assert answers[4:6] == ["second", "second"]
    assert isinstance(answers[6], NotFound)
    assert answers[7] == "third"


@pytest.mark.postgres
def test_a_connection_that_broke_between_two_commits_is_replaced_before_anybody_notices(postgresql_url: str) -> None:
    database = Database.open(postgresql_url)
    writer = Writer(database, clock, mint)
    pid = writer.write(lambda tx: tx.connection.scalar(text("SELECT pg_backend_pid()")))
    with database.engine.connect() as other:
        assert other.scalar(text("SELECT pg_terminate_backend(:pid, 60000)"), {"pid": pid})  # waits until it is gone
    writer.write(act)
    assert state(database) == ([(1, 1)], {"tasks": 1})
    writer.close()
    database.close()


async def test_an_operation_answers_the_event_loop_whatever_it_raises(writer: Writer) -> None:
    def run_out(_tx: Tx) -> None:
        next(iter(()))

    def fail(_tx: Tx) -> None:
        raise NotFound("there is no such thing")

    waiting = [writer.submit_here(work) for work in (run_out, fail, act)]
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(answer) for answer in answers] == [RuntimeError, NotFound, type(None)]


async def test_a_waiter_who_gave_up_costs_nobody_an_answer(database: Database, writer: Writer) -> None:
    is_in, may_go = threading.Event(), threading.Event()

    def wait(_tx: Tx) -> None:
        is_in.set()
        assert may_go.wait(SOON)

    first = writer.submit_here(wait)
    await asyncio.to_thread(is_in.wait, SOON)
    given_up, kept = writer.submit_here(act), writer.submit_here(act)
    first.cancel()
    given_up.cancel()
    may_go.set()
    await kept
    assert state(database) == ([(1, 1)], {"tasks": 1})
