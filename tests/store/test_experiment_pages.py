"""Pages of experiments: complete, in order, searched, and found by index however many there are."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from control_plane.db import tally
from control_plane.db.batch import Batch
from control_plane.db.tables import DEPLOYMENT
from control_plane.db.transaction import ADMIN, Caller, Tx
from control_plane.registry.operations import lifecycle, reading, summaries
from control_plane.registry.rules import places
from store_client.errors import BadRequest
from store_client.wire.calls.experiments import ExperimentFilter, ExperimentPageQuery
from store_client.wire.experiments import ChangeAutomation, EndExperiment, ExperimentPage
from tests.registry import Registry, open_registry
from tests.store.plans import plans

AS_DRAFT = text("UPDATE experiments SET status = 'draft' WHERE experiment_id = :of")


@pytest.fixture
def registry(database_url: str) -> Iterator[Registry]:
    with open_registry(database_url) as opened:
        yield opened


def page(registry: Registry, **query: Any) -> ExperimentPage:
    return registry.act(summaries.page, ExperimentPageQuery.model_validate(query))


def names(registry: Registry, **query: Any) -> list[str]:
    """The names on all pages, two at a time."""
    found, after = [], None
    while True:
        one = page(registry, limit=2, after=after, **query)
        found += [item.name for item in one.items]
        after = one.next
        if after is None:
            return found
        assert len(found) < 50, "a list without end"


def test_what_is_under_way_comes_first_and_no_page_repeats_or_skips(registry: Registry) -> None:
    made = {name: registry.experiment(name) for name in ("One", "Two", "Three", "Four", "Five", "Six")}
    registry.at(made["Five"], lifecycle.pause)
    registry.at(made["Six"], lambda tx: lifecycle.end(tx, EndExperiment(outcome="failed")))
    registry.at(made["One"], lambda tx: lifecycle.end(tx, EndExperiment()))
    assert names(registry) == ["Four", "Three", "Two", "Five", "Six", "One"]
    assert names(registry, status="running") == ["Four", "Three", "Two"]
    whole = page(registry)
    assert (whole.total, whole.by_status) == (6, {"running": 3, "paused": 1, "failed": 1, "completed": 1})
    assert page(registry, status="paused").total == 1


def test_words_are_looked_for_in_names_and_slugs_and_ids_as_a_whole(registry: Registry) -> None:
    wide = registry.experiment("Wide 100% nets")
    registry.experiment("Narrow nets")
    assert names(registry, q="NETS") == ["Narrow nets", "Wide 100% nets"]
    assert names(registry, q="nets wide") == ["Wide 100% nets"]
    assert names(registry, q="0%") == ["Wide 100% nets"]
    assert names(registry, q=wide) == ["Wide 100% nets"]
    assert names(registry, q="_") == []


def test_a_few_are_told_by_their_ids_as_far_as_the_caller_sees_them(registry: Registry) -> None:
    one, _, three = (registry.experiment(name) for name in ("One", "Two", "Three"))
    wanted = ExperimentFilter(ids=f"{one},{three},exp_nowhere")

    def told(caller: Caller) -> list[str]:
        found = registry.at(DEPLOYMENT, lambda tx: reading.list_summaries(tx, wanted), caller)
        return [each.name for each in found]

    assert told(ADMIN) == ["Three", "One"]
    assert told(somebody(registry, "viewer", is_confined=True, **{one: "viewer"})) == ["One"]


def test_those_that_wait_for_a_person_are_found_and_counted(registry: Registry) -> None:
    waits, automatic, paused = (registry.experiment(name) for name in ("Waits", "Automatic", "Paused"))
    registry.experiment("Idle")
    for scope in (waits, automatic, paused):
        registry.at(scope, lambda tx: tally.add(tx.connection, tx.experiment_id, "tasks.execution.pending", 2))
        registry.at(scope, lambda tx: lifecycle.change_automation(tx, ChangeAutomation(executor="manual")))
    registry.at(paused, lifecycle.pause)
    by_itself = 'UPDATE experiments SET automation = \'{"executor": "automatic"}\' WHERE experiment_id = :of'
    registry.act(lambda tx: tx.connection.execute(text(by_itself), {"of": automatic}) and None)
    assert names(registry, needs=True) == ["Waits"]
    assert names(registry, needs=False) == ["Idle", "Automatic", "Paused"]
    assert page(registry).needing == 1


def somebody(registry: Registry, role: str, *, is_confined: bool, **roles: str) -> Caller:
    """A person with a role in the deployment, and others in experiments."""
    worker_id, _ = registry.worker(DEPLOYMENT, f"{role} {len(roles)}")
    moment = "2026-01-01T00:00:00.000000Z"
    registry.put("operators", operator_id=worker_id, role=role, is_confined=is_confined, created_at=moment)
    for experiment_id, given in roles.items():
        row = {"operator_id": worker_id, "experiment_id": experiment_id, "role": given}
        registry.put("experiment_roles", **row, granted_at=moment, granted_by="admin")
    return Caller(worker_id, is_confined=is_confined)


def test_what_waits_is_told_to_whoever_may_do_it_the_first_of_it_beside_the_page(registry: Registry) -> None:
    draft, *waiting = (registry.experiment(f"Experiment {number}") for number in range(6))
    registry.put("tallies", experiment_id=draft, name="tasks.ideation.pending", total=1)
    registry.at(draft, lambda tx: tx.connection.execute(AS_DRAFT, {"of": draft}) and None)
    for scope in waiting:
        registry.put("tallies", experiment_id=scope, name="tasks.ideation.pending", total=1)
        registry.at(scope, lambda tx: lifecycle.change_automation(tx, ChangeAutomation(ideator="manual")))
    granted = {waiting[0]: "viewer", waiting[2]: "operator", waiting[3]: "administrator", draft: "administrator"}

    def told(caller: Caller, first: int = 2) -> tuple[int, list[str]]:
        query = ExperimentPageQuery(limit=1, first_needing=first)
        found = registry.at(DEPLOYMENT, lambda tx: summaries.page(tx, query), caller)
        return found.needing, [one.name for one in found.waiting]

    assert told(somebody(registry, "administrator", is_confined=False)) == (6, ["Experiment 5", "Experiment 4"])
    assert told(somebody(registry, "operator", is_confined=False), 9)[0] == 5
    assert told(somebody(registry, "viewer", is_confined=False, **granted)) == (2, ["Experiment 4", "Experiment 3"])
    assert told(somebody(registry, "viewer", is_confined=True, **granted), 1) == (2, ["Experiment 4"])
    assert told(somebody(registry, "viewer", is_confined=True)) == (0, [])
    assert told(ADMIN, 0) == (6, [])


def test_a_page_is_found_by_index_and_asks_as_much_for_few_as_for_many(registry: Registry) -> None:
    def statements() -> list[str]:
        query = ExperimentPageQuery(limit=5, after=page(registry, limit=5).next)
        return plans(registry.house.database, lambda connection: summaries.page(Tx(Batch(connection, "", str)), query))

    for number in range(12):
        registry.experiment(f"Experiment {number}")
    few = statements()
    assert any("ix_experiments_standing" in plan for plan in few) or not registry.house.database.is_sqlite
    for number in range(30):
        registry.experiment(f"More {number}")
    assert len(statements()) == len(few)


@pytest.mark.parametrize(
    "after", ["", "!", "bm90IGpzb24", "WzFd", "e30", "WzEsIDIsIDNd", places.write((1, "a\x00", "b"))]
)
def test_a_place_that_no_page_named_is_a_bad_request(after: str) -> None:
    with pytest.raises(BadRequest):
        places.read(after)
