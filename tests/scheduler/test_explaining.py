"""Why a job waits, asked of the database: its place, what blocks it, when it may start, and the queue as a whole."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from control_plane.db.transaction import Tx
from control_plane.scheduler import lookout
from control_plane.scheduler.lookout import Lookout
from control_plane.scheduler.operations import explaining, queue_status, situation
from control_plane.scheduler.operations.attempts import Ending
from control_plane.scheduler.rules.board import GPU_UNITS, Slot
from store_client.errors import BadRequest, NotFound
from store_client.wire.calls.scheduler import QueueQuery
from store_client.wire.jobs import JobState, QueueSummary
from store_client.wire.scalars import parse_time
from store_client.wire.scheduler import Explanation, SchedulerStatus
from tests.scheduler.queue_house import CLAIMS, Queue

S = JobState
GPU = Slot("GPU-0", "gpu", 80 * 1024**3, units=GPU_UNITS, index=0)
CPUS = (Slot("cpu:0", "cpu"), Slot("cpu:1", "cpu"))
SUMMARY = QueueSummary(slots_total=2, slots_busy=0, unit="CPU slots", waiting=0, running=0)


@pytest.fixture(autouse=True)
def _however_busy_the_machine_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A short queue is read quickly, which a machine under load would make untrue."""
    monkeypatch.setattr(lookout, "QUICK_SECONDS", 60.0)


class Asked:
    """The questions, put to one lookout over some slots."""

    def __init__(self, queue: Queue, slots: Sequence[Slot] = CPUS, latest: Callable[[], Any] = lambda: None) -> None:
        self._queue, self._slots, self._lookout = queue, slots, Lookout(self._look, latest)
        self.while_reading: Callable[[], object] = lambda: None

    def _look(self, _tx: Tx) -> Sequence[Slot]:
        meanwhile, self.while_reading = self.while_reading, lambda: None
        meanwhile()
        return self._slots

    def why(self, job_id: str) -> Explanation:
        found: Explanation = self._queue.write(explaining.answer, job_id, self._lookout.see, CLAIMS)
        return found

    def queue(self, **query: Any) -> SchedulerStatus:
        def look(tx: Tx) -> SchedulerStatus:
            return queue_status.status(tx, QueueQuery(**query), self._lookout.see(tx), SUMMARY)

        found: SchedulerStatus = self._queue.store.house.read_now(look)
        return found


def kinds(found: Explanation) -> list[str]:
    return [one.kind for one in found.constraints]


def test_a_job_that_nothing_blocks_is_about_to_start(queue: Queue) -> None:
    found = Asked(queue).why(queue.submit())
    assert (found.position, found.waiting, kinds(found)) == (1, 1, ["starting"])
    assert found.no_start is not None
    assert "too few" in found.no_start


def test_a_job_is_explained_by_its_number_too(queue: Queue) -> None:
    job_id = queue.submit()
    assert Asked(queue).why(str(queue.read(job_id).number)).job_id == job_id
    with pytest.raises(NotFound):
        Asked(queue).why("job_nobody")


def test_who_holds_the_slots_is_named_with_the_latest_end(queue: Queue) -> None:
    running = queue.submit(timeout_seconds=60)
    queue.place(running, "cpu:0", "cpu:1")
    found = Asked(queue).why(queue.submit())
    assert kinds(found) == ["held"]
    (holder,) = found.constraints[0].jobs
    assert (holder.job_id, holder.number) == (running, queue.read(running).number)
    assert holder.until is not None
    assert 55 < (parse_time(holder.until) - parse_time(found.at)).total_seconds() < 90
    assert found.change is not None
    assert found.change.kind == "end_job"
    assert found.change.job is not None
    assert found.change.job.job_id == running


def test_a_higher_priority_is_proposed_where_it_would_do(queue: Queue) -> None:
    queue.submit(priority=7, resources={"cpus": 2})
    found = Asked(queue).why(queue.submit(priority=5, resources={"cpus": 2}))
    assert (found.position, found.change and (found.change.kind, found.change.priority)) == (2, ("priority", 8))


def test_a_job_that_never_fits_is_told_what_there_is(queue: Queue) -> None:
    found = Asked(queue, [GPU, *CPUS]).why(queue.submit(resources={"cpus": 99}))
    assert kinds(found) == ["never_fits"]
    assert "the most is 2" in found.sentence
    assert found.start is None


def test_what_comes_first_is_named_and_the_job_has_no_place(queue: Queue) -> None:
    first = queue.submit()
    found = Asked(queue).why(queue.submit(depends_on=[{"job_id": first}]))
    assert (kinds(found), found.position) == (["dependency"], None)
    assert [one.job_id for one in found.constraints[0].jobs] == [first]
    assert f"comes after job {queue.read(first).number}, which must succeed first" in found.sentence


