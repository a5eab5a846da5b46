"""The order of waiting tasks, either way, and what a person may leave out of it."""

import random
from typing import Any

import pytest

from control_plane.db.batch import Batch
from control_plane.db.transaction import Tx
from control_plane.task_store.operations import ideas, listing, task_pages, tasks, variants
from store_client.wire.calls.ideas import IdeaPageQuery
from store_client.wire.calls.tasks import TaskPageQuery
from store_client.wire.calls.variants import VariantPageQuery
from store_client.wire.tasks import Target, TaskDetail
from tests.store.plans import plans
from tests.store.task_house import AT, TaskHouse, sha
from tests.store.test_task_store_pages import read_all


def query(**view: Any) -> TaskPageQuery:
    return TaskPageQuery.model_validate({"kind": "execution", "state": "pending", **view})


@pytest.fixture
def waiting(sqlite_store: TaskHouse) -> dict[str, tuple[float, int]]:
    """Tasks of few priorities in no order: what each has, and which it was."""
    drawn = random.Random(7)  # noqa: S311 - a day of work, the same at every run
    made = {}
    for place in range(17):
        priority = drawn.choice((0.5, 1.0, 2.0))
        made[sqlite_store.task("execution", sqlite_store.idea(priority=priority))] = (priority, place)
    return made


@pytest.mark.parametrize(
    ("view", "key"),
    [
        ({}, lambda has: (-has[0], has[1])),
        ({"direction": "asc"}, lambda has: has),
        ({"sort": "age"}, lambda has: has[1]),
        ({"sort": "age", "direction": "desc"}, lambda has: -has[1]),
        ({"eligible": True, "direction": "asc"}, lambda has: has),
    ],
)
def test_every_order_is_whole_page_by_page(
    sqlite_store: TaskHouse, waiting: dict[str, tuple[float, int]], view: dict[str, Any], key: Any
) -> None:
    found = [task.task_id for task in read_all(sqlite_store, task_pages.page, query(**view))]
    assert found == sorted(waiting, key=lambda task_id: key(waiting[task_id]))


