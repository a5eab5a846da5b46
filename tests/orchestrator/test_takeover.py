"""Orchestrators that follow one another: nothing is decided without a lease, and nobody waits for the dead."""

from dataclasses import replace

import pytest

from control_plane.orchestrator.loop import Orchestrator
from control_plane.registry.operations import registrations
from tests.orchestrator.desk_house import DeskHouse
from tests.orchestrator.lease_rows import SECONDS, replace_lease, rows
from tests.scheduler.attempts import eventually
from tests.store.lease_time import pass_time


def kill(orchestrator: Orchestrator) -> None:
    """What the kernel and PostgreSQL do when its process is killed: the name is free, the leases stay."""
    presence = orchestrator._keeper._presence
    assert presence is not None
    presence.let_go()


def test_without_a_lease_nothing_is_decided(desk: DeskHouse) -> None:
    """Neither tasks, nor dispatch, nor integration, nor the end."""
    replace_lease(desk.store.house, desk.store.experiment_id)
    desk.configure(termination_policy={"kind": "max_variants", "target": 0}, ideation_policy=None)
    desk.store.idea()
    desk.store.evaluated(desk.store.executed(1), accuracy=0.5)
    before = desk.store.told()
    orchestrator = desk.orchestrator()
    for _ in range(3):
        orchestrator.round()
    assert desk.store.told() == before
    pass_time(desk.store.house, SECONDS + 1)
    orchestrator.round()
    assert len(desk.store.told()) > len(before)


def test_a_lease_lost_in_the_middle_of_a_round_ends_the_step_and_the_next_holder_goes_on(
    desk: DeskHouse, caplog: pytest.LogCaptureFixture
) -> None:
    orchestrator, house = desk.orchestrator(), desk.store.house
    orchestrator.round()
    replace_lease(house, desk.store.experiment_id)
    desk.store.idea()
    before = desk.store.told()
    orchestrator.round()
    assert desk.store.told() == before
    assert "the lease was lost" in caplog.text
    pass_time(house, SECONDS + 1)
    orchestrator.round()
    assert len(desk.tasks("execution")) == 1


def test_the_next_orchestrator_need_not_wait_for_one_that_was_killed(desk: DeskHouse) -> None:
    killed = desk.orchestrator()
    killed.round()
    kill(killed)
    desk.store.idea()
    desk.orchestrator().round()
    assert len(desk.tasks("execution")) == 1
    (lease,) = rows(desk.store.house).values()
    assert lease["epoch"] == 2


def test_one_that_stands_by_takes_over_from_one_that_is_killed_but_not_from_one_that_lives(desk: DeskHouse) -> None:
    first, second = desk.orchestrator(), desk.orchestrator()
    first.round()
    desk.store.idea()
    second.round()
    assert desk.tasks("execution") == []
    kill(first)
    second.round()
    assert len(desk.tasks("execution")) == 1


def test_stopping_lets_another_decide_at_once(desk: DeskHouse) -> None:
    first, second = desk.orchestrator(), desk.orchestrator()
    first.round()
    second.round()
    first.stop()
    desk.store.idea()
    second.round()
    assert len(desk.tasks("execution")) == 1


def test_what_has_ended_and_is_drained_is_released_and_left_alone(desk: DeskHouse) -> None:
    desk.configure(termination_policy={"kind": "max_variants", "target": 0})
    orchestrator = desk.orchestrator()
    desk.settle(orchestrator)
    (lease,) = rows(desk.store.house).values()
    assert lease["released_at"] is not None
    for _ in range(3):
        orchestrator.round()
    assert rows(desk.store.house) == {lease["experiment_id"]: lease}


def test_an_experiment_that_is_not_registered_is_left_alone(desk: DeskHouse) -> None:
    desk.store.set(status="completed")
    desk.store.house.writer.write(lambda tx: registrations.unregister(tx, desk.store.experiment_id))
    desk.store.set(status="running")
    desk.store.idea()
    desk.settle()
    assert desk.tasks("execution") == []


def test_a_running_orchestrator_keeps_its_leases_beyond_their_duration(desk: DeskHouse) -> None:
    quick = replace(desk.wings, lease_seconds=0.6)
    orchestrator = Orchestrator(desk.store.house, quick)
    orchestrator.start()
    try:
        eventually(lambda: rows(desk.store.house), "a lease")
        (first,) = rows(desk.store.house).values()
        eventually(lambda: _latest(desk) > first["expires_at"], "renewals")
        desk.store.idea()
        eventually(lambda: desk.tasks("execution"), "a task")
    finally:
        orchestrator.stop()
    (last,) = rows(desk.store.house).values()
    assert last["released_at"] is not None


def _latest(desk: DeskHouse) -> str:
    (lease,) = rows(desk.store.house).values()
    return str(lease["renewed_at"])
