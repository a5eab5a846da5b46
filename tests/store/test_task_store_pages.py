"""Pages: complete, in order, without repeats, with the names people know things by."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, text

from control_plane.db.batch import Batch
from control_plane.db.transaction import Tx
from control_plane.task_store.operations import details, listing, names, progress, sample, task_pages, variants
from control_plane.task_store.rules import pages
from store_client.errors import BadRequest, NotFound
from store_client.wire.calls.ideas import IdeaPageQuery
from store_client.wire.calls.tasks import TaskPageQuery
from store_client.wire.calls.variants import SampleQuery, VariantPageQuery
from store_client.wire.tasks import Target
from store_client.wire.variants import IntegrateVariant
from tests.bench.growth import Growth
from tests.store.plans import plans
from tests.store.task_house import BASE, TaskHouse, sha


def read_all(store: TaskHouse, operation: Callable[..., Any], query: Any) -> list[Any]:
    """Every item of a list, two at a time."""
    items: list[Any] = []
    page = store.see(operation, query.having(limit=2))
    while True:
        items += page.items
        if page.next is None:
            return items
        assert len(page.items) == 2
        assert len(items) < 100, "a list without end"
        page = store.see(operation, query.having(limit=2, after=page.next))


def test_tasks_come_by_priority_then_age(store: TaskHouse) -> None:
    wanted = [(store.task("execution", store.idea(priority=p)), p) for p in (1, 3.5, -2, 3.5, 1)]
    wanted.append((store.task(), 0))
    ordered = [task_id for task_id, _ in sorted(wanted, key=lambda one: -one[1])]
    assert [task.task_id for task in read_all(store, task_pages.page, TaskPageQuery())] == ordered
    store.claim(wanted[0][0])
    pending = TaskPageQuery.model_validate({"state": "pending"})
    assert [task.task_id for task in read_all(store, task_pages.page, pending)] == [
        task_id for task_id in ordered if task_id != wanted[0][0]
    ]
    both = TaskPageQuery.model_validate({"kind": "execution", "state": "pending"})
    totals = [store.see(task_pages.page, query).total for query in (TaskPageQuery(), pending, both)]
    assert totals == [6, 5, 4]


def test_my_tasks_are_those_i_hold(store: TaskHouse) -> None:
    mine, theirs = store.task(), store.task()
    store.claim(mine, "bob")
    store.claim(theirs, "eve")
    page = store.see(task_pages.page, TaskPageQuery(claimed_by="me"), name="bob")
    assert [task.task_id for task in page.items] == [mine]
    page = store.see(task_pages.page, TaskPageQuery(claimed_by=store.id_of("eve")), name="bob")
    assert ([task.task_id for task in page.items], page.total, page.is_more) == ([theirs], 1, False)


def test_what_one_worker_has_is_counted_so_far_and_no_further(
    store: TaskHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        store.claim(store.task(), "bob")
    monkeypatch.setattr(task_pages, "COUNTED", 2)
    page = store.see(task_pages.page, TaskPageQuery(claimed_by="me", limit=1), name="bob")
    assert (page.total, page.is_more) == (2, True)


def test_a_task_is_shown_with_names_and_what_it_is_about(store: TaskHouse) -> None:
    group = store.found("trusted", store.id_of("ann"))
    idea_id = store.idea(slug="wider", priority=4, parent_commits=(BASE, sha(9)))
    task_id = store.task("execution", idea_id, Target(kind="group", id=group))
    shown = store.see(details.read_task, task_id, lambda _tx, ids: dict.fromkeys(ids, "job-1"), name="ann")
    assert (shown.title, shown.subject_id, shown.priority, shown.target_name) == ("wider", idea_id, 4, "trusted")
    assert (shown.parent_commits, shown.is_eligible, shown.latest_job_id) == ((BASE, sha(9)), True, "job-1")
    assert not store.see(details.read_task, task_id, name="bob").is_eligible
    store.claim(task_id, "ann")
    assert store.see(details.read_task, task_id).claimant_name == "ann"
    ideation = store.see(details.read_task, store.task())
    assert (ideation.subject_id, ideation.parent_commits, ideation.latest_job_id) == (None, (BASE,), None)
    baseline = store.act("orchestrators", variants.create, store.baseline_body())
    assert store.see(details.read_task, store.task("evaluation", baseline.variant_id)).title == "baseline"
    with pytest.raises(NotFound):
        store.see(details.read_task, "nowhere")


def test_ideas_come_newest_first_with_author_and_outcome(store: TaskHouse) -> None:
    ids = [store.idea(is_ready=False) for _ in range(3)]
    _, idea_id, variant_id = store.executing()
    found = read_all(store, listing.idea_page, IdeaPageQuery())
    assert [idea.idea_id for idea in found] == [idea_id, *reversed(ids)]
    assert (found[0].author_name, found[0].variant_ids) == ("ann", (variant_id,))
    assert store.see(details.read_task, found[0].execution_task_id).subject_id == idea_id
    drafting = IdeaPageQuery.model_validate({"state": "drafting"})
    assert [idea.idea_id for idea in read_all(store, listing.idea_page, drafting)] == [*reversed(ids)]
    assert [store.see(listing.idea_page, query).total for query in (IdeaPageQuery(), drafting)] == [4, 3]


def scored(store: TaskHouse, values: tuple[float | None, ...]) -> list[str]:
    made = []
    for number, value in enumerate(values):
        made.append(store.executed(number + 1))
        if value is not None:
            store.evaluated(made[-1], accuracy=value)
    return made


def test_variants_come_newest_first_or_best_first_with_the_unscored_last(store: TaskHouse) -> None:
    a, b, c, d, e, f = scored(store, (0.5, None, 0.75, 0.5, None, 1))
    newest = read_all(store, listing.variant_page, VariantPageQuery())
    assert [variant.variant_id for variant in newest] == [f, e, d, c, b, a]
    assert [variant.number for variant in newest] == [6, 5, 4, 3, 2, 1]
    best = VariantPageQuery(order="best")
    assert [variant.variant_id for variant in read_all(store, listing.variant_page, best)] == [f, c, a, d, e, b]
    config = store.see(lambda tx: tx.experiment["config"])
    store.set(config=config | {"objective": {"expr": "accuracy", "direction": "minimize"}})
    assert [variant.variant_id for variant in read_all(store, listing.variant_page, best)] == [a, d, c, f, e, b]
    starting = VariantPageQuery.model_validate({"status": "starting", "order": "best"})
    assert [variant.variant_id for variant in read_all(store, listing.variant_page, starting)] == [e, b]
    assert [store.see(listing.variant_page, query).total for query in (best, starting)] == [6, 2]


def test_a_variant_is_shown_with_its_score_and_its_parents(store: TaskHouse) -> None:
    baseline = store.act("orchestrators", variants.create, store.baseline_body())
    store.evaluated(baseline.variant_id, accuracy=0.25)
    first = store.executed(1, slug="first")
    store.evaluated(first, accuracy=0.5)
    store.act("orchestrators", variants.integrate, first, IntegrateVariant(variant_commit_sha=sha(11)))
    child = store.executed(2, slug="second", parent_commits=(sha(11), BASE, sha(99)))
    task_id = store.evaluating(child)
    store.submit(task_id, variant_id=child, status="evaluation_error")
    store.reject(task_id)
    shown = store.see(details.read_variant, child)
    assert (shown.label, shown.number, shown.objective_value, shown.is_best) == ("second", 3, None, False)
    assert (shown.executor_name, shown.evaluator_name, shown.evaluation_attempts) == ("bob", None, 1)
    assert [(parent.label, parent.variant_id, parent.objective_value) for parent in shown.parents] == [
        ("first", first, 0.5),
        ("baseline", baseline.variant_id, 0.25),
        (sha(99)[:10], None, None),
    ]
    best = store.see(details.read_variant, first)
    assert (best.is_best, best.objective_value, best.evaluator_name) == (True, 0.5, "bob")


def test_progress_is_every_variant_in_order(store: TaskHouse) -> None:
    baseline = store.act("orchestrators", variants.create, store.baseline_body())
    store.evaluated(baseline.variant_id, accuracy=0.25, steps=2)
    made = scored(store, (0.5, None))
    points = store.see(progress.read)
    assert [(point.variant_id, point.objective_value, point.number) for point in points] == [
        (baseline.variant_id, 0.25, 1), (made[0], 0.5, 2), (made[1], None, 3),
    ]  # fmt: skip
    assert (points[0].label, points[0].is_baseline, points[1].is_baseline) == ("baseline", True, False)
    assert (points[0].metrics, points[1].status, points[2].metrics) == ({"accuracy": 0.25, "steps": 2}, "success", {})


@pytest.mark.parametrize("after", ["", "!", "bm90IGpzb24", pages.write((1, 2))[:-2], "WzFd", "e30", "W251bGwsIDFd"])
def test_a_place_that_no_page_named_is_a_bad_request(after: str) -> None:
    with pytest.raises(BadRequest):
        pages.read(after)


@pytest.mark.parametrize("place", [(1.5, 2), (-1e300, 2**40), (0.1 + 0.2, 0)])
def test_a_place_is_read_back_exactly(place: pages.Place) -> None:
    assert pages.read(pages.write(place)) == place


def test_what_came_of_ideas_and_what_was_measured_is_found_without_walking_along_all_variants(
    sqlite_store: TaskHouse,
) -> None:
    house, here = sqlite_store.house, sqlite_store.experiment_id
    Growth(house.database, here).variants(3_000)
    apart = text("UPDATE variants SET idea_id = 'i-' || number, commit_sha = NULL, variant_commit_sha = NULL")
    sqlite_store.act("admins", lambda tx: tx.connection.execute(apart).close())
    sqlite_store.act("admins", lambda tx: tx.connection.exec_driver_sql("ANALYZE").close())

    def asked(connection: Connection) -> None:
        tx = Tx(Batch(connection, "", str), sqlite_store.caller("ann"), here)
        names.variants_of(tx, [f"i-{number}" for number in range(0, 300, 10)])
        sample.read(tx, SampleQuery(limit=40))

    found = "\n".join(plans(house.database, asked))
    assert "ix_variants_idea (experiment_id=? AND idea_id=?)" in found
    assert "uq_variants_baseline (experiment_id=?)" in found
    assert "uq_variants_number (experiment_id=?)" not in found
