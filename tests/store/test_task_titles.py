"""Tasks are found by the words of what they are about, along indexes that tell what each is called."""

from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, text

from control_plane.db.batch import Batch
from control_plane.db.migrate import upgrade
from control_plane.db.transaction import Tx
from control_plane.task_store.operations import task_pages, variants
from store_client.wire.calls.tasks import TaskPageQuery
from tests.store.plans import plans
from tests.store.task_house import AT, TaskHouse

BEFORE = "0036"


def asked(words: str, **view: Any) -> TaskPageQuery:
    return TaskPageQuery.model_validate({"state": "pending", "kind": "execution", "q": words, **view})


def found(store: TaskHouse, query: TaskPageQuery) -> list[str]:
    """What the tasks of all pages are called."""
    page = store.see(task_pages.page, query)
    titles = [one.title for one in page.items]
    while page.next is not None:
        page = store.see(task_pages.page, query.having(after=page.next))
        titles += [one.title for one in page.items]
    return titles


def test_tasks_are_found_by_the_words_of_their_idea_or_variant(store: TaskHouse) -> None:
    for priority, slug in enumerate(("warm-restarts", "cold-start", "warm-start", "wider")):
        store.task("execution", store.idea(slug=slug, priority=priority))
    store.task("evaluation", store.executed(1, slug="warm-and-measured"))
    baseline = store.baseline_body()
    store.act("orchestrators", variants.create, baseline)
    store.task("evaluation", baseline.variant_id)
    store.task()
    assert found(store, asked("warm")) == ["warm-start", "warm-restarts"]
    assert found(store, asked(" START  Warm ")) == ["warm-start", "warm-restarts"]
    assert found(store, asked("start cold")) == ["cold-start"]
    assert found(store, asked("start", sort="age", eligible=True)) == ["warm-restarts", "cold-start", "warm-start"]
    assert found(store, asked("start", direction="asc")) == ["warm-restarts", "cold-start", "warm-start"]
    assert found(store, asked("measured", kind="evaluation")) == ["warm-and-measured"]
    assert found(store, asked("base", kind="evaluation")) == ["baseline"]
    assert found(store, asked("ideas", kind="ideation")) == ["new ideas"]
    assert found(store, asked("warm%")) == found(store, asked("nothing")) == []
    assert len(found(store, asked("  "))) == 4


def test_a_page_looks_for_words_among_so_many_tasks(sqlite_store: TaskHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in range(9):
        sqlite_store.task("execution", sqlite_store.idea(slug="rare" if place in {1, 8} else "often"))
    monkeypatch.setattr(task_pages, "LOOKED_AT", 2)
    monkeypatch.setattr(task_pages, "LOOKS", 3)
    first = sqlite_store.see(task_pages.page, asked("rare"))
    assert ([one.title for one in first.items], first.total) == (["rare"], None)
    assert first.next is not None
    second = sqlite_store.see(task_pages.page, asked("rare", after=first.next))
    assert ([one.title for one in second.items], second.next) == (["rare"], None)
    assert found(sqlite_store, asked("often", limit=1)) == ["often"] * 7
    assert found(sqlite_store, asked("rare", until="2026-12-01T00:00:00Z", state=None)) == ["rare", "rare"]


@pytest.mark.parametrize(
    ("view", "index"), [({}, "ix_tasks_kind_state"), ({"sort": "age", "eligible": True}, "ix_tasks_pending")]
)
def test_words_are_looked_for_in_an_index_alone(store: TaskHouse, view: dict[str, Any], index: str) -> None:
    database = store.house.database

    def look(connection: Connection) -> None:
        if not database.is_sqlite:
            connection.execute(text("SET LOCAL enable_seqscan = off"))
            connection.execute(text("SET LOCAL enable_sort = off"))
        task_pages.page(Tx(Batch(connection, AT, str), store.caller("ann"), store.experiment_id), asked("word", **view))

    planned = [plan for plan in plans(database, look) if "tasks" in plan]
    how = "COVERING INDEX" if database.is_sqlite else "Index Only Scan using"
    assert f"{how} {index} " in planned[0], planned
    assert "SORT" not in planned[0].upper()


@pytest.mark.parametrize("url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_the_migration_gives_tasks_their_titles(url: str, request: pytest.FixtureRequest, tmp_path: Any) -> None:
    old = f"sqlite:///{tmp_path / 'old.db'}" if url == "sqlite" else request.getfixturevalue("empty_postgresql_url")
    upgrade(old, BEFORE)
    engine = create_engine(old)
    with engine.begin() as connection:
        idea = "INSERT INTO ideas (experiment_id, idea_id, number, slug, priority, parent_commits, artifacts_uri, "
        connection.execute(
            text(idea + "state, created_at) VALUES ('exp_1', 'i', 1, 'wide', 1, '[]', 'u', 'ready', 't')")
        )
        variant = "INSERT INTO variants (experiment_id, variant_id, number, kind, idea_id, status, parent_commits, "
        variant += (
            "started_at, evaluation_attempts) VALUES ('exp_1', :id, :number, :kind, :idea, 'success', '[]', 't', 0)"
        )
        connection.execute(text(variant), {"id": "v", "number": 1, "kind": None, "idea": "i"})
        connection.execute(text(variant), {"id": "b", "number": 2, "kind": "baseline", "idea": None})
        task = "INSERT INTO tasks (experiment_id, task_id, number, kind, state, payload, subject_id, priority, "
        task += "created_at, updated_at) VALUES ('exp_1', :id, :number, :kind, 'completed', '{}', :about, 1, 't', 't')"
        for number, (kind, about) in TASKS.items():
            row = {"id": f"t{number}", "number": number, "kind": kind, "about": about}
            connection.execute(text(task), row)
    upgrade(old)
    with engine.connect() as connection:
        titles = connection.execute(text("SELECT title FROM tasks ORDER BY number")).scalars().all()
    engine.dispose()
    assert titles == [None, "wide", "wide", "baseline", "wide"]


TASKS = {
    1: ("ideation", None), 2: ("execution", "i"), 10_000: ("evaluation", "v"), 10_001: ("evaluation", "b"),
    20_001: ("execution", "i"),
}  # fmt: skip
