"""What becomes of waiting jobs whose experiment is paused or has ended; claimed work is finished all the same."""

import pytest

from control_plane.registry.operations import lifecycle
from control_plane.scheduler.lookout import Lookout
from control_plane.scheduler.operations import arrays, explaining, listing, situation, standing, submit
from control_plane.scheduler.rules.board import Slot
from control_plane.scheduler.rules.planning import plan
from control_plane.task_store.operations import claims
from store_client.errors import IllegalTransition
from store_client.wire.calls.jobs import JobPageQuery
from store_client.wire.experiments import EndExperiment
from store_client.wire.jobs import JobState
from tests.scheduler.attempts import eventually
from tests.scheduler.queue_house import CLAIMS, Queue, Yard
from tests.scheduler.test_arrays import begin, members, read, unfold

S = JobState
SLOTS = [Slot(f"cpu:{number}", "cpu") for number in range(4)]


def claimed(queue: Queue) -> str:
    """A job on a task that bob has claimed."""
    task_id = queue.store.task()
    queue.store.claim(task_id)
    return queue.submit(task_id=task_id)


def would_start(queue: Queue) -> set[str]:
    seen = queue.store.house.read_now(lambda tx: situation.read(tx, SLOTS))
    return {one.job_id for one in plan(seen).placements}


def end(queue: Queue) -> int:
    """End the experiment, and have the queue see to it; how much it did."""
    queue.store.act("ann", lifecycle.end, EndExperiment(outcome="cancelled", reason="enough"))
    done = 0
    while found := queue.write(standing.close_ended):
        done += found
    return done


def test_while_an_experiment_is_paused_only_claimed_work_starts_and_the_rest_after_it(queue: Queue) -> None:
    free, bound = queue.submit(), claimed(queue)
    queue.store.act("ann", lifecycle.pause)
    assert would_start(queue) == {bound}
    queue.store.act("ann", lifecycle.resume)
    assert would_start(queue) == {free, bound}


def test_a_job_of_a_paused_experiment_says_that_it_waits_for_that(queue: Queue) -> None:
    free, bound = queue.submit(), claimed(queue)
    queue.store.act("ann", lifecycle.pause)
    see = Lookout(lambda _tx: SLOTS).see
    found = queue.write(explaining.answer, free, see, CLAIMS)
    assert [one.kind for one in found.constraints] == ["paused"]
    assert found.sentence == f"Waits: {standing.PAUSED}."
    assert "the experiment is paused" in found.sentence
    assert found.position is None
    assert [one.kind for one in queue.write(explaining.answer, bound, see, CLAIMS).constraints] == ["starting"]
    page = queue.store.see(listing.page, JobPageQuery())
    assert {job.job_id: job.waiting_for for job in page.items} == {free: standing.PAUSED, bound: None}


def test_an_array_of_a_paused_experiment_gets_no_more_jobs_until_it_is_resumed(queue: Queue) -> None:
    array_id = begin(queue, 10)
    queue.store.act("ann", lifecycle.pause)
    assert unfold(queue) == 0
    queue.store.act("ann", lifecycle.resume)
    assert unfold(queue) == 1
    assert len(members(queue, array_id)) == 10


def test_with_an_experiment_end_its_arrays_and_all_that_waits_in_it_unclaimed(queue: Queue) -> None:
    array_id, bound = begin(queue, 1000), claimed(queue)
    unfold(queue)
    running, waiting = members(queue, array_id)[0], queue.submit()
    queue.place(running)
    behind = queue.submit(depends_on=[{"job_id": waiting}])
    end(queue)
    assert queue.write(arrays.unfold) == 0
    ended = queue.read(waiting)
    assert (ended.state, ended.cause, ended.detail) == (S.CANCELLED, "experiment_ended", "the experiment has ended")
    assert queue.state(behind) is S.CANCELLED
    assert (queue.state(running), queue.state(bound)) == (S.STARTING, S.QUEUED)
    assert would_start(queue) == {bound}
    assert not read(queue, array_id).has_ended
    queue.cancel(running)
    assert read(queue, array_id).states == {S.CANCELLED: arrays.AHEAD - 1, S.CANCELLING: 1}
    assert queue.counted() == queue.tallied()
    assert end(queue) == 0


def test_an_array_of_claimed_work_is_made_whole_after_the_end_and_ends_with_its_claim(queue: Queue) -> None:
    task_id = queue.store.task()
    queue.store.claim(task_id)
    array_id = begin(queue, 100, task_id=task_id)
    end(queue)
    for job_id in members(queue, array_id):
        queue.place(job_id, job_id)
    assert unfold(queue) == 1
    assert (len(members(queue, array_id)), read(queue, array_id).is_cancelled) == (65, False)
    queue.write(submit.let_go, members(queue, array_id)[-1])
    assert unfold(queue) == 0
    assert read(queue, array_id).is_cancelled


def test_an_array_whose_claim_has_ended_is_not_made_to_its_end_only_to_be_cancelled(yard: Yard) -> None:
    task_id = yard.store.task()
    yard.store.claim(task_id)
    array_id = str(yard.read(yard.shell("sleep 600", array=400, task_id=task_id)).array_id)
    eventually(lambda: len(members(yard, array_id)) == arrays.AHEAD, "those that run and wait")
    yard.store.act("bob", claims.release, task_id)
    eventually(lambda: read(yard, array_id).has_ended, "the end of all")
    assert len(members(yard, array_id)) < 400


def test_an_array_ends_with_its_experiment_and_whoever_comes_after_it_is_told(queue: Queue) -> None:
    array_id = begin(queue, 1000)
    end(queue)
    found = read(queue, array_id)
    assert (found.has_ended, found.states) == (True, {S.CANCELLED: 1})


def test_many_that_wait_are_withdrawn_some_at_a_time(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "MOST", 2)
    waiting = [queue.submit() for _ in range(5)]
    queue.store.act("ann", lifecycle.end, EndExperiment(outcome="failed", reason="enough"))
    assert [queue.write(standing.close_ended) for _ in range(4)] == [2, 2, 1, 0]
    assert {queue.read(job_id).cause for job_id in waiting} == {"experiment_ended"}


def test_a_job_of_an_ended_experiment_is_not_tried_again(queue: Queue) -> None:
    job_id = queue.bring(S.FAILED)
    end(queue)
    with pytest.raises(IllegalTransition, match="has ended"):
        queue.write(submit.retry, job_id, CLAIMS)


def test_the_scheduler_holds_back_lets_go_and_withdraws(yard: Yard) -> None:
    held = [yard.shell("sleep 600") for _ in range(yard.cpu_slots)]
    for job_id in held:
        yard.await_state(job_id, S.RUNNING)
    first, second = yard.submit(), yard.submit()
    task_id = yard.store.task()
    yard.store.claim(task_id)
    yard.store.act("ann", lifecycle.pause)
    bound = yard.submit(task_id=task_id)
    yard.cancel(held[0])
    assert yard.end(bound).state is S.SUCCEEDED, "it started while those before it were held back"
    assert {yard.state(first), yard.state(second)} == {S.QUEUED}
    yard.store.act("ann", lifecycle.resume)
    assert yard.end(first).state is S.SUCCEEDED
    yard.end(second)
    last = [yard.shell("sleep 600"), yard.submit()]
    yard.await_state(last[0], S.RUNNING)
    yard.store.act("ann", lifecycle.end, EndExperiment(outcome="completed", reason="enough"))
    assert yard.end(last[1]).cause == "experiment_ended"
    assert yard.state(last[0]) is S.RUNNING, "what runs may finish"
