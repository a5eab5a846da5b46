"""The leaderboard: complete in any order, narrowed, walked both ways, and found by index."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import update

from control_plane.db.batch import Batch
from control_plane.db.transaction import Tx
from control_plane.task_store.operations import leaderboard, narrowing, parts, scoring, variants
from control_plane.task_store.rules import standings
from control_plane.task_store.rules.standings import Place
from control_plane.task_store.tables import variants as variant_table
from store_client.errors import BadRequest
from store_client.wire.boards import Leaderboard
from store_client.wire.calls.boards import LeaderboardQuery
from tests.bench.growth import Growth
from tests.store.plans import plans
from tests.store.task_house import TaskHouse


def see(store: TaskHouse, **query: Any) -> Leaderboard:
    found: Leaderboard = store.see(leaderboard.page, LeaderboardQuery.model_validate(query))
    return found


def walk(store: TaskHouse, limit: int = 2, **query: Any) -> list[str]:
    """The labels on all pages; the way back shows the same pages."""
    pages = [see(store, limit=limit, **query)]
    while pages[-1].next is not None:
        pages.append(see(store, limit=limit, after=pages[-1].next, **query))
        assert len(pages) < 50, "a list without end"
    back = pages[-1]
    for earlier in reversed(pages[:-1]):
        assert back.previous is not None
        back = see(store, limit=limit, before=back.previous, **query)
        assert [one.label for one in back.items] == [one.label for one in earlier.items]
    assert pages[0].previous is None
    return [one.label for page in pages for one in page.items]


@pytest.fixture
def worked(store: TaskHouse) -> TaskHouse:
    """A baseline, five scores of which two are equal, one without a second metric, one failure, one in the making."""
    baseline = store.act("orchestrators", variants.create, store.baseline_body())
    store.evaluated(baseline.variant_id, accuracy=0.25, steps=1, note="seed")
    measured: list[dict[str, Any]] = [
        {"accuracy": 0.5, "steps": 9, "note": "beech"},
        {"accuracy": 0.75, "steps": 4},
        {"accuracy": 0.5, "steps": None, "note": "alder"},
        {"accuracy": -1.0, "steps": 30},
    ]
    for number, evaluation in enumerate(measured, 1):
        store.evaluated(store.executed(number, slug=f"idea-{number}"), **evaluation)
    store.act("bob", variants.declare_evaluation_error, store.executed(9, slug="broken"))
    store.executing(slug="fresh")
    return store


NEWEST = ["fresh", "broken", "idea-4", "idea-3", "idea-2", "idea-1", "baseline"]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({}, NEWEST),
        ({"is_ascending": True}, NEWEST[::-1]),
        ({"sort": "objective"}, ["idea-2", "idea-3", "idea-1", "baseline", "idea-4", "fresh", "broken"]),
        (
            {"sort": "objective", "is_ascending": True},
            ["idea-4", "baseline", "idea-1", "idea-3", "idea-2", "fresh", "broken"],
        ),
        ({"sort": "metric:steps"}, ["idea-4", "idea-1", "idea-2", "baseline", "fresh", "broken", "idea-3"]),
        (
            {"sort": "metric:note", "is_ascending": True},
            ["idea-3", "idea-1", "baseline", "fresh", "broken", "idea-4", "idea-2"],
        ),
        ({"sort": "metric:nothing"}, NEWEST),
        ({"status": "success"}, NEWEST[2:]),
        ({"status": "evaluation_error", "sort": "metric:steps"}, ["broken"]),
        ({"status": "success", "sort": "metric:steps"}, ["idea-4", "idea-1", "idea-2", "baseline", "idea-3"]),
        ({"q": "IDEA-"}, ["idea-4", "idea-3", "idea-2", "idea-1"]),
        ({"q": "2 idea", "sort": "objective"}, ["idea-2"]),
        ({"metric": "steps", "at_least": 4, "at_most": 9}, ["idea-2", "idea-1"]),
        ({"metric": "steps", "at_least": 4, "sort": "metric:steps"}, ["idea-4", "idea-1", "idea-2"]),
        ({"metric": "accuracy", "at_most": 0.25, "sort": "metric:steps"}, ["idea-4", "baseline"]),
    ],
)
@pytest.mark.parametrize("limit", [2, 100])
def test_a_list_is_whole_in_its_order_and_walked_both_ways(
    worked: TaskHouse, query: dict[str, Any], wanted: list[str], limit: int
) -> None:
    assert walk(worked, limit, **query) == wanted


def test_a_list_is_narrowed_to_a_worker_or_an_idea_and_counted(worked: TaskHouse) -> None:
    bob, idea = worked.id_of("bob"), see(worked, q="idea-2").items[0].idea_id
    assert walk(worked, worker=bob) == ["broken", "idea-4", "idea-3", "idea-2", "idea-1"]
    assert walk(worked, idea=idea, sort="objective") == ["idea-2"]
    totals = [
        see(worked, limit=1, **query).total for query in ({}, {"status": "success"}, {"worker": bob}, {"idea": idea})
    ]
    assert totals == [7, 5, 5, 1]


def test_those_in_a_range_are_counted_whatever_else_narrows_the_list(worked: TaskHouse) -> None:
    def count(**query: Any) -> tuple[int | None, bool]:
        found = see(worked, limit=1, metric="steps", **query)
        return found.total, found.is_more

    assert count(at_least=4) == count(at_least=4, sort="metric:steps") == (3, False)
    assert count(at_least=4, at_most=9, status="success", sort="metric:accuracy") == (2, False)
    assert count(at_least=4, status="error") == count(at_most=0) == (0, False)
    assert count(at_least=4, q="idea-4") == count(at_least=30, worker=worked.id_of("bob")) == (1, False)


def test_no_more_are_counted_than_are_told(worked: TaskHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(narrowing, "COUNTED", 2)
    found = see(worked, metric="steps", at_least=4)
    assert (found.total, found.is_more, len(found.items)) == (2, True, 3)


def test_what_no_index_serves_is_looked_for_a_stretch_at_a_time(
    worked: TaskHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "WINDOW", 2)
    first = see(worked, q="idea-1", limit=2)
    assert (first.items, first.next is not None) == ((), True)
    assert forward(worked, q="idea-1") == ["idea-1"]
    assert forward(worked, q="idea-", sort="metric:steps") == ["idea-4", "idea-1", "idea-2", "idea-3"]
    assert forward(worked, sort="metric:note", q="nothing like that") == []


def forward(store: TaskHouse, **query: Any) -> list[str]:
    """The labels on all pages, some of which may be empty."""
    found, page = [], see(store, limit=2, **query)
    for _ in range(50):
        found += [one.label for one in page.items]
        if page.next is None:
            return found
        page = see(store, limit=2, after=page.next, **query)
    raise AssertionError("a list without end")


@pytest.mark.parametrize("sort", ["number", "objective", "metric:accuracy"])
@pytest.mark.parametrize("place", [None, Place(0, 0.5, 900), Place(1, None, 900)])
def test_pages_of_every_sort_are_read_by_index(sqlite_store: TaskHouse, sort: str, place: Place | None) -> None:
    Growth(sqlite_store.house.database, sqlite_store.experiment_id).variants(3_000)
    named = update(variant_table).values(idea_id=sqlite_store.idea(), commit_sha=None, variant_commit_sha=None)
    sqlite_store.act("admins", lambda tx: tx.connection.execute(named).close())
    sqlite_store.act("admins", scoring.write)
    query = LeaderboardQuery(sort=sort, after=standings.write(place) if place else None)
    found = plans(
        sqlite_store.house.database,
        lambda connection: leaderboard.page(
            Tx(Batch(connection, "", str), sqlite_store.caller("ann"), sqlite_store.experiment_id), query
        ),
    )
    for plan in found:
        assert "SCAN variants" not in plan, plan
        assert "SCAN measurements" not in plan, plan
        assert plan.count("TEMP B-TREE") <= 1, plan  # the rows of the page, once they are chosen


@given(
    st.builds(
        Place, st.integers(0, 1), st.none() | st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 2**62)
    )
)
def test_a_place_is_read_back_exactly(place: Place) -> None:
    assert standings.read(standings.write(place)) == place


@pytest.mark.parametrize("text", ["", "!", "bm90IGpzb24", "WzFd", "e30", standings.write(Place(0, "a\x00", 1))])
def test_a_place_that_no_page_named_is_a_bad_request(text: str) -> None:
    with pytest.raises(BadRequest):
        standings.read(text)


def test_a_page_goes_one_way(store: TaskHouse) -> None:
    with pytest.raises(ValidationError):
        LeaderboardQuery(after="a", before="b")
