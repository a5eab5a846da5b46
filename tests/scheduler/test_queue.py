"""Jobs go in and come out: who may, what counts as the same, and what an end leaves behind."""

from functools import partial
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from control_plane.scheduler.operations import attempts, situation, submit, views
from control_plane.scheduler.operations.attempts import Ending
from control_plane.scheduler.operations.views import View
from control_plane.scheduler.rules import places
from control_plane.scheduler.rules.board import GPU_UNITS, Slot
from control_plane.scheduler.rules.states import MOST_LOSSES
from control_plane.scheduler.tables import jobs
from control_plane.task_store.operations import claims
from store_client.errors import (
    AlreadyExists,
    Forbidden,
    IllegalTransition,
    InvalidPrecondition,
    NotFound,
)
from store_client.wire.jobs import FINAL_STATES, JobState, Reprioritise
from tests.scheduler.queue_house import CLAIMS, Queue
from tests.store.task_house import BASE, sha

S = JobState


def in_order(queue: Queue) -> list[str]:
    """Who waits, in the order of placement."""
    return [job.job_id for job in queue.store.house.read_now(lambda tx: places.first(situation.read(tx, ())))]


def test_a_job_is_pinned_to_the_commit_it_names_or_to_the_base(queue: Queue) -> None:
    assert queue.read(queue.submit()).commit_sha == BASE
    assert queue.read(queue.submit(commit_sha=sha(7))).commit_sha == sha(7)


def test_without_a_base_commit_a_job_must_name_one(queue: Queue) -> None:
    queue.store.set(base_commit_sha=None)
    with pytest.raises(InvalidPrecondition, match="name a commit_sha"):
        queue.submit()
    assert queue.state(queue.submit(commit_sha=sha(7))) is S.QUEUED


def test_a_share_is_refused_where_gpus_are_given_out_whole_and_waits_where_that_is_not_known(queue: Queue) -> None:
    share: dict[str, Any] = {"resources": {"gpus": 1, "gpu_share": 0.5}}
    assert queue.state(queue.submit(**share)) is S.QUEUED, "no machine was seen yet"
    on_a_cluster = [Slot("n1/gpu:0", "gpu", node="n1"), Slot("n1/cpu:0", "cpu", node="n1")]
    queue.write(views.save, View("n1", on_a_cluster))
    with pytest.raises(InvalidPrecondition, match=r"given out whole, not in shares; leave it out to get one whole"):
        queue.submit(**share)
    assert queue.state(queue.submit(resources={"gpus": 1})) is S.QUEUED
    assert queue.state(queue.submit(resources={"gpus_where_present": 1, "gpu_share": 0.5})) is S.QUEUED
    queue.write(views.save, View("", [Slot("GPU-1", "gpu", units=GPU_UNITS)]))
    assert queue.state(queue.submit(**share)) is S.QUEUED, "another machine could give it"


def test_the_same_key_and_spec_is_the_same_job(queue: Queue) -> None:
    first = queue.submit(idempotency_key="once", timeout_seconds=60, tags=("a", "b"))
    assert queue.submit(idempotency_key="once", timeout_seconds=60, tags=("a", "b")) == first
    assert queue.told(first) == ["queued"]


def test_the_same_key_with_another_spec_or_from_somebody_else_is_refused(queue: Queue) -> None:
    queue.submit(idempotency_key="once")
    with pytest.raises(AlreadyExists, match="another spec"):
        queue.submit(idempotency_key="once", priority=9)
    with pytest.raises(AlreadyExists, match="somebody else"):
        queue.submit(idempotency_key="once", name="eve")


def test_a_key_still_names_its_job_after_the_end(queue: Queue) -> None:
    job_id = queue.bring(S.FAILED, idempotency_key="once")
    assert queue.submit(idempotency_key="once", retry={"max_attempts": 1}) == job_id
    assert queue.state(job_id) is S.FAILED


def test_a_job_for_a_task_is_its_claimants_alone(queue: Queue) -> None:
    task_id = queue.store.task()
    with pytest.raises(InvalidPrecondition, match="claim task"):
        queue.submit(task_id=task_id)
    queue.store.claim(task_id, "bob")
    with pytest.raises(InvalidPrecondition, match="claim task"):
        queue.submit(task_id=task_id, name="eve")
    assert queue.read(queue.submit(task_id=task_id)).task_id == task_id
    with pytest.raises(InvalidPrecondition, match="claim task"):
        queue.submit(task_id="no-such-task")


def test_while_an_experiment_is_paused_only_claimed_work_is_queued(queue: Queue) -> None:
    task_id = queue.store.task()
    queue.store.claim(task_id)
    queue.store.set(status="paused")
    with pytest.raises(IllegalTransition, match="paused"):
        queue.submit()
    assert queue.state(queue.submit(task_id=task_id)) is S.QUEUED


