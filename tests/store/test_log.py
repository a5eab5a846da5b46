"""The event log: gap-free, in two counts, read from either end."""

from collections.abc import Iterator

import pytest

from control_plane.db import log
from control_plane.db.engine import Database
from control_plane.db.identities import Keys
from control_plane.db.transaction import Tx
from control_plane.edge.house import House
from store_client.errors import NotFound


@pytest.fixture
def house(database_url: str) -> Iterator[House]:
    opened = House(Database.open(database_url), Keys("admin-token", b"pepper"))
    yield opened
    opened.close()


def tell(house: House, experiment_id: str, *types: str) -> None:
    def act(tx: Tx) -> None:
        for type_ in types:
            tx.tell(type_, about=type_)

    house.writer.write(act, experiment_id=experiment_id)


def test_only_registered_types_count_in_the_protocols_sequence(house: House) -> None:
    tell(house, "exp_a", "task.created", "job.queued", "idea.ready")
    tell(house, "exp_b", "task.created")
    tell(house, "exp_a", "job.started", "task.claimed")
    with house.database.reading() as connection:
        rows = log.read_after(connection, 0, 100, None)
        assert [(row["position"], row["experiment_id"], row["sequence"]) for row in rows] == [
            (1, "exp_a", 1), (2, "exp_a", None), (3, "exp_a", 2), (4, "exp_b", 1), (5, "exp_a", None), (6, "exp_a", 3),
        ]  # fmt: skip
        assert [row["type"] for row in log.read_protocol(connection, "exp_a", 1)] == ["idea.ready", "task.claimed"]
        assert log.count(connection, "exp_a") == 3
        assert log.tip(connection) == 6


def test_an_event_keeps_what_was_told(house: House) -> None:
    tell(house, "exp_a", "task.created")
    with house.database.reading() as connection:
        (row,) = log.read_after(connection, 0, 100, "exp_a")
    assert row["data"] == {"about": "task.created"}
    assert row["event_id"].startswith("evt_")


def test_the_log_is_read_forwards_and_backwards_in_pages(house: House) -> None:
    tell(house, "exp_a", *["task.created"] * 5)
    tell(house, "exp_b", *["task.created"] * 5)
    with house.database.reading() as connection:
        positions = [row["position"] for row in log.read_after(connection, 3, 4, None)]
        assert positions == [4, 5, 6, 7]
        assert [row["position"] for row in log.read_after(connection, 3, 4, "exp_b")] == [6, 7, 8, 9]
        assert [row["position"] for row in log.read_before(connection, None, 3, None)] == [10, 9, 8]
        assert [row["position"] for row in log.read_before(connection, 8, 3, "exp_a")] == [5, 4, 3]


def test_what_changed_is_told_by_experiment_and_only_for_the_types_asked_for(house: House) -> None:
    tell(house, "exp_a", "task.created")
    tell(house, "exp_b", "job.queued")
    tell(house, "exp_c", "task.submitted", "task.submitted")
    with house.database.reading() as connection:
        assert log.changed_after(connection, 0, {"task.created", "task.submitted"}) == (4, {"exp_a", "exp_c"})
        assert log.changed_after(connection, 1, {"task.created", "task.submitted"}) == (4, {"exp_c"})
        assert log.changed_after(connection, 4, {"task.created"}) == (4, set())


def test_an_event_goes_with_the_change_that_it_tells_of(house: House) -> None:
    def fail(tx: Tx) -> None:
        tx.tell("task.created")
        raise NotFound("never mind")

    with pytest.raises(NotFound):
        house.writer.write(fail, experiment_id="exp_a")
    tell(house, "exp_a", "task.created")
    with house.database.reading() as connection:
        assert [row["position"] for row in log.read_after(connection, 0, 10, None)] == [1]


def test_a_reader_sees_one_moment_of_the_log(house: House) -> None:
    tell(house, "exp_a", "task.created")
    with house.database.reading() as connection:
        assert log.tip(connection) == 1
        tell(house, "exp_a", "task.created")
        assert len(log.read_after(connection, 0, 10, None)) == 1
