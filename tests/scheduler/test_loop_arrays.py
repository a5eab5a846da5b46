"""Arrays, jobs after jobs and rests, with a scheduler at work and real processes."""

from sqlalchemy import select

from control_plane.scheduler.operations import whole_arrays
from control_plane.scheduler.tables import jobs
from store_client.wire.jobs import JobState
from tests.scheduler.attempts import eventually
from tests.scheduler.queue_house import Yard

S = JobState


def states(yard: Yard, array_id: str) -> list[str]:
    with yard.store.house.database.reading() as connection:
        return list(connection.scalars(select(jobs.c.state).where(jobs.c.array_id == array_id)))


def test_an_array_runs_to_its_end_and_then_what_comes_after_it(yard: Yard) -> None:
    tell = 'test "$SWITCHYARD_ARRAY_SIZE" = 5 && echo "I am $SWITCHYARD_ARRAY_INDEX"'
    first = yard.read(yard.shell(tell, array=5))
    array_id = str(first.array_id)
    after = yard.shell("true", depends_on=[{"job_id": array_id}])
    never = yard.shell("true", depends_on=[{"job_id": after}, {"job_id": yard.shell("exit 3")}])
    assert yard.end(after).state is S.SUCCEEDED
    assert states(yard, array_id) == ["succeeded"] * 5
    yard.await_log(first.job_id, "I am 0")
    assert yard.end(never).cause == "dependency_failed"
    assert yard.counted() == yard.tallied()


def test_a_job_that_rests_is_tried_again_when_its_rest_is_over(yard: Yard) -> None:
    once = "test -e ../../tried || { touch ../../tried; exit 7; }"
    job_id = yard.shell(once, retry={"max_attempts": 2, "on": ["failed"], "delay_seconds": 0.5})
    ended = yard.end(job_id)
    assert (ended.state, [attempt.exit_code for attempt in ended.attempts]) == (S.SUCCEEDED, [7, 0])
    assert "requeued" in yard.told(job_id)


def test_an_array_that_is_cancelled_leaves_nothing_running(yard: Yard) -> None:
    array_id = str(yard.read(yard.shell("sleep 600", array=100)).array_id)
    eventually(lambda: "running" in states(yard, array_id), "one that runs")
    yard.store.act("bob", whole_arrays.cancel, array_id)
    eventually(lambda: set(states(yard, array_id)) == {"cancelled"}, "the end of all")
    assert yard.held() == {}
