"""What waits, since when, and what is stuck: told exactly, and found by index."""

from datetime import timedelta
from typing import Any

from sqlalchemy import update

from control_plane.db.batch import Batch
from control_plane.db.tables import workers
from control_plane.db.transaction import Tx
from control_plane.task_store.operations import stages, variants
from control_plane.task_store.tables import tasks
from control_plane.task_store.tables import variants as variant_table
from store_client.wire.scalars import format_time, parse_time
from store_client.wire.stages import Stages
from store_client.wire.variants import IntegrateVariant
from tests.bench.growth import Growth
from tests.store.plans import plans
from tests.store.task_house import TaskHouse, sha

NOW = "2026-01-01T00:00:00.000000Z"


def see(store: TaskHouse) -> Stages:
    found: Stages = store.see(stages.read)
    return found


def test_every_stage_tells_what_waits_and_since_when(store: TaskHouse) -> None:
    empty = see(store)
    assert [(each.waiting, each.active, each.oldest_waiting_at) for each in empty.stages] == [(0, 0, None)] * 4
    first = store.task()
    store.task()
    store.claim(store.task())
    store.evaluated(store.executed(1), accuracy=0.5)
    done = store.executed(2)
    store.evaluated(done, accuracy=0.75)
    store.act("orchestrators", variants.integrate, done, IntegrateVariant(variant_commit_sha=sha(12)))
    ideation, execution, _, integration = see(store).stages
    assert (ideation.kind, ideation.waiting, ideation.active, execution.waiting) == ("ideation", 2, 1, 0)
    asked = store.see(
        lambda tx: tx.connection.scalar(
            tasks.select().with_only_columns(tasks.c.updated_at).where(tasks.c.task_id == first)
        )
    )
    assert ideation.oldest_waiting_at == asked
    assert integration.waiting == 1
    assert integration.oldest_waiting_at is not None


def test_a_claim_that_ran_out_and_a_worker_that_fell_silent_are_stuck(store: TaskHouse) -> None:
    over, silent, fine = (store.task("execution", store.idea(slug=f"idea-{n}")) for n in range(3))
    store.claim(over, "ann", expires_at="2126-01-01T00:00:00Z")
    store.claim(silent, "bob")
    store.claim(fine, "eve")

    def age(tx: Any) -> None:
        past = format_time(parse_time(tx.now) - timedelta(minutes=20))
        tx.connection.execute(update(tasks).where(tasks.c.task_id == over).values(lapses_at=past))
        who = workers.c.worker_id.in_([store.id_of("ann"), store.id_of("bob")])
        tx.connection.execute(update(workers).where(who).values(last_seen_at=past))

    store.act("admins", age)
    assert [(one.task_id, one.why, one.worker_name, one.title) for one in see(store).stuck] == [
        (over, "expired", "ann", "idea-0"), (silent, "silent", "bob", "idea-1"),
    ]  # fmt: skip


def test_what_could_not_be_evaluated_lately_is_told(store: TaskHouse) -> None:
    old, new = store.executed(1, slug="old"), store.executed(2, slug="new")
    for variant_id in (old, new):
        store.act("bob", variants.declare_evaluation_error, variant_id)
    long_ago = (
        update(variant_table).where(variant_table.c.variant_id == old).values(completed_at="2020-01-01T00:00:00Z")
    )
    store.act("admins", lambda tx: tx.connection.execute(long_ago).close())
    assert [one.label for one in see(store).unmeasured] == ["new"]


def test_stages_are_read_by_index(store: TaskHouse) -> None:
    growth = Growth(store.house.database, store.experiment_id)
    growth.tasks(20_000)
    growth.variants(2_000)
    found = plans(
        store.house.database,
        lambda connection: stages.read(Tx(Batch(connection, NOW, str), experiment_id=store.experiment_id)),
    )
    for plan in found:
        assert "SCAN tasks" not in plan, plan
        assert "SCAN variants" not in plan, plan
        assert "Seq Scan on tasks" not in plan, plan
        assert "Seq Scan on variants" not in plan, plan
