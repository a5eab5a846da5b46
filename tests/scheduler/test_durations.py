"""What ended attempts took is kept by kind, bounded, and only of those that ended by themselves."""

from typing import Any

import pytest
from sqlalchemy import func, insert, select

from control_plane.scheduler.duration_tables import durations as table
from control_plane.scheduler.operations import durations
from control_plane.scheduler.operations.attempts import Ending
from control_plane.scheduler.rules.durations import History, Kind, kind_of
from store_client.wire.jobs import JobState, Resources
from tests.scheduler.queue_house import Queue

CPU = Resources()


def rows(queue: Queue) -> list[Any]:
    return list(queue.write(lambda tx: tx.connection.execute(select(table)).mappings().all()))


def kind(queue: Queue, name: str, need: Resources = CPU, role: str | None = None) -> Kind:
    return kind_of(queue.store.experiment_id, role, name, need)


def test_numbers_in_a_name_tell_no_kinds_apart_and_shapes_do() -> None:
    one, other = (kind_of("exp", None, f"sweep lr {number}/80", CPU) for number in (3, 17))
    assert one == other
    assert kind_of("exp", None, "sweep lr 3/80", Resources(gpus=1)) != one
    assert kind_of("exp", "executor", "idea-1", CPU) == kind_of("exp", "executor", "another idea", CPU)


def test_an_attempt_that_ends_by_itself_is_kept_with_its_kind(queue: Queue) -> None:
    queue.bring(JobState.SUCCEEDED)
    (row,) = rows(queue)
    assert (row["kind"], row["experiment_id"]) == (kind(queue, "a job").key, queue.store.experiment_id)
    assert row["seconds"] >= 0


@pytest.mark.parametrize("state", [JobState.CANCELLED, JobState.LOST])
def test_an_attempt_that_was_cut_short_says_nothing(queue: Queue, state: JobState) -> None:
    queue.bring(state)
    assert rows(queue) == []


def test_an_attempt_that_never_started_says_nothing(queue: Queue) -> None:
    job_id = queue.submit(retry={"max_attempts": 1})
    queue.finish(job_id, queue.place(job_id), Ending("user_error", 1))
    assert rows(queue) == []


def fill(queue: Queue, count: int, work: str = "old", seconds: float = 5.0) -> None:
    told = {"experiment_id": "exp_old", "work": work, "shape": "9g9c", "seconds": seconds}
    made = [
        {**told, "kind": f"{work}{place}", "place": 0, "ended_at": f"2025-01-01T00:00:00.{place:06d}Z"}
        for place in range(count)
    ]
    queue.write(lambda tx: tx.connection.execute(insert(table), made))


def test_the_oldest_are_forgotten(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durations, "KEPT", 10)
    monkeypatch.setattr(durations, "SWEEP_EVERY", 1)
    fill(queue, 40)
    queue.bring(JobState.SUCCEEDED)
    assert queue.write(lambda tx: tx.connection.scalar(select(func.count()).select_from(table))) == 10
    assert kind(queue, "a job").key in {row["kind"] for row in rows(queue)}


def test_a_kind_keeps_its_newest_alone(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durations, "RING", 2)
    for _ in range(4):
        queue.bring(JobState.SUCCEEDED)
    assert sorted(row["place"] for row in rows(queue)) == [0, 1]


def test_history_speaks_of_the_narrowest_class_that_has_enough() -> None:
    narrow, alike = kind_of("exp", "executor", "", CPU), kind_of("exp", "executor", "", Resources(cpus=4))
    history = History.told([*((narrow, 10.0) for _ in range(4)), *((alike, 99.0) for _ in range(5))])
    assert history.of(alike) is history.by_class["exp", "executor", alike.shape]
    found = history.of(narrow)
    assert found is not None
    assert found.seconds == (10.0,) * 4 + (99.0,) * 5
    assert History.told([(narrow, 1.0)] * 4).of(narrow) is None


def test_history_is_read_for_kinds_and_for_the_newest(queue: Queue) -> None:
    queue.bring(JobState.SUCCEEDED)
    fill(queue, 6)
    wanted = Kind("exp_other", "never seen", "9g9c")
    history: History = queue.store.see(durations.history, [wanted])
    found = history.of(wanted)
    assert found is not None
    assert found.seconds == (5.0,) * 6
