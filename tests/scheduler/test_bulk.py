"""Many jobs in one call: all or none when submitted, a bounded part when a filter chooses them."""

from typing import Any

import pytest
from pydantic import ValidationError

from control_plane.scheduler.operations import arrays, bulk, listing, submit, whole_arrays
from store_client.errors import Forbidden, InvalidPrecondition, NotFound
from store_client.wire.batches import CancelJobs, ChangedJobs, JobFilter, ReprioritiseJobs
from store_client.wire.calls.jobs import JobPageQuery
from store_client.wire.jobs import JobState
from tests.scheduler.queue_house import CLAIMS, Queue

S = JobState


def submit_all(queue: Queue, *wishes: dict[str, Any], name: str = "bob") -> list[str]:
    given = [(queue.store.experiment_id, queue.spec(**wish)) for wish in wishes]
    return [row["job_id"] for row in queue.store.act(name, bulk.submit_all, given, CLAIMS)]


def cancel(queue: Queue, name: str = "admins", **wish: Any) -> ChangedJobs:
    body = CancelJobs.model_validate({"filter": wish.pop("filter", {}), **wish})
    changed: ChangedJobs = queue.store.act(name, bulk.cancel, body)
    return changed


def test_a_thousand_jobs_are_queued_in_one_call(queue: Queue) -> None:
    made = submit_all(queue, *({"name": f"job {number}", "tags": ("many",)} for number in range(1000)))
    assert [queue.read(job_id).number for job_id in made[:3]] == [1, 2, 3]
    assert queue.counted() == queue.tallied() == {"queued": 1000}
    assert queue.told(made[-1]) == ["queued"]


