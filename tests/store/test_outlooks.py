"""What waits in many experiments is, for each, what the dispatcher says of it alone; and it is read by index."""

from typing import Any

import pytest
from sqlalchemy import Connection, insert

from control_plane.db.batch import Batch
from control_plane.db.tables import experiments, tallies
from control_plane.db.transaction import Tx
from control_plane.task_store.operations import dispatch, outlooks, variants
from control_plane.task_store.operations.outlooks import Outlook
from control_plane.wiring import RegistryForOrchestrator
from store_client.wire.variants import IntegrateVariant
from tests.bench.growth import Growth
from tests.store.plans import plans
from tests.store.task_house import AT, BASE, CONFIG, TaskHouse, begin_experiment, sha, ulid

OTHER = "exp_" + ulid(2)
SIZE = 5_000


def as_dispatched(tx: Tx) -> Outlook:
    """The dispatcher's own answers."""
    return Outlook(
        has_submitted=bool(dispatch.submitted(tx)),
        has_ready_idea=bool(dispatch.ready_ideas(tx)),
        has_evaluable=bool(dispatch.evaluable(tx)),
        has_integrable=bool(dispatch.integrable(tx)),
        executing=dispatch.executing(tx),
        in_flight=dispatch.in_flight(tx),
        ideations=dispatch.ideations(tx),
        attempted=dispatch.attempted(tx),
        integrated=dispatch.integrated(tx),
    )


def check(store: TaskHouse) -> Outlook:
    """The outlook now, the same as the dispatcher's; an experiment beside it has none of it."""
    found: dict[str, Outlook] = store.see(lambda tx: outlooks.of(tx, [store.experiment_id, OTHER]))
    assert found[store.experiment_id] == store.see(as_dispatched)
    assert found[OTHER] == Outlook(False, False, False, False, 0, 0, dispatch.Ideations(0, 0), 0, 0)
    return found[store.experiment_id]


def test_the_outlook_is_what_the_dispatcher_says_at_every_moment_of_a_day(store: TaskHouse) -> None:
    store.house.writer.write(lambda tx: begin_experiment(tx, OTHER))
    assert not check(store).has_ready_idea
    baseline = store.baseline_body()
    store.act("orchestrators", variants.create, baseline)
    assert check(store).has_evaluable
    ideation = store.task()
    assert check(store).ideations.pending == 1
    store.claim(ideation)
    store.submit(ideation, idea_ids=[], status="success")
    assert check(store).has_submitted
    store.accept(ideation)
    idea_id = store.idea()
    assert check(store).has_ready_idea
    execution = store.task("execution", idea_id)
    assert not check(store).has_ready_idea
    store.claim(execution)
    variant_id = store.variant(idea_id)
    assert check(store).attempted == 1
    store.submit(execution, variant_id=variant_id, status="success", commit_sha=sha(1))
    assert check(store).has_submitted
    store.accept(execution)
    assert check(store).in_flight == 1
    evaluation = store.evaluating(variant_id)
    store.evaluating(baseline.variant_id)
    assert not check(store).has_evaluable
    store.submit(evaluation, variant_id=variant_id, status="success", evaluation={"accuracy": 1})
    store.accept(evaluation)
    assert check(store).has_integrable
    store.act("orchestrators", variants.integrate, variant_id, IntegrateVariant(variant_commit_sha=sha(2)))
    last = check(store)
    assert (last.has_integrable, last.integrated, last.in_flight) == (False, 1, 0)


@pytest.fixture
def crowded(store: TaskHouse) -> TaskHouse:
    """Two experiments with five thousand variants and tasks each, among five thousand that have ended."""
    store.house.writer.write(lambda tx: begin_experiment(tx, OTHER))
    ended: dict[str, Any] = {"status": "completed", "name": "Ended", "config": CONFIG, "base_commit_sha": BASE}
    ended |= {"dispatch_mode": {}, "automation": {}, "created_at": AT, "updated_at": AT}
    rows = [{**ended, "experiment_id": f"exp_{ulid(n)}", "slug": f"ended-{n}"} for n in range(10, SIZE)]
    store.house.writer.write(lambda tx: tx.connection.execute(insert(experiments), rows).close())
    counts = [{"experiment_id": row["experiment_id"], "name": "variants", "total": 1} for row in rows]
    store.house.writer.write(lambda tx: tx.connection.execute(insert(tallies), counts).close())
    for experiment_id in (store.experiment_id, OTHER):
        Growth(store.house.database, experiment_id).variants(SIZE)
        Growth(store.house.database, experiment_id).tasks(SIZE)
    return store


def test_a_full_round_reads_by_index_however_much_there_is(crowded: TaskHouse) -> None:
    house = crowded.house

    def read(connection: Connection) -> None:
        tx = Tx(Batch(connection, house.clock(), house.mint))
        RegistryForOrchestrator("").open_experiments(tx)
        outlooks.of(tx, [crowded.experiment_id, OTHER])

    found = plans(house.database, read)
    assert len(found) == 3
    for plan in found:
        for table in ("experiments", "tasks", "variants", "tallies"):
            assert f"SCAN {table}" not in plan, plan
            assert f"Seq Scan on {table}" not in plan, plan
    text = "\n".join(found)
    for index in ("open", "submitted", "evaluable", "integrable", "baseline"):
        assert f"_{index}" in text, index
