"""The reaper: what has lapsed goes back by itself, soon and by the database's clock, and nothing else does."""

import threading

import pytest
from sqlalchemy import event

from control_plane.db.transaction import ADMIN
from control_plane.task_store.operations import tasks
from control_plane.task_store.reaper import Reaper
from control_plane.task_store.rules.claims import after
from tests.scheduler.attempts import eventually
from tests.store.task_house import TaskHouse, open_house

PAST = "2020-01-01T00:00:00Z"
FUTURE = "2099-01-01T00:00:00Z"


def states(store: TaskHouse, *task_ids: str) -> list[str]:
    return [store.see(tasks.read, task_id).state for task_id in task_ids]


def test_a_claim_goes_back_soon_after_it_lapses(store: TaskHouse) -> None:
    task_id = store.task()
    until = after(store.house.clock(), 0.3)
    store.claim(task_id, expires_at=until)
    taken, listener = threading.Event(), lambda _experiments: taken.set()
    reaper = Reaper(store.house, look_seconds=0.05)
    store.house.hub.listen(listener)
    reaper.start()
    assert taken.wait(60)
    reaper.stop()
    assert until <= store.house.clock()
    assert states(store, task_id) == ["pending"]
    assert store.told()[-1] == ("task.reclaimed", {"task_id": task_id, "cause": "expired"})


def test_only_claims_that_have_lapsed_go_back_and_submitted_work_never(store: TaskHouse) -> None:
    lapsed, held, open_, submitted = (store.task() for _ in range(4))
    store.claim(lapsed, expires_at=PAST)
    store.claim(held, expires_at=FUTURE)
    store.claim(open_)
    store.claim(submitted, expires_at=PAST)
    store.submit(submitted, idea_ids=[], status="success")
    reaper = Reaper(store.house)
    assert [reaper.round(), reaper.round()] == [1, 0]
    assert states(store, lapsed, held, open_, submitted) == ["pending", "claimed", "claimed", "submitted"]


@pytest.mark.postgres
def test_the_clock_of_the_database_decides(postgresql_url: str) -> None:
    """A server whose own clock runs a century ahead takes nothing from anybody."""
    with open_house(postgresql_url) as store:
        task_id = store.task()
        store.claim(task_id, expires_at=after(store.house.clock(), 3600))
        store.house.clock = lambda: "2126-01-01T00:00:00.000000Z"
        assert Reaper(store.house).round() == 0
        assert states(store, task_id) == ["claimed"]


def test_while_nothing_lapses_nobody_asks_to_write(sqlite_store: TaskHouse) -> None:
    sqlite_store.claim(sqlite_store.task(), expires_at=FUTURE)
    seen: list[str] = []
    event.listen(sqlite_store.house.database.engine, "before_cursor_execute", lambda *given: seen.append(given[2]))
    Reaper(sqlite_store.house).round()
    assert seen
    assert not [statement for statement in seen if statement.startswith("BEGIN IMMEDIATE")]


def test_a_look_that_fails_is_followed_by_another(sqlite_store: TaskHouse, caplog: pytest.LogCaptureFixture) -> None:
    task_id = sqlite_store.task()
    sqlite_store.claim(task_id, expires_at=PAST)
    change(sqlite_store, "ALTER TABLE tasks RENAME TO misplaced")
    reaper = Reaper(sqlite_store.house, look_seconds=0.01)
    reaper.start()
    eventually(lambda: "reaper: a round failed" in caplog.text, "a failed look")
    change(sqlite_store, "ALTER TABLE misplaced RENAME TO tasks")
    eventually(lambda: states(sqlite_store, task_id) == ["pending"], "the end of the claim")
    reaper.stop()


def change(store: TaskHouse, statement: str) -> None:
    store.write(lambda tx: tx.connection.exec_driver_sql(statement).close(), ADMIN)
