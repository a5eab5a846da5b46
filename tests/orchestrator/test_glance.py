"""The full round: it asks of all open experiments at once, and overlooks nothing that waits in one of them."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import RowMapping, event

from control_plane.db.transaction import Tx
from control_plane.orchestrator.loop import Orchestrator
from control_plane.registry.operations import groups
from control_plane.registry.operations.experiments import RESERVED
from store_client.wire.tasks import TaskState
from tests.orchestrator.desk_house import BY_HAND, DeskHouse
from tests.store.task_house import begin_experiment, ulid

LONG_AGO = "2020-01-01T00:00:00.000000Z"


def statements_of(desk: DeskHouse, act: Callable[[], None]) -> list[str]:
    """What is asked of the database meanwhile."""
    seen: list[str] = []
    engine = desk.store.house.database.engine

    def note(*given: Any) -> None:
        seen.append(given[2])

    event.listen(engine, "before_cursor_execute", note)
    act()
    event.remove(engine, "before_cursor_execute", note)
    return seen


def watched(orchestrator: Orchestrator) -> list[str]:
    """A list that grows with every experiment that is looked at."""
    looked: list[str] = []
    step = orchestrator.step

    def witness(row: RowMapping) -> None:
        looked.append(row["experiment_id"])
        step(row)

    orchestrator.step = witness  # type: ignore[method-assign]  # it only looks on
    return looked


def begin_others(desk: DeskHouse, numbers: range) -> None:
    """Experiments with the same config and modes."""
    row = desk.store.see(lambda tx: dict(tx.experiment))

    def begin(tx: Tx) -> None:
        for number in numbers:
            inside = tx.at("exp_" + ulid(number))
            begin_experiment(inside, inside.experiment_id, **{key: row[key] for key in ("config", "dispatch_mode")})
            for name in RESERVED:
                groups.make(inside, name)

    desk.store.house.writer.write(begin)


def test_a_full_round_without_news_asks_no_more_of_many_experiments_than_of_one(desk: DeskHouse) -> None:
    desk.configure(ideation_policy={"kind": "maintain_pending", "target": 2}, baseline={"enabled": True})
    orchestrator = desk.orchestrator()
    asked = []
    for numbers in (range(2, 3), range(3, 13)):
        begin_others(desk, numbers)
        desk.settle(orchestrator)
        orchestrator.round()
        asked.append(statements_of(desk, orchestrator.round))
    assert len(desk.tasks("ideation")) == 2
    assert len(asked[0]) == len(asked[1]) <= 4, asked[1]
    assert all(statement.startswith("SELECT") for statement in asked[1])


def nothing(_desk: DeskHouse) -> None:
    pass


def an_idea(desk: DeskHouse) -> None:
    desk.store.idea()


def a_commit(desk: DeskHouse) -> None:
    desk.store.executed()


def a_success(desk: DeskHouse) -> None:
    desk.store.evaluated(desk.store.executed(), accuracy=1)


def an_integration(desk: DeskHouse) -> None:
    a_success(desk)
    desk.configure(BY_HAND | {"integration": "auto"})


def is_ended(desk: DeskHouse) -> bool:
    return bool(desk.told("experiment.terminated"))


def ends(policy: dict[str, Any]) -> tuple[str, dict[str, Any], Callable[[DeskHouse], bool]]:
    return "termination", {"termination_policy": policy}, is_ended


WAITING: dict[str, tuple[Callable[[DeskHouse], None], tuple[str, dict[str, Any], Callable[[DeskHouse], bool]]]] = {
    "a missing ideation": (
        nothing,
        (
            "ideation_creation",
            {"ideation_policy": {"kind": "fixed_total", "total": 1}},
            lambda desk: len(desk.tasks("ideation")) == 1,
        ),
    ),
    "a ready idea": (an_idea, ("execution_dispatch", {}, lambda desk: len(desk.tasks("execution")) == 1)),
    "a commit": (a_commit, ("evaluation_dispatch", {}, lambda desk: len(desk.tasks("evaluation")) == 1)),
    "a success": (
        a_success,
        ("integration", {}, lambda desk: desk.variants()[0].variant_commit_sha is not None),
    ),
    "a missing baseline": (
        nothing,
        ("integration", {"baseline": {"enabled": True}}, lambda desk: len(desk.variants()) == 1),
    ),
    "enough variants": (a_success, ends({"kind": "max_variants", "target": 1})),
    "a target": (
        an_integration,
        ends({"kind": "target_condition", "metric": "accuracy", "threshold": 1, "direction": "maximize"}),
    ),
    "a policy that fails": (
        nothing,
        (
            "termination",
            {"termination_policy": {"kind": "max_wall_time", "duration": "soon"}},
            lambda desk: len(desk.told("experiment.policy_error")) == 1,
        ),
    ),
}


@pytest.mark.parametrize("name", WAITING)
def test_a_full_round_finds_what_no_event_tells_of(desk: DeskHouse, name: str) -> None:
    prepare, (key, config, is_done) = WAITING[name]
    orchestrator = desk.orchestrator()
    desk.configure(BY_HAND)
    prepare(desk)
    desk.settle(orchestrator)
    desk.configure(BY_HAND | {key: "auto"}, **config)
    orchestrator.round(everything=False)
    assert not is_done(desk), "nobody said that it could be decided now"
    orchestrator.round()
    assert is_done(desk)


def test_time_ends_an_experiment_in_which_nothing_happens(desk: DeskHouse) -> None:
    desk.configure(termination_policy={"kind": "max_wall_time", "duration": "PT2H"})
    orchestrator = desk.orchestrator()
    desk.settle(orchestrator)
    looked = watched(orchestrator)
    orchestrator.round()
    assert looked == []
    desk.store.set(created_at=LONG_AGO)
    orchestrator.round()
    assert is_ended(desk)


def test_what_there_is_no_room_or_no_reason_for_is_not_looked_at(desk: DeskHouse) -> None:
    policy = {"kind": "target_condition", "metric": "accuracy", "threshold": 2, "direction": "maximize"}
    desk.configure(parallel_variants=2, baseline={"enabled": True}, termination_policy=policy)
    desk.store.evaluated(desk.store.executed(), accuracy=1)
    for _ in range(4):
        desk.store.idea()
    orchestrator = desk.orchestrator()
    desk.settle(orchestrator)
    desk.work(desk.tasks("execution", TaskState.PENDING)[0], 7)
    desk.settle(orchestrator)
    looked = watched(orchestrator)
    orchestrator.round()
    assert looked == []


def test_a_look_that_failed_is_repeated_though_nothing_seems_to_wait(desk: DeskHouse) -> None:
    orchestrator = desk.orchestrator()
    desk.settle(orchestrator)
    step, failures = orchestrator.step, [OSError("the disk is gone")]

    def fail_once(row: RowMapping) -> None:
        if failures:
            raise failures.pop()
        step(row)

    orchestrator.step = fail_once  # type: ignore[method-assign]  # the fault has to come from somewhere
    desk.store.house.writer.write(lambda tx: tx.tell("experiment.resumed"), experiment_id=desk.store.experiment_id)
    orchestrator.round(everything=False)
    assert failures == []
    looked = watched(orchestrator)
    orchestrator.round()
    orchestrator.round()
    assert looked == [desk.store.experiment_id]


def test_an_experiment_that_was_another_orchestrators_is_looked_at_whatever_it_seems(desk: DeskHouse) -> None:
    first, second = desk.orchestrator(), desk.orchestrator()
    desk.settle(first)
    second.round()
    looked = watched(second)
    second.round()
    assert looked == [], "the lease is the first one's"
    first.stop()
    second.round()
    assert looked == [desk.store.experiment_id]
