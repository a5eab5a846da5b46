"""A waiting job is put elsewhere among those of its priority, as often as one likes."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import delete, select, update

from control_plane.db.tables import tallies
from control_plane.db.transaction import Tx
from control_plane.scheduler.operations import arrays, reorder
from control_plane.scheduler.operations.endings import Ending
from control_plane.scheduler.operations.submit import reprioritise, submit
from control_plane.scheduler.tables import IS_QUEUED, ORDER, jobs
from store_client.errors import InvalidPrecondition, NotFound
from store_client.wire.batches import MoveJob
from store_client.wire.jobs import JobState, Reprioritise
from tests.scheduler.queue_house import CLAIMS, Queue

S = JobState


def order(queue: Queue) -> list[int]:
    """The numbers of the waiting jobs, the next one first."""
    with queue.store.house.database.reading() as connection:
        return list(connection.scalars(select(jobs.c.number).where(IS_QUEUED).order_by(*ORDER)))


def move(queue: Queue, number: int, **where: Any) -> None:
    queue.write(reorder.move, str(number), MoveJob.model_validate(where))


def test_a_job_goes_before_or_behind_another_or_to_an_end(queue: Queue) -> None:
    for _ in range(5):
        queue.submit()
    move(queue, 5, before="2")
    assert order(queue) == [1, 5, 2, 3, 4]
    move(queue, 1, after="3")
    assert order(queue) == [5, 2, 3, 1, 4]
    move(queue, 4, to="front")
    assert order(queue) == [4, 5, 2, 3, 1]
    move(queue, 4, to="back")
    assert order(queue) == [5, 2, 3, 1, 4]
    move(queue, 5, before="2")
    move(queue, 4, after="1")
    assert order(queue) == [5, 2, 3, 1, 4], "where it is already"
    assert queue.told(queue.read("4").job_id)[-1] == "moved"


def test_what_is_submitted_later_comes_behind_what_was_moved_to_the_back(queue: Queue) -> None:
    queue.submit(), queue.submit()
    for _ in range(3):
        move(queue, 1, to="back")
    queue.submit()
    assert order(queue) == [2, 1, 3]


def test_a_priority_is_left_by_another_call(queue: Queue) -> None:
    queue.submit(), queue.submit(priority=7)
    with pytest.raises(InvalidPrecondition, match="job 2 has priority 7; give this one the same"):
        move(queue, 1, before="2")
    move(queue, 1, to="front")
    assert order(queue) == [2, 1]


def test_only_waiting_jobs_move_and_only_beside_waiting_ones(queue: Queue) -> None:
    running = queue.read(queue.bring(S.RUNNING)).number
    waiting = queue.read(queue.submit()).number
    with pytest.raises(InvalidPrecondition, match="only a waiting job"):
        move(queue, running, to="front")
    for other in (running, waiting):
        with pytest.raises(InvalidPrecondition, match=f"job {other} is not another that waits"):
            move(queue, waiting, after=str(other))
    with pytest.raises(NotFound):
        move(queue, waiting, before="99")


@pytest.mark.parametrize("places", [{}, {"before": "1", "after": "2"}, {"before": "1", "to": "front"}])
def test_one_place_is_named(places: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="name one place"):
        MoveJob.model_validate(places)


def test_where_no_number_is_left_between_two_the_priority_is_spread_anew(queue: Queue) -> None:
    for _ in range(4):
        queue.submit()
    other = queue.read(queue.submit(priority=1)).number
    for turn in range(120):
        move(queue, 3 if turn % 2 else 2, after="1")
    assert order(queue) == [1, 3, 2, 4, other]
    queue.submit()
    assert order(queue) == [1, 3, 2, 4, 6, other]


def test_what_holds_slots_and_what_is_to_be_made_of_an_array_keep_their_places_when_all_is_spread(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrays, "AHEAD", 1)
    for _ in range(8):
        queue.submit()
    queue.submit(array=3), queue.submit()
    attempt = queue.place(queue.read("7").job_id)
    for number in range(1, 7):
        queue.cancel(str(number))
    for turn in range(120):
        move(queue, 10 if turn % 2 else 9, after="8")
    move(queue, 9, after="8", with_array=True)
    assert order(queue) == [8, 9, 10]
    queue.finish(queue.read("7").job_id, attempt, Ending("node_lost"))
    queue.cancel("9")
    queue.write(arrays.unfold)
    assert order(queue) == [7, 8, 11, 10]


def test_jobs_of_an_array_stand_in_one_place_and_can_be_parted(queue: Queue) -> None:
    queue.submit(array=3)
    last = queue.read(queue.submit()).number
    queue.write(arrays.unfold)
    assert order(queue) == [1, 3, 4, last]
    move(queue, last, after="1")
    assert order(queue) == [1, last, 3, 4]
    move(queue, 4, before="3")
    assert order(queue) == [1, last, 4, 3]


def test_an_array_moves_as_one_in_its_order_and_others_go_beside_all_of_it(queue: Queue) -> None:
    queue.submit(array=3)
    queue.submit(array=2)
    queue.write(arrays.unfold)
    single = queue.read(queue.submit()).number
    assert order(queue) == [1, 3, 4, 2, 5, single]
    move(queue, 1, after="2", with_array=True)
    assert order(queue) == [2, 5, 1, 3, 4, single]
    move(queue, single, before="4", with_array=True)
    assert order(queue) == [2, 5, single, 1, 3, 4]
    move(queue, 5, to="back", with_array=True)
    assert order(queue) == [single, 1, 3, 4, 2, 5]
    move(queue, 4, to="front")
    move(queue, 3, before="2", with_array=True)
    assert order(queue) == [single, 1, 3, 4, 2, 5], "together again, in its own order"
    assert [queue.told(queue.read(number).job_id)[-1] for number in ("1", "3", "4")] == ["moved"] * 3
    with pytest.raises(InvalidPrecondition, match="job 3 is not another that waits"):
        move(queue, 1, after="3", with_array=True)


def test_what_is_made_of_an_array_later_follows_where_it_was_moved_to(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrays, "AHEAD", 2)
    queue.submit(array=3), queue.submit()
    queue.write(arrays.unfold)
    move(queue, 1, to="back", with_array=True)
    assert order(queue) == [2, 1, 3]
    for number in ("1", "3"):
        queue.cancel(number)
    queue.write(arrays.unfold)
    assert order(queue) == [2, 4], "none of it waited any more"


def test_what_is_made_of_an_array_later_stays_where_it_is_when_those_of_another_priority_move(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrays, "AHEAD", 2)
    queue.submit(priority=9), queue.submit(), queue.submit(array=3)
    queue.write(arrays.unfold)
    queue.write(reprioritise, "3", Reprioritise(priority=9))
    move(queue, 3, to="front", with_array=True)
    queue.cancel("4")
    queue.write(arrays.unfold)
    assert order(queue) == [3, 1, 2, 5]


moves = st.lists(
    st.tuples(st.integers(1, 6), st.sampled_from(["before", "after", "front", "back"]), st.integers(1, 6)), max_size=25
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves, st.booleans())
def test_the_queue_is_in_the_order_that_a_list_would_have(
    queue: Queue, acts: list[tuple[int, str, int]], is_crowded: bool
) -> None:
    queue.write(begin, is_crowded)
    expected = [1, 2, 3, 4, 5, 6]
    for number, place, other in acts:
        if place in {"front", "back"}:
            move(queue, number, to=place)
            expected.remove(number)
            expected.insert(0 if place == "front" else len(expected), number)
        elif number != other:
            move(queue, number, **{place: str(other)})
            expected.remove(number)
            expected.insert(expected.index(other) + (place == "after"), number)
        assert order(queue) == expected


def begin(tx: Tx, is_crowded: bool) -> None:
    """Six waiting jobs, between which there is room, or next to none."""
    tx.connection.execute(delete(jobs))
    tx.connection.execute(delete(tallies))
    for number in range(1, 7):
        row = submit(tx.at("exp_" + "1".zfill(26)), Queue.spec(None), CLAIMS)  # type: ignore[arg-type]  # a spec needs no queue
        if is_crowded:
            near = update(jobs).where(jobs.c.job_id == row["job_id"]).values(rank=1 + number * 2.0**-52)
            tx.connection.execute(near)
