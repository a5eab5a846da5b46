"""Acts on many jobs close arrays, and open them again when they are taken back."""

from typing import Any

import pytest
from sqlalchemy import select

from control_plane.db import log
from control_plane.scheduler.news import News
from control_plane.scheduler.operations import bulk, closing, submit, whole_arrays
from control_plane.scheduler.operations.arrays import AHEAD
from control_plane.scheduler.operations.endings import Ending
from control_plane.scheduler.tables import jobs
from store_client.wire.batches import CancelJobs, JobFilter, ReopenArrays, ReopenedArrays
from store_client.wire.jobs import JobState
from tests.scheduler.queue_house import CLAIMS, Queue
from tests.scheduler.test_arrays import begin, members, read, unfold

S = JobState
SIZE = 100


def cancel(queue: Queue, act_id: str | None = "act_1", **wanted: Any) -> None:
    body = CancelJobs(filter=JobFilter(**(wanted or {"tag": "sweep"})), act_id=act_id)
    queue.store.act("admins", bulk.cancel, body)


def reopen(queue: Queue, act_id: str = "act_1", **more: Any) -> ReopenedArrays:
    told: ReopenedArrays = queue.store.act("admins", closing.reopen, ReopenArrays(act_id=act_id, **more), CLAIMS)
    return told


def sweep(queue: Queue, **wish: Any) -> str:
    array_id = begin(queue, SIZE, tags=("sweep",), **wish)
    unfold(queue)
    return array_id


def told(queue: Queue) -> list[tuple[str, dict[str, Any]]]:
    """What the log tells of arrays."""
    with queue.store.house.database.reading() as connection:
        rows = log.read_after(connection, 0, 100_000, None)
    return [(row["type"], row["data"]) for row in rows if row["type"].startswith("job.array_")]


def test_an_array_that_an_act_closed_makes_the_rest_of_its_jobs_once_it_is_taken_back(queue: Queue) -> None:
    array_id, other = sweep(queue), begin(queue, 3)
    cancel(queue)
    assert (read(queue, array_id).is_cancelled, read(queue, array_id).acts) == (True, ("act_1",))
    counted = reopen(queue, is_preview=True)
    assert (counted.reopened, counted.to_come, counted.refused) == (1, SIZE - AHEAD, ())
    assert read(queue, array_id).is_cancelled, "a preview changes nothing"
    assert reopen(queue) == counted
    assert (read(queue, array_id).is_cancelled, read(queue, array_id).acts) == (False, ())
    assert reopen(queue) == ReopenedArrays(reopened=0, to_come=0), "once"
    unfold(queue)
    assert read(queue, array_id).made == SIZE
    assert len(members(queue, array_id, S.QUEUED)) == SIZE - AHEAD, "what was cancelled is tried again on its own"
    facts = {"array_id": array_id, "number": 1, "made": AHEAD, "size": SIZE, "act_id": "act_1"}
    by = {"by": queue.store.id_of("admins")}
    assert told(queue) == [("job.array_cancelled", facts | by), ("job.array_reopened", facts | by)]
    assert not read(queue, other).is_cancelled


def test_it_stays_closed_until_the_last_act_that_closed_it_is_taken_back(queue: Queue) -> None:
    array_id = sweep(queue)
    cancel(queue, "act_1")
    one = members(queue, array_id)[0]
    queue.write(submit.retry, one, CLAIMS)
    cancel(queue, "act_2")
    assert read(queue, array_id).acts == ("act_1", "act_2")
    (why,) = reopen(queue, "act_1").refused
    assert why.startswith("the array of job 1: another act")
    assert (read(queue, array_id).is_cancelled, read(queue, array_id).acts) == (True, ("act_2",))
    assert reopen(queue, "act_1") == ReopenedArrays(reopened=0, to_come=0)
    assert reopen(queue, "act_2").reopened == 1
    assert not read(queue, array_id).is_cancelled


@pytest.mark.parametrize("is_before", [True, False])
def test_what_was_cancelled_as_one_stays_so_whatever_is_taken_back(queue: Queue, is_before: bool) -> None:
    array_id = sweep(queue)
    queue.place(members(queue, array_id)[0])
    if not is_before:
        cancel(queue, states=(S.QUEUED,), array_id=array_id)
    queue.store.act("admins", whole_arrays.cancel, array_id)
    queue.write(submit.retry, members(queue, array_id)[1], CLAIMS)
    cancel(queue)
    assert reopen(queue) == ReopenedArrays(reopened=0, to_come=0)
    assert read(queue, array_id).is_cancelled
    assert [type_ for type_, _ in told(queue)] == ["job.array_cancelled"], "it was closed once"


def test_whoever_makes_jobs_hears_that_there_are_some_to_make(queue: Queue) -> None:
    sweep(queue)
    cancel(queue)
    news = News(CLAIMS)
    for is_due in (True, False):
        assert queue.store.see(news.catch_up).has_arrays is is_due, "with the first look everything is"
    reopen(queue)
    assert queue.store.see(news.catch_up).has_arrays


def test_an_act_without_a_name_cannot_be_taken_back(queue: Queue) -> None:
    array_id = sweep(queue)
    cancel(queue, None)
    assert (read(queue, array_id).is_cancelled, read(queue, array_id).acts) == (True, ())


def test_an_array_whose_jobs_nobody_wants_or_that_can_never_begin_stays_closed(queue: Queue) -> None:
    failed = queue.bring(S.RUNNING)
    array_id = sweep(queue, depends_on=[{"job_id": failed}])
    cancel(queue)
    queue.finish(failed, 1, Ending("user_error", 1))
    (why,) = reopen(queue, is_preview=True).refused
    assert "this is to come after its success" in why
    assert reopen(queue).refused == (why,)
    queue.write(submit.retry, failed, CLAIMS)
    queue.store.set(status="completed")
    (why,) = reopen(queue).refused
    assert "the experiment has ended" in why
    assert read(queue, array_id).acts == ("act_1",), "it may be asked for again"
    queue.store.set(status="paused")
    assert reopen(queue).reopened == 1


def test_whoever_waits_for_an_array_waits_for_all_of_it_again(queue: Queue) -> None:
    array_id = sweep(queue)
    later = queue.submit(depends_on=[{"job_id": array_id, "when": "ended"}])
    running = members(queue, array_id)[0]
    queue.place(running, running)
    queue.start(running, 1)
    cancel(queue, states=(S.QUEUED,), array_id=array_id)
    reopen(queue)
    queue.finish(running, 1, Ending("finished", 0))
    assert queue.store.see(whole_arrays.read, array_id).has_ended is False
    with queue.store.house.database.reading() as connection:
        waits = connection.scalar(select(jobs.c.waits_on).where(jobs.c.job_id == later))
    assert waits == 1


def test_of_very_many_a_part_is_opened_at_a_time(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closing, "AT_ONCE", 2)
    ids = [begin(queue, 3, tags=("sweep",)) for _ in range(5)]
    cancel(queue)
    seen, after = list[int](), None
    while not seen or after is not None:
        part = reopen(queue, after=after)
        seen.append(part.reopened)
        after = part.next
    assert seen == [2, 2, 1]
    assert [read(queue, array_id).is_cancelled for array_id in ids] == [False] * 5
