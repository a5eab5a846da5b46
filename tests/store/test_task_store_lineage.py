"""The graph of variants: every edge of it, known early or late, in pages, by changes, and around one variant."""

import pytest
from sqlalchemy import Connection

from control_plane.db import log
from control_plane.db.batch import Batch
from control_plane.db.transaction import Tx
from control_plane.task_store.operations import descent, lineage, variants
from control_plane.task_store.tables import variant_parents
from store_client.errors import NotFound
from store_client.wire.calls.variants import AroundQuery, LineageQuery
from store_client.wire.variants import IntegrateVariant, Lineage
from tests.store.plans import plans
from tests.store.task_house import AT, BASE, TaskHouse, sha


def whole(store: TaskHouse) -> Lineage:
    found: Lineage = store.see(lineage.page, LineageQuery())
    return found


def edges(shown: Lineage) -> dict[str, tuple[str, ...]]:
    """What each variant was built on, by label."""
    names = dict(zip(shown.numbers, shown.labels, strict=True))
    return {
        label: tuple(names.get(one, f"number {one}") for one in parents)
        for label, parents in zip(shown.labels, shown.parents, strict=True)
    }


def chain(store: TaskHouse, length: int) -> list[str]:
    """The baseline, and variants that were built each on the one before; their ids."""
    baseline = store.baseline_body(
        status="success", completed_at=AT, evaluation={"accuracy": 0.5, "steps": 1, "note": ""}
    )
    store.act("orchestrators", variants.create, baseline)
    ids, parent = [baseline.variant_id], BASE
    for number in range(1, length):
        ids.append(store.executed(number, slug=f"step-{number}", parent_commits=(parent,)))
        parent = sha(number)
    return ids


def test_every_variant_is_tied_to_what_it_was_built_on(store: TaskHouse) -> None:
    _, second, third = chain(store, 3)
    store.evaluated(second, accuracy=0.75, steps=1, note="")
    store.act("orchestrators", variants.integrate, second, IntegrateVariant(variant_commit_sha=sha(77)))
    store.executed(5, slug="both", parent_commits=(sha(77), sha(2)))
    shown = whole(store)
    assert edges(shown) == {
        "baseline": (), "step-1": ("baseline",), "step-2": ("step-1",), "both": ("step-1", "step-2"),
    }  # fmt: skip
    assert (shown.statuses, shown.values[:2]) == ("+*..", (0.5, 0.75))
    assert (shown.baseline, shown.best, shown.total, shown.ids[2]) == (1, 2, 4, third)


def test_a_parent_may_get_its_commit_after_its_child_began(store: TaskHouse) -> None:
    task_id, _, variant_id = store.executing(slug="early")
    store.executing(slug="child", parent_commits=(sha(9),))
    assert edges(whole(store)) == {"early": (), "child": ()}
    store.submit(task_id, variant_id=variant_id, status="success", commit_sha=sha(9))
    store.accept(task_id)
    assert edges(whole(store)) == {"early": (), "child": ("early",)}


def test_what_came_together_is_tied_together(store: TaskHouse) -> None:
    chain(store, 4)
    known = edges(whole(store))
    store.act("ann", lambda tx: tx.run(variant_parents.update().values(parent_number=None)))
    assert edges(whole(store))["step-2"] == ()
    store.act("ann", descent.settle)
    assert edges(whole(store)) == known


def test_pages_follow_each_other_and_changes_follow_pages(store: TaskHouse) -> None:
    ids = chain(store, 5)
    first = store.see(lineage.page, LineageQuery(limit=3))
    assert (first.numbers, first.next, first.total) == ((1, 2, 3), 3, 5)
    rest = store.see(lineage.page, LineageQuery(limit=3, after=3))
    assert (rest.numbers, rest.next, rest.parents) == ((4, 5), None, ((3,), (4,)))
    nothing = store.see(lineage.page, LineageQuery(since=first.cursor))
    assert (nothing.numbers, nothing.cursor) == ((), first.cursor)
    store.evaluated(ids[2], accuracy=0.9, steps=1, note="")
    store.executing(slug="new", parent_commits=(sha(4),))
    changed = store.see(lineage.page, LineageQuery(since=first.cursor))
    assert (changed.numbers, changed.statuses, changed.best) == ((3, 4, 6), "+..", 3)
    assert changed.cursor == store.see(lambda tx: log.tip(tx.connection)) > first.cursor


def test_around_a_variant_are_its_kin_nearest_first(store: TaskHouse) -> None:
    ids = chain(store, 8)
    store.executed(50, slug="aunt", parent_commits=(sha(2),))
    near = store.see(lineage.around, ids[4], AroundQuery(limit=3))
    assert near.numbers == (4, 5, 6)
    every = store.see(lineage.around, ids[4], AroundQuery(limit=20))
    assert every.numbers == tuple(range(1, 10))
    assert edges(every)["aunt"] == ("step-2",)
    with pytest.raises(NotFound):
        store.see(lineage.around, "nothing", AroundQuery())


def test_kin_are_found_each_by_its_number_whatever_the_database_knows_of_how_many_there_are(
    sqlite_store: TaskHouse,
) -> None:
    ids = chain(sqlite_store, 8)

    def plan() -> str:
        return "\n".join(plans(sqlite_store.house.database, asked))

    def asked(connection: Connection) -> None:
        tx = Tx(Batch(connection, "", str), sqlite_store.caller("ann"), sqlite_store.experiment_id)
        lineage.around(tx, ids[4], AroundQuery(limit=20))

    for _ in range(2):
        assert "variant_parents_1 (experiment_id=? AND number=?)" in (found := plan())
        assert "ix_variant_parents_parent (experiment_id=? AND parent_number=?)" in found
        assert "number>?" not in found
        sqlite_store.act("admins", lambda tx: tx.connection.exec_driver_sql("ANALYZE").close())