@pytest.mark.parametrize("branch", ["work/{eve}/idea", "work/{bob}x/idea"])
def test_results_go_only_to_branches_of_ones_own(queue: Queue, branch: str) -> None:
    named = {name: queue.store.id_of(name) for name in ("bob", "eve")}
    with pytest.raises(Forbidden, match="of your own"):
        queue.submit(publish=branch.format(**named))
    own = f"work/{named['bob']}/idea"
    assert queue.read(queue.submit(publish=own)).publish == own


@pytest.mark.parametrize("state", [state for state in JobState if state is not S.PREEMPTED])
def test_cancelling_ends_what_waits_asks_what_runs_and_leaves_what_ended(queue: Queue, state: JobState) -> None:
    job_id = queue.bring(state)
    told = len(queue.told(job_id))
    queue.cancel(job_id)
    if state is S.QUEUED:
        assert queue.state(job_id) is S.CANCELLED
        assert queue.read(job_id).cause == "cancelled"
    elif state in {S.STARTING, S.RUNNING}:
        assert queue.state(job_id) is S.CANCELLING
        assert queue.told(job_id)[-1] == "cancelling"
    else:
        assert queue.state(job_id) is state
        assert len(queue.told(job_id)) == told
    assert queue.counted() == queue.tallied()


def test_other_peoples_jobs_are_cancelled_by_admins_alone(queue: Queue) -> None:
    job_id = queue.submit()
    with pytest.raises(Forbidden, match="your own jobs"):
        queue.cancel(job_id, "eve")
    queue.cancel(job_id, "admins")
    assert queue.state(job_id) is S.CANCELLED


def test_a_job_of_another_experiment_does_not_exist_here(queue: Queue) -> None:
    job_id = queue.submit()
    number = str(queue.read(job_id).number)
    for name in (job_id, number, "999999999999", "٣", "nothing"):
        with pytest.raises(NotFound):
            queue.store.house.writer.write(partial(submit.load, job_id=name), experiment_id="exp_elsewhere")
    assert queue.read(number).job_id == job_id


def test_a_stale_attempt_changes_nothing(queue: Queue) -> None:
    job_id = queue.submit()
    first = queue.place(job_id, "cpu:0")
    assert queue.finish(job_id, first, Ending("node_lost"))
    second = queue.place(job_id, "cpu:1")
    for stale in (first, second + 1):
        assert not queue.start(job_id, stale)
        assert not queue.finish(job_id, stale, Ending("finished", 0))
    assert queue.state(job_id) is S.STARTING
    assert queue.held() == {"cpu:1": job_id}
    assert queue.start(job_id, second)
    assert not queue.start(job_id, second)
    assert queue.finish(job_id, second, Ending("finished", 0))
    assert not queue.finish(job_id, second, Ending("user_error", 1)), "one end is enough"
    assert queue.read(job_id).exit_code == 0
    assert queue.told(job_id) == ["queued", "starting", "requeued", "starting", "started", "finished"]


def test_a_slot_has_one_live_holder_by_the_databases_own_rule(queue: Queue) -> None:
    first, second = queue.submit(), queue.submit()
    queue.place(first, "cpu:0", "cpu:1")
    with pytest.raises(IntegrityError):
        queue.place(second, "cpu:2", "cpu:1")
    assert queue.state(second) is S.QUEUED
    assert queue.held() == {"cpu:0": first, "cpu:1": first}
    assert queue.counted() == queue.tallied()


def test_a_job_is_placed_once(queue: Queue) -> None:
    job_id = queue.submit()
    queue.place(job_id, "cpu:0")
    with pytest.raises(IllegalTransition):
        queue.place(job_id, "cpu:1")
    assert queue.held() == {"cpu:0": job_id}


def test_a_lost_attempt_is_followed_by_another_until_there_were_too_many(queue: Queue) -> None:
    job_id = queue.submit(retry={"max_attempts": 2})
    numbers = range(1, MOST_LOSSES + 2)
    for number in numbers:
        assert queue.place(job_id) == number
        queue.start(job_id, number)
        assert queue.read(job_id).started_at is not None
        queue.finish(job_id, number, Ending("node_lost", None, "its process was gone"))
        assert queue.held() == {}
        if number <= MOST_LOSSES:
            again = queue.read(job_id)
            assert (again.state, again.started_at) == (S.QUEUED, None)
            assert again.waiting_for == "its process was gone; it is queued again"
    lost = queue.read(job_id)
    assert (lost.state, lost.cause) == (S.LOST, "node_lost")
    told = [(one.number, one.state, one.cause) for one in lost.attempts]
    assert told == [(number, S.LOST, "node_lost") for number in numbers]


def test_a_failed_attempt_that_is_tried_again_is_remembered_as_failed(queue: Queue) -> None:
    job_id = queue.submit(retry={"max_attempts": 2, "on": ("failed",)})
    queue.finish(job_id, queue.place(job_id), Ending("user_error", 9))
    assert queue.state(job_id) is S.QUEUED
    (attempt,) = queue.read(job_id).attempts
    assert (attempt.state, attempt.exit_code, attempt.cause) == (S.FAILED, 9, "user_error")


