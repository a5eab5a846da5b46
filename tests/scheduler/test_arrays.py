"""Arrays: one row for many jobs, made a few ahead, read and cancelled as one."""

from functools import partial
from typing import Any

import pytest
from sqlalchemy import select

from control_plane.scheduler.operations import arrays, listing, reorder, submit, whole_arrays
from control_plane.scheduler.operations.arrays import AHEAD, REFILL
from control_plane.scheduler.operations.endings import Ending
from control_plane.scheduler.tables import IS_QUEUED, ORDER, jobs
from store_client.errors import AlreadyExists, Forbidden, NotFound
from store_client.wire.batches import ArrayDetail, MoveJob
from store_client.wire.calls.jobs import JobPageQuery
from store_client.wire.jobs import JobState, Reprioritise
from tests.scheduler.queue_house import CLAIMS, Queue

S = JobState


def begin(queue: Queue, size: int, **wish: Any) -> str:
    """A new array; its id."""
    array_id = queue.read(queue.submit(array=size, retry={"max_attempts": 1}, **wish)).array_id
    assert array_id is not None
    return array_id


def unfold(queue: Queue) -> int:
    """Make all that is lacking; how many rounds did something."""
    rounds = 0
    while queue.write(arrays.unfold):
        rounds += 1
    return rounds


def members(queue: Queue, array_id: str, *states: JobState) -> list[str]:
    """The jobs of an array, all or those in certain states, the first one first."""
    with queue.store.house.database.reading() as connection:
        query = select(jobs.c.job_id).where(jobs.c.array_id == array_id).order_by(jobs.c.number)
        if states:
            query = query.where(jobs.c.state.in_(states))
        return list(connection.scalars(query))


def read(queue: Queue, array_id: str) -> ArrayDetail:
    detail: ArrayDetail = queue.store.see(whole_arrays.read, array_id)
    return detail


def run(queue: Queue, job_id: str, ending: Ending) -> None:
    queue.finish(job_id, queue.place(job_id, job_id), ending)


def test_a_million_jobs_cost_a_row_and_the_first_of_them(queue: Queue) -> None:
    array_id = begin(queue, 1_000_000)
    (first,) = members(queue, array_id)
    assert queue.read(first).array_index == 0
    assert unfold(queue) == 1
    assert len(members(queue, array_id)) == AHEAD
    known = read(queue, array_id)
    assert (known.size, known.made, known.states) == (1_000_000, AHEAD, {S.QUEUED: AHEAD})


def test_more_are_made_when_few_wait_and_each_knows_its_index_and_the_size(queue: Queue) -> None:
    array_id = begin(queue, 80)
    unfold(queue)
    waiting = members(queue, array_id)
    for job_id in waiting[: AHEAD - REFILL - 1]:
        queue.place(job_id, job_id)
    assert unfold(queue) == 0, "enough wait still"
    queue.place(waiting[AHEAD - REFILL - 1], "another")
    assert unfold(queue) == 1
    everyone = members(queue, array_id)
    assert len(everyone) == 80
    with queue.store.house.database.reading() as connection:
        specs = list(connection.scalars(select(jobs.c.spec).where(jobs.c.array_id == array_id).order_by(jobs.c.number)))
    wanted = [{"SWITCHYARD_ARRAY_INDEX": str(index), "SWITCHYARD_ARRAY_SIZE": "80"} for index in range(80)]
    assert [spec["environment"] for spec in specs] == wanted
    assert [queue.read(job_id).array_index for job_id in everyone[::20]] == [0, 20, 40, 60]
    assert queue.counted() == queue.tallied()