def test_tasks_for_others_are_left_out_and_a_page_looks_at_so_many(
    sqlite_store: TaskHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = sqlite_store
    eve = Target(kind="worker", id=store.id_of("eve"))
    group = Target(kind="group", id=store.found("trusted", store.id_of("ann")))
    theirs = [store.task("execution", store.idea(priority=9), eve) for _ in range(5)]
    ours = store.task("execution", store.idea(priority=2), group)
    anybody = store.task("execution", store.idea(priority=1))
    monkeypatch.setattr(task_pages, "LOOKED_AT", 3)

    def all_of(**view: Any) -> list[str]:
        found: list[TaskDetail] = []
        page = store.see(task_pages.page, query(limit=2, **view))
        while page.next is not None:
            found += page.items
            page = store.see(task_pages.page, query(limit=2, after=page.next, **view))
        return [task.task_id for task in [*found, *page.items]]

    assert all_of(eligible=True) == [ours, anybody]
    assert all_of(target="targeted") == [*theirs, ours]
    assert all_of(target="untargeted") == [anybody]
    assert all_of() == [*theirs, ours, anybody]


def test_a_task_says_who_had_the_idea(sqlite_store: TaskHouse) -> None:
    store = sqlite_store
    execution = store.task("execution", store.idea())
    evaluation = store.task("evaluation", store.executed(3))
    told = {task.task_id: task.author_name for task in store.see(task_pages.page, TaskPageQuery()).items}
    assert told[execution] == told[evaluation] == "ann"


def test_variants_are_found_by_how_their_name_or_commit_begins(sqlite_store: TaskHouse) -> None:
    store = sqlite_store
    store.act("orchestrators", variants.create, store.baseline_body())
    wider, wide, narrow = (
        store.executed(place, slug=slug) for place, slug in ((1, "wider"), (2, "wide"), (3, "narrow"))
    )

    def found(begins: str) -> set[str]:
        page = store.see(listing.variant_page, VariantPageQuery(begins=begins, order="best"))
        return {variant.variant_id for variant in page.items}

    assert found("WID") == {wider, wide}
    assert found("wider") == {wider}
    assert found(sha(3)) == {narrow}
    assert len(found("base")) == 1
    assert found("%") == found("x") == set()
    called = store.see(listing.idea_page, IdeaPageQuery(slugs="wide,narrow,x")).items
    assert {idea.slug for idea in called} == {"wide", "narrow"}


def test_tasks_are_found_by_who_handed_them_in_and_by_their_age(
    store: TaskHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made(second: int, kind: str = "ideation") -> str:
        subject = store.idea() if kind == "execution" else ""
        at = f"2026-01-01T00:00:{second:02d}Z"
        body = store.task_body(kind, subject, created_at=at)
        return str(store.act("orchestrators", tasks.create, body).task_id)

    all_made = [made(second) for second in range(10, 18)]
    for place, task_id in enumerate(all_made[:5]):
        store.claim(task_id, "eve" if place == 2 else "bob")
        store.submit(task_id, "eve" if place == 2 else "bob", status="error", idea_ids=[])
    store.reject(all_made[0])
    other = made(30, "execution")

    def found(**view: Any) -> list[str]:
        whole = TaskPageQuery.model_validate({"limit": 2, **view})
        items, page = [], store.see(task_pages.page, whole, name="bob")
        while page.next is not None:
            items += page.items
            page = store.see(task_pages.page, whole.having(after=page.next), name="bob")
        return [one.task_id for one in (*items, *page.items)]

    by_bob = [all_made[place] for place in (4, 3, 1, 0)]
    assert found(submitted_by="me") == found(submitted_by=store.id_of("bob")) == by_bob
    assert found(submitted_by="me", state="failed") == by_bob[-1:]
    page = store.see(task_pages.page, TaskPageQuery(submitted_by=store.id_of("eve")))
    assert ([one.task_id for one in page.items], page.total) == ([all_made[2]], 1)
    since, until = "2026-01-01T00:00:12Z", "2026-01-01T00:00:15Z"
    assert found(since=since, until=until) == all_made[5:1:-1]
    assert found(since=since, until=until, direction="asc") == all_made[2:6]
    assert found(since=since, state="pending") == [other, *all_made[:4:-1]]
    assert found(until=until, state="submitted") == all_made[4:0:-1]
    assert found(since="2027-01-01T00:00:00Z") == found(until="2025-01-01T00:00:00Z") == []
    monkeypatch.setattr(task_pages, "WINDOW", 3)
    assert found(until="2026-01-01T00:00:59Z", state="failed") == all_made[:1]
    assert found(since=since, kind="execution") == [other]


def test_ideas_are_found_by_their_author(store: TaskHouse) -> None:
    mine = [store.idea() for _ in range(3)]
    store.act("eve", ideas.create, store.idea_body("eves"))
    for named, name in (("me", "ann"), (store.id_of("ann"), "bob")):
        page = store.see(listing.idea_page, IdeaPageQuery(created_by=named, limit=2), name=name)
        assert [one.idea_id for one in page.items] == mine[:0:-1]
        assert page.total is None
        rest = store.see(listing.idea_page, IdeaPageQuery(created_by=named, after=page.next), name=name)
        assert [one.idea_id for one in rest.items] == mine[:1]


def test_what_somebody_did_and_what_is_young_is_read_along_an_index(store: TaskHouse) -> None:
    by, at = store.id_of("bob"), "2026-01-01T00:00:00Z"

    def planned(operation: Any, asked: Any) -> str:
        caller, here = store.caller("ann"), store.experiment_id
        return "\n".join(
            plans(
                store.house.database,
                lambda connection: operation(Tx(Batch(connection, AT, str), caller, here), asked),
            )
        )

    if store.house.database.is_sqlite:
        assert "ix_tasks_submitted_by" in planned(task_pages.page, TaskPageQuery(submitted_by=by))
        assert "ix_ideas_created_by" in planned(listing.idea_page, IdeaPageQuery(created_by=by))
        assert "ix_tasks_created" in planned(task_pages.page, TaskPageQuery(since=at))