def test_all_are_queued_or_none_and_each_refused_one_is_named(queue: Queue) -> None:
    queue.submit(idempotency_key="taken")
    wishes: list[dict[str, Any]] = [
        {},
        {"depends_on": [{"job_id": "nowhere"}]},
        {"idempotency_key": "taken", "priority": 9},
        {"publish": f"work/{queue.store.id_of('eve')}/x"},
    ]
    with pytest.raises(
        NotFound, match=r"jobs\[1\]: .*nowhere.*; jobs\[2\]: .*another spec.*; jobs\[3\]: publish"
    ) as no:
        submit_all(queue, *wishes)
    assert "jobs[0]" not in str(no.value)
    assert queue.counted() == {"queued": 1}
    with pytest.raises(InvalidPrecondition) as many:
        submit_all(queue, *[{"idempotency_key": str(number // 2)} for number in range(50)])
    assert str(many.value).endswith("and 30 more")


def test_sent_again_it_gives_the_same_jobs(queue: Queue) -> None:
    wishes = [{"idempotency_key": str(number)} for number in range(3)]
    made = submit_all(queue, *wishes)
    assert submit_all(queue, *wishes[::-1], {"name": "new"})[:3] == made[::-1]
    assert queue.counted() == {"queued": 4}


def test_one_key_stands_for_one_job_of_a_list(queue: Queue) -> None:
    with pytest.raises(InvalidPrecondition, match=r"jobs\[0\].*jobs\[2\]"):
        submit_all(queue, {"idempotency_key": "a"}, {}, {"idempotency_key": "a"})
    assert queue.counted() == {}


def test_arrays_and_jobs_are_queued_together(queue: Queue) -> None:
    one, other = submit_all(queue, {"array": 3}, {})
    queue.write(arrays.unfold)
    assert queue.read(one).array_index == 0
    assert queue.read(other).array_id is None
    assert queue.counted() == {"queued": 4}


def test_a_preview_counts_and_what_is_expected_is_checked(queue: Queue) -> None:
    made = [queue.submit(tags=("old",)) for _ in range(3)]
    queue.submit()
    preview = cancel(queue, filter={"tag": "old"}, is_preview=True)
    assert (preview.matched, preview.changed, preview.left) == (3, 0, 3)
    late = queue.submit(tags=("old",))
    with pytest.raises(InvalidPrecondition, match="4 jobs are concerned now, not 3"):
        cancel(queue, filter={"tag": "old"}, expected_count=3)
    done = cancel(queue, filter={"tag": "old"}, expected_count=3, up_to=preview.up_to)
    assert (done.matched, done.changed, done.left) == (3, 3, 0)
    assert {queue.state(job_id) for job_id in made} == {S.CANCELLED}
    assert queue.state(late) is S.QUEUED
    assert queue.counted() == queue.tallied()


def test_of_very_many_a_part_is_changed_at_a_time(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", 4)
    for _ in range(10):
        queue.submit(run_id="run-1")
    lefts = [cancel(queue, filter={"run_id": "run-1"}).left for _ in range(4)]
    assert lefts == [6, 2, 0, 0]


def test_what_runs_is_asked_to_stop_and_what_has_ended_is_left_alone(queue: Queue) -> None:
    failed, running = queue.bring(S.FAILED, tags=("t",)), queue.bring(S.RUNNING, tags=("t",))
    waiting = queue.submit(tags=("t",))
    assert cancel(queue, filter={"tag": "t", "states": ["running", "failed"]}).changed == 1
    assert [queue.state(job_id) for job_id in (running, failed, waiting)] == [S.CANCELLING, S.FAILED, S.QUEUED]
    assert cancel(queue, filter={"tag": "t"}).changed == 1


def test_what_one_act_cancelled_is_found_by_it_until_it_is_cancelled_alone(queue: Queue) -> None:
    failed, running = queue.bring(S.FAILED, tags=("t",)), queue.bring(S.RUNNING, tags=("t",))
    waiting = queue.submit(tags=("t",))
    cancel(queue, filter={"tag": "t"}, act_id="act_1")
    cancel(queue, filter={"tag": "t"}, act_id="act_2")

    def found(**asked: Any) -> list[str]:
        page = queue.store.see(listing.page, JobPageQuery(act_id="act_1", **asked))
        assert page.total is None
        return [job.job_id for job in page.items]

    assert found() == [waiting, running]
    assert found(states="cancelled") == [waiting]
    queue.store.act("admins", submit.retry, waiting, CLAIMS)
    assert found() == [waiting, running]
    queue.store.act("admins", submit.cancel, waiting)
    assert found() == [running]
    assert queue.state(failed) is S.FAILED


def test_an_array_whose_waiting_jobs_are_cancelled_makes_no_more(queue: Queue) -> None:
    array_id = queue.read(queue.submit(array=300, tags=("sweep",))).array_id
    queue.write(arrays.unfold)
    assert cancel(queue, filter={"tag": "sweep"}).left == 0
    assert queue.write(arrays.unfold) == 0
    page = queue.store.see(listing.page, JobPageQuery(array_id=array_id, is_open=True))
    assert page.items == ()


def test_the_jobs_that_an_array_is_yet_to_make_get_its_new_priority(queue: Queue) -> None:
    array_id = str(queue.read(queue.submit(array=70)).array_id)
    queue.write(arrays.unfold)
    body = ReprioritiseJobs(filter=JobFilter(array_id=array_id), priority=9)
    assert queue.store.act("admins", bulk.reprioritise, body).changed == arrays.AHEAD
    page = queue.store.see(listing.page, JobPageQuery(array_id=array_id, limit=100))
    for job in page.items[: arrays.AHEAD - arrays.REFILL]:
        queue.place(job.job_id, job.job_id)
    queue.write(arrays.unfold)
    page = queue.store.see(listing.page, JobPageQuery(array_id=array_id, limit=100))
    assert [job.priority for job in page.items] == [9] * 70
    assert queue.store.see(whole_arrays.read, array_id).priority == 9


def test_whoever_is_no_admin_means_their_own_jobs(queue: Queue) -> None:
    mine, yours = queue.submit(tags=("t",)), queue.submit(tags=("t",), name="eve")
    with pytest.raises(Forbidden, match="for admins"):
        cancel(queue, "bob", filter={"tag": "t", "submitted_by": queue.store.id_of("eve")})
    assert cancel(queue, "bob", filter={"tag": "t"}).changed == 1
    assert [queue.state(job_id) for job_id in (mine, yours)] == [S.CANCELLED, S.QUEUED]
    assert cancel(queue, filter={"tag": "t"}).changed == 1


def test_a_filter_that_leaves_nothing_out_is_refused() -> None:
    with pytest.raises(ValidationError, match="name a condition"):
        CancelJobs(filter=JobFilter())
    assert CancelJobs(filter=JobFilter(states=(S.QUEUED,))).filter.states == (S.QUEUED,)


def test_waiting_jobs_are_given_another_priority_by_a_filter(queue: Queue) -> None:
    made = [queue.submit(tags=("t",)) for _ in range(3)]
    running = queue.bring(S.RUNNING, tags=("t",))
    body = ReprioritiseJobs(filter=JobFilter(tag="t"), priority=8)
    changed = queue.store.act("admins", bulk.reprioritise, body)
    assert (changed.matched, changed.changed, changed.left) == (3, 3, 0)
    assert {queue.read(job_id).priority for job_id in made} == {8}
    assert queue.read(running).priority == 5
    assert queue.told(made[0])[-1] == "reprioritised"
    assert queue.store.act("admins", bulk.reprioritise, body).matched == 0