def test_an_array_keeps_the_place_where_it_was_submitted(queue: Queue) -> None:
    array_id = begin(queue, 100)
    later = queue.submit()
    unfold(queue)
    shown = queue.store.see(listing.page, JobPageQuery(is_open=True, limit=100)).items
    assert shown[-1].job_id == later
    assert [job.array_index for job in shown[:-1]] == list(range(AHEAD))
    for job_id in members(queue, array_id):
        queue.place(job_id, job_id)
    unfold(queue)
    waiting = queue.store.see(listing.page, JobPageQuery(state=S.QUEUED, is_open=True, limit=100)).items
    assert waiting[-1].job_id == later


def test_jobs_of_an_array_are_as_old_as_it_however_late_they_are_made(queue: Queue) -> None:
    array_id = begin(queue, 100)
    for job_id in members(queue, array_id):
        queue.place(job_id, job_id)
    unfold(queue)
    with queue.store.house.database.reading() as connection:
        ages = set(connection.scalars(select(jobs.c.queued_at).where(jobs.c.array_id == array_id)))
    assert ages == {read(queue, array_id).created_at}


def test_one_of_an_array_that_goes_elsewhere_takes_none_that_is_made_later_along(queue: Queue) -> None:
    array_id = str(queue.read(queue.submit(array=200, retry={"max_attempts": 2, "on": ["failed"]})).array_id)
    other = queue.submit()
    unfold(queue)
    first, *rest = members(queue, array_id)
    for job_id in (first, *rest):
        queue.place(job_id, job_id)
    queue.finish(first, 1, Ending("user_error", 1))
    unfold(queue)
    assert waiting(queue) == [*members(queue, array_id, S.QUEUED)[1:], other, first], "it failed, so it is the last"
    last = members(queue, array_id)[-1]
    queue.write(reorder.move, last, MoveJob(to="back"))
    for job_id in members(queue, array_id, S.QUEUED)[1:-1]:
        queue.place(job_id, job_id)
    unfold(queue)
    assert waiting(queue)[-3:] == [other, first, last], "somebody moved it alone"


def test_jobs_that_failed_and_rest_keep_an_array_from_none_of_its_others(queue: Queue) -> None:
    policy = {"max_attempts": 2, "on": ["failed"], "delay_seconds": 3600}
    array_id = str(queue.read(queue.submit(array=200, retry=policy)).array_id)
    unfold(queue)
    for job_id in members(queue, array_id):
        queue.finish(job_id, queue.place(job_id), Ending("user_error", 1))
    assert unfold(queue) == 1
    assert len(members(queue, array_id, S.QUEUED)) == 2 * AHEAD


def waiting(queue: Queue) -> list[str]:
    """Who waits, the next one first."""
    with queue.store.house.database.reading() as connection:
        return list(connection.scalars(select(jobs.c.job_id).where(IS_QUEUED).order_by(*ORDER)))


def test_the_same_key_and_spec_is_the_same_array(queue: Queue) -> None:
    array_id = begin(queue, 5, idempotency_key="once")
    unfold(queue)
    assert begin(queue, 5, idempotency_key="once") == array_id
    with pytest.raises(AlreadyExists, match="another spec"):
        begin(queue, 6, idempotency_key="once")
    with pytest.raises(AlreadyExists, match="another spec"):
        queue.submit(idempotency_key="once", retry={"max_attempts": 1})
    assert len(members(queue, array_id)) == 5


def test_an_array_counts_how_its_jobs_end_also_those_that_are_tried_again(queue: Queue) -> None:
    array_id = begin(queue, 4, tags=("sweep",), run_id="run-1", priority=7)
    unfold(queue)
    one, two, three, four = members(queue, array_id)
    run(queue, one, Ending("finished", 0))
    run(queue, two, Ending("user_error", 1))
    queue.cancel(three)
    known = read(queue, array_id)
    assert known.states == {S.SUCCEEDED: 1, S.FAILED: 1, S.CANCELLED: 1, S.QUEUED: 1}
    assert (known.ended, known.succeeded, known.has_ended) == (3, 1, False)
    assert (known.tags, known.run_id, known.priority, known.name) == (("sweep",), "run-1", 7, "a job")
    run(queue, four, Ending("finished", 0))
    assert read(queue, array_id).has_ended
    queue.write(submit.retry, two, CLAIMS)
    again = read(queue, array_id)
    assert (again.ended, again.succeeded, again.has_ended) == (3, 2, False)
    run(queue, two, Ending("finished", 0))
    assert read(queue, array_id).states == {S.SUCCEEDED: 3, S.CANCELLED: 1}


