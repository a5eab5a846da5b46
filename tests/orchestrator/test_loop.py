"""The loop: it wakes for what matters, sleeps otherwise, and outlives what goes wrong in one experiment."""

from collections.abc import Iterator

import pytest
from sqlalchemy import RowMapping, event

from control_plane.orchestrator.loop import Orchestrator
from tests.orchestrator.desk_house import DeskHouse, open_desk
from tests.scheduler.attempts import eventually
from tests.store.task_house import begin_experiment, ulid

OTHER = "exp_" + ulid(2)


@pytest.fixture
def quick(sqlite_url: str) -> Iterator[DeskHouse]:
    """A house of SQLite alone."""
    with open_desk(sqlite_url) as opened:
        yield opened


@pytest.fixture
def running(quick: DeskHouse) -> Iterator[Orchestrator]:
    """An orchestrator on its thread."""
    orchestrator = quick.orchestrator()
    orchestrator.start()
    yield orchestrator
    orchestrator.stop()


def statements_of(desk: DeskHouse) -> list[str]:
    """A list that grows with every statement."""
    seen: list[str] = []
    engine = desk.store.house.database.engine
    event.listen(engine, "before_cursor_execute", lambda *given: seen.append(given[2]))
    return seen


@pytest.mark.usefixtures("running")
def test_a_ready_idea_is_dispatched_at_once(quick: DeskHouse) -> None:
    idea_id = quick.store.idea()
    eventually(lambda: [task.payload["idea_id"] for task in quick.tasks("execution")] == [idea_id], "its task")


def test_a_round_without_news_asks_little_and_writes_nothing(quick: DeskHouse) -> None:
    orchestrator = quick.orchestrator()
    quick.settle(orchestrator)
    seen = statements_of(quick)
    orchestrator.round(everything=False)
    assert len([statement for statement in seen if statement.startswith("SELECT")]) <= 2, seen
    seen.clear()
    orchestrator.round()
    assert len(seen) <= 4, seen
    assert not [statement for statement in seen if statement.startswith(("INSERT", "UPDATE", "DELETE"))]


def test_only_experiments_with_news_are_looked_at(quick: DeskHouse) -> None:
    quick.store.house.writer.write(lambda tx: begin_experiment(tx, OTHER))
    orchestrator = quick.orchestrator()
    quick.settle(orchestrator)
    looked: list[str] = []
    step = orchestrator.step

    def witness(row: RowMapping) -> None:
        looked.append(row["experiment_id"])
        step(row)

    orchestrator.step = witness  # type: ignore[method-assign]  # it only looks on
    quick.store.idea()
    orchestrator.round(everything=False)
    assert looked == [quick.store.experiment_id]
    orchestrator.round(everything=False)
    orchestrator.round(everything=False)
    assert looked.count(quick.store.experiment_id) <= 2, "its own decisions are news once"
    assert OTHER not in looked


def test_a_broken_experiment_does_not_stop_the_others(quick: DeskHouse, caplog: pytest.LogCaptureFixture) -> None:
    house = quick.store.house
    house.writer.write(lambda tx: begin_experiment(tx, OTHER, config={"no": "config"}, created_at="2020"))
    house.writer.write(lambda tx: tx.tell("experiment.started"), experiment_id=OTHER)
    quick.store.idea()
    quick.settle()
    assert len(quick.tasks("execution")) == 1
    assert not [record for record in caplog.records if "could not finish a round" in record.getMessage()]


def test_a_loop_that_could_not_finish_a_round_goes_on(quick: DeskHouse, caplog: pytest.LogCaptureFixture) -> None:
    orchestrator = quick.orchestrator()
    round_, failures = orchestrator.round, [OSError("the disk is gone")]

    def fail_once(*, everything: bool = True) -> None:
        if failures:
            raise failures.pop()
        round_(everything=everything)

    orchestrator.round = fail_once  # type: ignore[method-assign]  # the fault has to come from somewhere
    quick.store.idea()
    orchestrator.start()
    eventually(lambda: quick.tasks("execution"), "a task")
    orchestrator.stop()
    assert "the disk is gone" in caplog.text
