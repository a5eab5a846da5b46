"""The order of waiting tasks, either way, and what a person may leave out of it."""

import random
from typing import Any

import pytest

from control_plane.task_store.operations import listing, task_pages, variants
from store_client.wire.calls.ideas import IdeaPageQuery
from store_client.wire.calls.tasks import TaskPageQuery
from store_client.wire.calls.variants import VariantPageQuery
from store_client.wire.tasks import Target, TaskDetail
from tests.store.task_house import TaskHouse, sha
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