def test_cancelling_an_array_ends_what_waits_asks_what_runs_and_makes_no_more(queue: Queue) -> None:
    array_id = begin(queue, 500)
    unfold(queue)
    running, *_waiting = members(queue, array_id)
    queue.start(running, queue.place(running))
    with pytest.raises(Forbidden):
        queue.store.act("eve", whole_arrays.cancel, array_id)
    known = queue.store.act("bob", whole_arrays.cancel, array_id)
    assert known.states == {S.CANCELLED: AHEAD - 1, S.CANCELLING: 1}
    assert (known.is_cancelled, known.has_ended) == (True, False)
    queue.finish(running, 1, Ending("cancelled"))
    assert unfold(queue) == 0
    known = queue.store.act("bob", whole_arrays.cancel, array_id)
    assert (known.has_ended, known.made, known.states) == (True, AHEAD, {S.CANCELLED: AHEAD})
    assert queue.counted() == queue.tallied()


def test_an_array_of_another_experiment_does_not_exist_here(queue: Queue) -> None:
    array_id = begin(queue, 2)
    for act in (whole_arrays.read, whole_arrays.cancel):
        with pytest.raises(NotFound, match=array_id):
            queue.store.house.writer.write(partial(act, array_id=array_id), experiment_id="exp_elsewhere")


def test_a_list_shows_one_array_and_pages_through_it(queue: Queue) -> None:
    array_id = begin(queue, 10)
    queue.submit()
    unfold(queue)
    seen: list[int | None] = []
    after = None
    while True:
        page = queue.store.see(listing.page, JobPageQuery(array_id=array_id, limit=3, after=after))
        seen += [job.array_index for job in page.items]
        after = page.next
        if after is None:
            break
    assert seen == list(range(9, -1, -1))


def test_a_collapsed_list_shows_one_job_of_each_array(queue: Queue) -> None:
    alone = queue.read(queue.submit())
    array_id = begin(queue, 5)
    unfold(queue)
    first, second, *_ = members(queue, array_id)

    def shown(**wish: Any) -> list[tuple[str | None, int | None]]:
        page = queue.store.see(listing.page, JobPageQuery(is_collapsed=True, **wish))
        assert page.total is None
        return [(job.array_id, job.array_index) for job in page.items]

    assert shown(is_open=True) == [(None, None), (array_id, 0)]
    assert shown() == [(array_id, 0), (None, None)]
    run(queue, first, Ending("finished", 0))
    queue.place(second)
    assert shown(is_open=True) == [(array_id, 1), (None, None), (array_id, 2)], "what runs, then the next that waits"
    assert shown(is_open=True, limit=1) == [(array_id, 1)]
    assert shown() == [(array_id, 0), (None, None)]
    assert alone.array_id is None


def test_one_job_of_an_array_is_reprioritised_alone(queue: Queue) -> None:
    array_id = begin(queue, 3)
    unfold(queue)
    one, *_ = members(queue, array_id)
    queue.write(submit.reprioritise, one, Reprioritise(priority=9))
    assert [queue.read(job_id).priority for job_id in members(queue, array_id)] == [9, 5, 5]


def test_many_arrays_unfold_a_part_at_a_time(queue: Queue) -> None:
    ids = [begin(queue, 2) for _ in range(arrays.AT_ONCE + 3)]
    assert queue.write(arrays.unfold) == arrays.AT_ONCE
    assert queue.write(arrays.unfold) == 3
    assert queue.write(arrays.unfold) == 0
    assert {read(queue, array_id).made for array_id in ids} == {2}
