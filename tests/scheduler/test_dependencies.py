"""Jobs that come after others: they wait, are let go, or end with what they were to come after."""

from itertools import product
from typing import Any

import pytest
from sqlalchemy import select

from control_plane.scheduler.operations import arrays, ends, submit
from control_plane.scheduler.operations.endings import Ending
from control_plane.scheduler.tables import jobs
from store_client.errors import InvalidPrecondition, NotFound
from store_client.wire.jobs import FINAL_STATES, JobState
from tests.scheduler.queue_house import CLAIMS, Queue
from tests.store.task_house import begin_experiment, ulid

S = JobState
ELSEWHERE = "exp_" + ulid(2)
BAD = sorted(FINAL_STATES - {S.SUCCEEDED})


def waits_on(queue: Queue, job_id: str) -> int:
    with queue.store.house.database.reading() as connection:
        return int(connection.execute(select(jobs.c.waits_on).where(jobs.c.job_id == job_id)).scalar_one())


def after(*job_ids: str, when: str = "succeeded") -> dict[str, Any]:
    return {"depends_on": [{"job_id": job_id, "when": when} for job_id in job_ids]}


def end(queue: Queue, job_id: str, state: JobState) -> None:
    """Bring a waiting job to this end."""
    if state is S.CANCELLED:
        queue.cancel(job_id)
        return
    causes = {S.SUCCEEDED: "finished", S.FAILED: "user_error", S.TIMED_OUT: "timeout", S.LOST: "node_lost"}
    attempt = queue.place(job_id)
    queue.finish(job_id, attempt, Ending(causes.get(state, "out_of_memory")))  # type: ignore[arg-type]  # drawn from a list of causes


def first(queue: Queue, **wish: Any) -> str:
    return queue.submit(retry={"max_attempts": 1}, **wish)


def test_a_job_waits_for_all_that_it_comes_after(queue: Queue) -> None:
    one, other = first(queue), first(queue)
    last = queue.submit(**after(one, str(queue.read(other).number), one))
    assert waits_on(queue, last) == 2
    end(queue, one, S.SUCCEEDED)
    assert waits_on(queue, last) == 1
    assert queue.told(last) == ["queued"]
    end(queue, other, S.SUCCEEDED)
    assert waits_on(queue, last) == 0
    assert queue.told(last) == ["queued", "ready"]
    assert [one.when for one in queue.read(last).depends_on] == ["succeeded"] * 3


@pytest.mark.parametrize("state", sorted(FINAL_STATES))
def test_the_end_of_a_job_is_enough_for_those_that_ask_no_more(queue: Queue, state: JobState) -> None:
    one = first(queue)
    last = queue.submit(**after(one, when="ended"))
    end(queue, one, state)
    assert (queue.state(last), waits_on(queue, last)) == (S.QUEUED, 0)


@pytest.mark.parametrize("state", BAD)
def test_what_cannot_come_any_more_ends_and_says_which_job_and_why(queue: Queue, state: JobState) -> None:
    one = first(queue)
    second = queue.submit(**after(one))
    third = queue.submit(**after(second))
    bystander = queue.submit(**after(second, when="ended"))
    end(queue, one, state)
    number = queue.read(one).number
    dropped = queue.read(second)
    assert (dropped.state, dropped.cause) == (S.CANCELLED, "dependency_failed")
    assert dropped.detail is not None
    assert dropped.detail.startswith(f"job {number} ")
    assert dropped.detail.endswith(", and this was to come after its success")
    assert queue.read(third).cause == "dependency_failed"
    assert f"job {dropped.number} was cancelled" in str(queue.read(third).detail)
    assert (queue.state(bystander), waits_on(queue, bystander)) == (S.QUEUED, 0)
    assert queue.counted() == queue.tallied()


@pytest.mark.parametrize(("state", "when"), list(product(sorted(FINAL_STATES), ["succeeded", "ended"])))
def test_what_has_ended_already_is_met_or_refused(queue: Queue, state: JobState, when: str) -> None:
    one = queue.bring(state)
    if state is S.SUCCEEDED or when == "ended":
        assert waits_on(queue, queue.submit(**after(one, when=when))) == 0
    else:
        with pytest.raises(InvalidPrecondition, match=r"job 1 .*try that again first"):
            queue.submit(**after(one, when=when))


