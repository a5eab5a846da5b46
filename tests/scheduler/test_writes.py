"""What is written for several jobs at once is what would be written one after the other, and one keeps none back."""

from collections.abc import Iterator
from typing import Any

import pytest

from control_plane.scheduler.operations import attempts
from control_plane.scheduler.operations.attempts import Ending
from control_plane.scheduler.rules.board import Placement
from control_plane.scheduler.writes import AT_ONCE, Writes
from store_client.errors import Refused, Unavailable
from store_client.wire.jobs import JobState as S
from tests.scheduler.queue_house import Queue
from tests.store.task_house import open_house


@pytest.fixture
def queue(database_url: str) -> Iterator[Queue]:
    with open_house(database_url) as store:
        yield Queue(store)


class Round:
    """The writes of a round, and what was answered."""

    def __init__(self, queue: Queue) -> None:
        self.writes = Writes(queue.store.house.writer)
        self.answers: dict[str, Any] = {}

    def add(self, act: Any, name: str, thing: Any) -> None:
        self.writes.add_to(
            act, thing, lambda answer: self.answers.update({name: answer}), lambda why: self.answers.update({name: why})
        )

    def commit(self) -> dict[str, Any]:
        self.writes.commit()
        return self.answers


def test_one_that_is_refused_keeps_none_of_the_others_back(queue: Queue) -> None:
    jobs = [queue.submit() for _ in range(4)]
    queue.cancel(jobs[1])
    place, start = Round(queue), Round(queue)
    for number, job in enumerate(jobs):
        place.add(attempts.place_all, job, (Placement.on(job, f"cpu:{min(number, 2)}"), None))
    answers = place.commit()
    assert [queue.state(job) for job in jobs] == [S.STARTING, S.CANCELLED, S.STARTING, S.QUEUED]
    assert isinstance(answers[jobs[1]], Refused)
    assert isinstance(answers[jobs[3]], Exception), "its slot was taken by the one before"
    assert sorted(queue.held().values()) == sorted([jobs[0], jobs[2]])
    assert answers[jobs[0]]["attempt"] == 1
    for job in jobs:
        start.add(attempts.start_all, job, (job, 1))
    assert start.commit() == {jobs[0]: True, jobs[1]: False, jobs[2]: True, jobs[3]: False}
    assert queue.told(jobs[0]) == ["queued", "starting", "started"]
    assert queue.told(jobs[3]) == ["queued"]
    assert queue.tallied() == queue.counted() == {"running": 2, "cancelled": 1, "queued": 1}


def test_attempts_that_end_together_each_end_in_their_own_way(queue: Queue) -> None:
    jobs = [queue.submit(retry={"max_attempts": 2}) for _ in range(5)]
    for number, job in enumerate(jobs):
        queue.place(job, f"cpu:{number}")
        queue.start(job, 1)
    queue.finish(jobs[4], 1, Ending("finished", 0))
    endings = [Ending("finished", 0), Ending("user_error", 3), Ending("node_lost"), Ending("finished", 0)]
    told = [(job, 1, ending) for job, ending in zip(jobs, [*endings, Ending("user_error", 9)], strict=True)]
    told[3] = (jobs[3], 2, Ending("finished", 0))
    assert queue.write(attempts.finish_all, told) == [True, True, True, False, False]
    states = [queue.state(job) for job in jobs]
    assert states == [S.SUCCEEDED, S.FAILED, S.QUEUED, S.RUNNING, S.SUCCEEDED]
    assert queue.held() == {"cpu:3": jobs[3]}
    assert [queue.told(job)[-1] for job in jobs] == ["finished", "finished", "requeued", "started", "finished"]
    assert queue.tallied() == queue.counted()
    assert queue.read(jobs[4]).attempts[0].late is not None, "a late ending is evidence"


def test_an_attempt_that_is_told_twice_starts_once(queue: Queue) -> None:
    job = queue.submit()
    queue.place(job)
    assert queue.write(attempts.start_all, [(job, 1), (job, 1)]) == [True, True]
    assert queue.told(job) == ["queued", "starting", "started"]


def test_slots_that_come_free_in_a_round_are_given_out_in_the_same_commit(queue: Queue) -> None:
    before, after = queue.submit(), queue.submit()
    queue.place(before, "cpu:0")
    both = Round(queue)
    both.add(attempts.finish_all, "end", (before, 1, Ending("finished", 0)))
    both.add(attempts.place_all, "place", (Placement.on(after, "cpu:0"), None))
    both.commit()
    assert queue.held() == {"cpu:0": after}


def test_a_round_of_many_is_committed_in_parts_and_in_order(queue: Queue) -> None:
    seen: list[int] = []

    def note(_tx: Any, numbers: Any) -> Any:
        seen.extend(numbers)
        return [-number for number in numbers]

    many = Round(queue)
    for number in range(3 * AT_ONCE + 1):
        many.add(note, str(number), number)
    answers = many.commit()
    assert seen == list(range(3 * AT_ONCE + 1))
    assert all(answers[str(number)] == -number for number in seen)


def test_what_may_have_been_committed_is_not_tried_again(queue: Queue) -> None:
    tries: list[int] = []

    def break_off(_tx: Any, numbers: Any) -> Any:
        tries.extend(numbers)
        raise Unavailable("the database did not say that it committed")

    round_ = Round(queue)
    for number in range(3):
        round_.add(break_off, str(number), number)
    answers = round_.commit()
    assert tries == [0, 1, 2]
    assert all(isinstance(answer, Unavailable) for answer in answers.values())