def test_an_attempt_that_we_stopped_ourselves_does_not_count_against_its_job(queue: Queue) -> None:
    job_id = queue.submit(retry={"max_attempts": 1})
    for number in (1, 2, 3):
        queue.place(job_id)
        queue.write(attempts.preempt_all)
        queue.finish(job_id, number, Ending("cancelled"))
        assert queue.state(job_id) is S.QUEUED
    queue.finish(job_id, queue.place(job_id), Ending("node_lost"))
    assert queue.state(job_id) is S.LOST
    assert [one.state for one in queue.read(job_id).attempts] == [S.PREEMPTED] * 3 + [S.LOST]


def test_an_attempt_that_nobody_asked_to_stop_counts_as_lost(queue: Queue) -> None:
    job_id = queue.submit(retry={"max_attempts": 1})
    queue.finish(job_id, queue.place(job_id), Ending("cancelled"))
    ended = queue.read(job_id)
    assert (ended.state, ended.cause) == (S.LOST, "node_lost")


def test_stopping_the_server_touches_no_attempt_that_has_ended(queue: Queue) -> None:
    ended = queue.bring(S.FAILED)
    queue.write(attempts.preempt_all)
    assert [one.cause for one in queue.read(ended).attempts] == ["user_error"]


def test_a_job_that_is_being_cancelled_ends_cancelled_however_its_attempt_ended(queue: Queue) -> None:
    job_id = queue.bring(S.CANCELLING)
    queue.finish(job_id, 1, Ending("finished", 0))
    ended = queue.read(job_id)
    assert (ended.state, ended.cause, ended.attempts[0].state) == (S.CANCELLED, "cancelled", S.CANCELLED)


@pytest.mark.parametrize("state", sorted(FINAL_STATES))
def test_an_ended_job_can_be_tried_again_unless_it_succeeded(queue: Queue, state: JobState) -> None:
    job_id = queue.bring(state)
    if state is S.SUCCEEDED:
        with pytest.raises(IllegalTransition):
            queue.write(submit.retry, job_id, CLAIMS)
        return
    queue.write(submit.retry, job_id, CLAIMS)
    again = queue.read(job_id)
    assert (again.state, again.ended_at, again.cause, again.exit_code) == (S.QUEUED, None, None, None)
    assert queue.place(job_id) == 2
    assert queue.counted() == queue.tallied()


def test_a_job_whose_claim_has_ended_is_not_tried_again(queue: Queue) -> None:
    task_id = queue.store.task()
    queue.store.claim(task_id)
    job_id = queue.bring(S.FAILED, task_id=task_id)
    queue.write(submit.retry, job_id, CLAIMS)
    queue.finish(job_id, queue.place(job_id), Ending("user_error", 1))
    queue.store.act("bob", claims.release, task_id)
    with pytest.raises(InvalidPrecondition, match="claim of task"):
        queue.write(submit.retry, job_id, CLAIMS)
    queue.store.claim(task_id)
    with pytest.raises(InvalidPrecondition, match="claim of task"):
        queue.write(submit.retry, job_id, CLAIMS)


def test_only_a_waiting_job_changes_its_place(queue: Queue) -> None:
    first, second, third = (queue.submit() for _ in range(3))
    assert in_order(queue) == [first, second, third]
    queue.write(submit.reprioritise, third, Reprioritise(priority=9))
    queue.write(submit.reprioritise, first, Reprioritise(priority=0))
    assert in_order(queue) == [third, second, first]
    queue.place(third)
    assert in_order(queue) == [second, first]
    with pytest.raises(InvalidPrecondition, match="waiting"):
        queue.write(submit.reprioritise, third, Reprioritise(priority=1))


def test_reasons_are_kept_for_those_that_wait_and_only_for_them(queue: Queue) -> None:
    waiting, placed = queue.submit(), queue.bring(S.RUNNING)
    queue.write(attempts.explain, {waiting: "needs 1 GPU; none is free", placed: "never mind"})
    assert queue.read(waiting).waiting_for == "needs 1 GPU; none is free"
    assert queue.read(placed).waiting_for is None
    queue.place(waiting, "cpu:7")
    assert queue.read(waiting).waiting_for is None


def test_a_change_that_somebody_else_overtook_is_refused(queue: Queue) -> None:
    job_id = queue.submit()

    def overtaken(tx: Any) -> None:
        row = submit.load(tx, job_id)
        tx.connection.execute(update(jobs).where(jobs.c.job_id == job_id).values(attempt=5))
        submit.save(tx, row, "reprioritised", priority=1)

    with pytest.raises(InvalidPrecondition, match="moved on"):
        queue.store.house.writer.write(overtaken)
    assert queue.read(job_id).attempt == 0