def test_a_job_that_rests_says_until_when(queue: Queue) -> None:
    job_id = queue.submit(retry={"on": ["failed"], "delay_seconds": 1000})
    attempt = queue.place(job_id)
    queue.start(job_id, attempt)
    queue.finish(job_id, attempt, Ending("user_error", 1))
    found = Asked(queue).why(job_id)
    assert kinds(found) == ["rest"]
    assert found.constraints[0].until is not None
    assert "before attempt 2" in found.sentence


@pytest.mark.parametrize("state", [S.STARTING, S.RUNNING, S.CANCELLING, S.SUCCEEDED, S.FAILED, S.CANCELLED, S.LOST])
def test_a_job_that_does_not_wait_is_told_what_became_of_it(queue: Queue, state: JobState) -> None:
    found = Asked(queue).why(queue.bring(state))
    assert found.state == state
    assert found.sentence.endswith(".")
    assert (found.constraints, found.position, found.change) == ((), None, None)


def test_a_start_is_foretold_once_enough_attempts_have_ended(queue: Queue) -> None:
    for _ in range(5):
        queue.bring(S.SUCCEEDED)
    running = queue.submit()
    queue.place(running, "cpu:0", "cpu:1")
    waiting = queue.submit()
    found = Asked(queue).why(waiting)
    assert found.no_start is None
    assert found.start is not None
    assert found.start.past_runs == 5
    assert found.at[:10] <= found.start.earliest <= found.start.likely <= found.start.latest
    assert Asked(queue).queue().items[0].start is not None


def test_a_list_takes_what_was_foretold_a_moment_ago_and_a_question_has_its_own(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookout, "REST_SHARE", 1_000_000)
    for _ in range(5):
        queue.bring(S.SUCCEEDED)
    queue.place(queue.submit(), "cpu:0", "cpu:1")
    asked = Asked(queue)
    known = queue.submit()
    assert asked.queue().items[0].start is not None
    new = queue.submit()
    assert [one.start is None for one in asked.queue().items] == [False, True]
    assert asked.why(new).start is not None
    assert [one.start is None for one in asked.queue().items] == [False, False]
    assert asked.why(known).start is not None


def test_the_queue_is_shown_in_the_order_of_placement_page_by_page(queue: Queue) -> None:
    low, high, middle = (queue.submit(priority=priority) for priority in (1, 9, 5))
    queue.submit(depends_on=[{"job_id": low}])
    asked = Asked(queue)
    first = asked.queue(limit=2)
    rest = asked.queue(limit=2, after=first.next)
    found = [(one.position, one.job.job_id) for one in (*first.items, *rest.items)]
    assert found == [(1, high), (2, middle), (3, low)]
    assert (first.total, rest.next) == (3, None)
    assert first.states["queued"] == 4
    assert [head.job_id for head in first.heads] == [high, middle, low]
    assert first.policy.starvation_seconds > first.policy.ageing_seconds
    assert all(one.job.position == one.position for one in first.items)


def test_the_queue_of_one_experiment_keeps_the_places_of_the_whole(queue: Queue) -> None:
    queue.submit(priority=9)
    own = queue.submit()
    asked = Asked(queue)
    assert [one.position for one in asked.queue(experiment_id=queue.store.experiment_id).items] == [1, 2]
    assert asked.queue(experiment_id="exp_other").items == ()
    assert asked.why(own).position == 2
    with pytest.raises(BadRequest):
        asked.queue(after="first")


def test_what_is_written_is_seen_at_once(queue: Queue) -> None:
    asked = Asked(queue)
    assert asked.queue().total == 0
    job_id = queue.submit()
    assert asked.queue().total == 1
    queue.cancel(job_id)
    assert asked.queue().total == 0


def test_a_long_queue_is_seen_as_the_scheduler_saw_it_last(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    queue.submit()
    seen = queue.write(lambda tx: situation.read(tx, CPUS))
    queue.submit()
    asked = Asked(queue, latest=lambda: (seen, None))
    assert asked.queue().total == 2
    monkeypatch.setattr(lookout, "MANY", 0)
    queue.submit()
    assert asked.queue().total == 1


def test_what_was_slow_to_read_serves_several_questions(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookout, "QUICK_SECONDS", 0.0)
    monkeypatch.setattr(lookout, "FEW", -1)
    monkeypatch.setattr(lookout, "PATIENCE", 1_000_000)
    asked = Asked(queue)
    assert asked.queue().total == 0
    queue.submit()
    assert asked.queue().total == 0


def test_nobody_waits_for_a_long_queue_that_somebody_else_is_reading(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookout, "QUICK_SECONDS", 0.0)
    monkeypatch.setattr(lookout, "FEW", -1)
    monkeypatch.setattr(lookout, "PATIENCE", 0)
    asked, nested = Asked(queue), list[int]()
    assert asked.queue().total == 0
    queue.submit()
    asked.while_reading = lambda: nested.append(asked.queue().total)
    assert asked.queue().total == 1
    assert nested == [0]