def test_only_what_exists_and_may_be_read_can_be_named(queue: Queue) -> None:
    house = queue.store.house
    house.writer.write(lambda tx: begin_experiment(tx, ELSEWHERE))
    there = house.writer.write(lambda tx: submit.submit(tx, queue.spec(), CLAIMS), experiment_id=ELSEWHERE)
    for name in ("job_none", "77", "arr_none", there["job_id"], str(there["number"])):
        with pytest.raises(NotFound, match=f"depends_on: there is no (job|array) {name} here"):
            queue.submit(**after(name))
    spec = queue.spec(**after(there["job_id"]))
    row = house.writer.write(lambda tx: submit.submit(tx, spec, CLAIMS), experiment_id=queue.store.experiment_id)
    assert waits_on(queue, row["job_id"]) == 1
    house.writer.write(lambda tx: submit.cancel(tx, there["job_id"]))
    assert queue.state(row["job_id"]) is S.CANCELLED


def test_a_job_that_is_tried_again_by_its_policy_has_not_ended(queue: Queue) -> None:
    one = queue.submit(retry={"max_attempts": 2})
    last = queue.submit(**after(one))
    queue.finish(one, queue.place(one), Ending("node_lost"))
    assert waits_on(queue, last) == 1
    queue.finish(one, queue.place(one), Ending("finished", 0))
    assert waits_on(queue, last) == 0


def test_one_that_is_cancelled_while_it_waits_waits_for_nothing_any_more(queue: Queue) -> None:
    one = first(queue)
    last = queue.submit(**after(one))
    queue.cancel(last)
    assert waits_on(queue, last) == 0
    end(queue, one, S.FAILED)
    assert queue.read(last).cause == "cancelled"


def test_what_is_tried_again_by_hand_looks_anew_at_what_it_comes_after(queue: Queue) -> None:
    one = first(queue)
    last = queue.submit(**after(one))
    end(queue, one, S.FAILED)
    with pytest.raises(InvalidPrecondition, match="job 1 failed"):
        queue.write(submit.retry, last, CLAIMS)
    queue.write(submit.retry, one, CLAIMS)
    queue.write(submit.retry, last, CLAIMS)
    assert waits_on(queue, last) == 1
    end(queue, one, S.SUCCEEDED)
    assert (queue.state(last), waits_on(queue, last), queue.read(last).detail) == (S.QUEUED, 0, None)


def test_an_array_comes_first_as_a_whole(queue: Queue) -> None:
    array_id = queue.read(first(queue, array=2)).array_id
    assert array_id is not None
    last = queue.submit(**after(array_id))
    queue.write(arrays.unfold)
    one, other = members(queue, array_id)
    end(queue, one, S.SUCCEEDED)
    assert waits_on(queue, last) == 1
    end(queue, other, S.FAILED)
    assert queue.read(last).detail == (
        "1 of the 2 jobs of array 1 did not succeed, and this was to come after its success"
    )
    queue.write(submit.retry, other, CLAIMS)
    queue.write(submit.retry, last, CLAIMS)
    end(queue, other, S.SUCCEEDED)
    assert (queue.state(last), waits_on(queue, last)) == (S.QUEUED, 0)


def test_every_job_of_an_array_waits_and_none_is_made_when_its_turn_cannot_come(queue: Queue) -> None:
    one = first(queue)
    array_id = str(queue.read(queue.submit(array=200, **after(one))).array_id)
    queue.write(arrays.unfold)
    assert {waits_on(queue, job_id) for job_id in members(queue, array_id)} == {1}
    end(queue, one, S.FAILED)
    assert {queue.state(job_id) for job_id in members(queue, array_id)} == {S.CANCELLED}
    made = len(members(queue, array_id))
    assert queue.write(arrays.unfold) == 0
    assert len(members(queue, array_id)) == made


def members(queue: Queue, array_id: str) -> list[str]:
    with queue.store.house.database.reading() as connection:
        query = select(jobs.c.job_id).where(jobs.c.array_id == array_id).order_by(jobs.c.number)
        return list(connection.scalars(query))


def test_a_crowd_is_told_a_part_at_a_time_and_nobody_is_forgotten(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ends.settle, "__defaults__", (4,))
    one = first(queue)
    crowd = [queue.submit(**after(one)) for _ in range(6)]
    chain = [crowd[-1]]
    for _ in range(6):
        chain.append(queue.submit(**after(chain[-1])))
    end(queue, one, S.FAILED)
    states = [queue.state(job_id) for job_id in (*crowd, *chain)]
    assert states.count(S.CANCELLED) == 4
    rounds = 0
    while queue.write(arrays.unfold):
        rounds += 1
    assert rounds >= 2
    assert {queue.state(job_id) for job_id in (*crowd, *chain)} == {S.CANCELLED}
    assert queue.counted() == queue.tallied()
