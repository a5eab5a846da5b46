"""Events are found by what they are, what they name, when and with which words, at the same cost in any log."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, update

from control_plane.db import log_search
from control_plane.db.log_search import Wanted
from control_plane.db.tables import events
from control_plane.db.transaction import ADMIN
from control_plane.task_store.operations import event_search
from store_client.wire.calls.events import EventQuery
from store_client.wire.events import EventsFound
from tests.bench.growth import Growth
from tests.store.plans import plans
from tests.store.task_house import TaskHouse

HOUR = "2030-01-01T{:02}:00:00.000000Z"


def found(store: TaskHouse, **asked: object) -> EventsFound:
    answer: EventsFound = store.see(event_search.find, EventQuery.model_validate(asked))
    return answer


def positions(store: TaskHouse, **asked: object) -> list[int]:
    return [event.position for event in found(store, **asked).events]


@pytest.fixture
def told(store: TaskHouse) -> list[int]:
    """Twelve events, one an hour, of three types and by two people; the positions they have."""
    before = {event.position for event in found(store, limit=200).events}
    for hour in range(12):
        what = {"task_id": f"task-{hour % 4}", ("worker_id", "by")[hour % 2]: ("ann", "bob")[hour % 2]}
        store.write(lambda tx, hour=hour, what=what: tx.tell(f"kind.{hour % 3}", **what, said=f"Größe {hour}"), ADMIN)
    mine = [at for at in positions(store, limit=200, is_oldest_first=True) if at not in before]
    for hour, at in enumerate(mine):
        moment = update(events).where(events.c.position == at).values(occurred_at=HOUR.format(hour))
        store.write(lambda tx, moment=moment: tx.connection.execute(moment), ADMIN)
    early = update(events).where(events.c.position.in_(before)).values(occurred_at="2029-12-31T00:00:00.000000Z")
    store.write(lambda tx: tx.connection.execute(early), ADMIN)
    return mine


@pytest.mark.parametrize(
    ("asked", "hours"),
    [
        ({"type": "kind.1"}, [10, 7, 4, 1]),
        ({"type": "kind.1", "is_oldest_first": True}, [1, 4, 7, 10]),
        ({"about": "task-3"}, [11, 7, 3]),
        ({"by": "bob", "type": "kind.0"}, [9, 3]),
        ({"text": "größe 1"}, [11, 10, 1]),
        ({"text": "KIND.2"}, [11, 8, 5, 2]),
        ({"since": "2030-01-01T09:00:00Z"}, [11, 10, 9]),
        ({"since": "2030-01-01T03:30:00Z", "until": "2030-01-01T06:00:00Z"}, [6, 5, 4]),
        ({"since": "2031-01-01T00:00:00Z"}, []),
        ({"text": "100%"}, []),
        ({"about": "task"}, []),
    ],
)
def test_what_is_asked_for_is_found_and_nothing_else(
    store: TaskHouse, told: list[int], asked: dict[str, object], hours: list[int]
) -> None:
    assert positions(store, **asked) == [told[hour] for hour in hours]


def test_pages_follow_one_another_either_way_and_begin_where_one_likes(store: TaskHouse, told: list[int]) -> None:
    newest = found(store, text="größe", limit=5)
    assert newest.next is not None
    rest = found(store, text="größe", limit=200, after=newest.next)
    assert [event.position for event in (*newest.events, *rest.events)] == told[::-1]
    assert rest.next is None
    oldest = found(store, since=HOUR.format(0), is_oldest_first=True, limit=5)
    assert oldest.next is not None
    assert positions(store, is_oldest_first=True, after=oldest.next) == told[5:]
    assert positions(store, at=told[3], limit=2) == told[3:1:-1]
    assert positions(store, at=told[3], limit=2, is_oldest_first=True) == told[3:5]


def test_every_type_is_counted(store: TaskHouse, told: list[int]) -> None:
    kinds = {kind.type: kind.count for kind in store.see(event_search.count).kinds}
    assert [kinds[f"kind.{number}"] for number in range(3)] == [4, 4, 4]
    assert sum(kinds.values()) == len(positions(store, limit=200))


def test_what_is_rare_takes_several_looks_of_which_each_takes_in_so_many(
    store: TaskHouse, told: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_search, "MOST_LOOKED_AT", 5)
    looks = [found(store, text="größe 4")]
    while (onward := looks[-1].next) is not None:
        looks.append(found(store, text="größe 4", after=onward))
    assert [[event.position for event in look.events] for look in looks[:3]] == [[], [told[4]], []]
    assert looks[0].looked_to == HOUR.format(7)
    assert looks[2].next is None


def test_an_experiment_that_came_with_its_past_hides_nothing_of_the_others(store: TaskHouse, told: list[int]) -> None:
    old = update(events).where(events.c.position == told[6]).values(experiment_id="exp_old")
    store.write(lambda tx: tx.connection.execute(old.values(occurred_at="2020-01-01T00:00:00.000000Z")), ADMIN)
    wanted = Wanted(since=HOUR.format(2), until=HOUR.format(9))
    look = store.see(lambda tx: log_search.look(tx.connection, wanted, 50))
    assert [row["position"] for row in look.found] == [told[hour] for hour in (9, 8, 7, 5, 4, 3, 2)]


def test_every_search_goes_by_index_however_long_the_log_is(store: TaskHouse) -> None:
    for experiment_id in (store.experiment_id, "exp_other"):
        Growth(store.house.database, experiment_id).events(20_000)
    asked: tuple[dict[str, Any], ...] = (
        {},
        {"type": "task.created"},
        {"text": "task-1"},
        {"since": HOUR.format(1)},
        {"last": 9000},
    )
    whole = [Wanted(is_oldest_first=is_oldest, **one) for one in asked for is_oldest in (False, True)]
    for scope in (store.experiment_id, None):
        searches: list[Callable[[Connection], object]] = [
            *(partial(log_search.look, wanted=replace(one, experiment_id=scope), limit=50) for one in whole),
            partial(log_search.count_kinds, experiment_id=scope),
        ]
        for plan in (plan for search in searches for plan in plans(store.house.database, search)):
            assert "TEMP B-TREE FOR ORDER" not in plan or "LIKE" in plan, plan
            assert scope is None or "SCAN events\n" not in plan + "\n", plan
