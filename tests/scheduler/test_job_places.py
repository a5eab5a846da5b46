"""The place of a job is one thing wherever it is told: in lists, of one job, in the queue's page and in its reason."""

from functools import partial
from typing import Any

import pytest
from sqlalchemy import insert

from control_plane.db.transaction import Tx
from control_plane.registry.operations import lifecycle
from control_plane.scheduler import lookout, onlooker
from control_plane.scheduler.lookout import Lookout, Seen
from control_plane.scheduler.operations import attempts, explaining, listing, queue_status, reorder, situation
from control_plane.scheduler.rules.board import Slot
from control_plane.scheduler.tables import jobs
from store_client.wire.batches import MoveJob
from store_client.wire.calls.jobs import JobPageQuery
from store_client.wire.calls.scheduler import QueueQuery
from store_client.wire.jobs import QueueSummary
from tests.scheduler.queue_house import CLAIMS, Queue
from tests.store.task_house import begin_experiment, ulid

SLOTS = [Slot("cpu:0", "cpu")]
SUMMARY = QueueSummary(slots_total=1, slots_busy=0, unit="CPU slots", waiting=0, running=0)


def note(looks: list[Tx], tx: Tx) -> list[Slot]:
    """The slots, for one who looks at them."""
    looks.append(tx)
    return SLOTS


def told(queue: Queue, eyes: Lookout) -> dict[str, list[int | None]]:
    """The places of all jobs, the oldest first, as each answer has them."""

    def look(tx: Tx) -> dict[str, dict[str, int | None]]:
        page = listing.page(tx, JobPageQuery(limit=500), eyes.places)
        ids = [job.job_id for job in page.items]
        status = queue_status.status(tx, QueueQuery(limit=500), eyes.see(tx), SUMMARY)
        return {
            "list": {job.job_id: job.position for job in page.items},
            "job": {one: listing.read(tx, one, 0, eyes.places).position for one in ids},
            "queue": dict.fromkeys(ids) | {one.job.job_id: one.position for one in status.items},
            "why": {one: explaining.answer(tx, one, eyes.see, CLAIMS).position for one in ids},
        }

    found: dict[str, dict[str, int | None]] = queue.store.house.read_now(look)
    return {name: [places[job_id] for job_id in sorted(places)] for name, places in found.items()}


def test_a_job_has_the_same_place_wherever_it_is_told(queue: Queue) -> None:
    eyes, elsewhere = Lookout(lambda _tx: SLOTS), "exp_" + ulid(5)
    queue.write(lambda tx: begin_experiment(tx, elsewhere))
    first, running = queue.submit(), queue.submit()
    for wish in ({}, {"priority": 9}, {"depends_on": [{"job_id": first}]}, {"priority": 1}, {}):
        last = queue.submit(**wish)
    queue.place(running)
    queue.write(reorder.move, last, MoveJob(to="front"))
    found = told(queue, eyes)
    assert found["list"] == [3, None, 4, 1, None, 5, 2]
    assert all(places == found["list"] for places in found.values()), found
    queue.store.act("ann", lifecycle.pause)
    assert told(queue, Lookout(lambda _tx: SLOTS)) == dict.fromkeys(found, [None] * 7)


def test_why_a_job_waits_goes_with_its_place_whatever_was_written_down_before(queue: Queue) -> None:
    queue.place(queue.submit())
    first, second, third = (queue.submit() for _ in range(3))
    queue.write(attempts.explain, {second: "behind job 2", third: "behind job 2"})
    queue.write(reorder.move, third, MoveJob(to="front"))
    eyes = Lookout(lambda _tx: SLOTS)

    def look(tx: Tx) -> list[list[str | None]]:
        page = {job.job_id: job for job in listing.page(tx, JobPageQuery(), eyes.places).items}
        status = queue_status.status(tx, QueueQuery(), eyes.see(tx), SUMMARY)
        shown = {one.job.job_id: one.job for one in status.items}
        alone = {one: listing.read(tx, one, 0, eyes.places) for one in page}
        return [[jobs[one].waiting_for for one in (third, first, second)] for jobs in (page, shown, alone)]

    for of_front, *behind in queue.store.house.read_now(look):
        assert behind == ["behind job 4"] * 2
        assert of_front is not None
        assert of_front.startswith("needs 1 CPU slot; job 1 holds what is missing")


def test_who_came_after_the_last_look_is_looked_for_and_who_stands_in_no_line_is_not(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookout, "REST_SHARE", 1_000_000)
    monkeypatch.setattr(lookout, "QUICK_SECONDS", 60.0)
    looks: list[Tx] = []
    eyes = Lookout(partial(note, looks))

    def place(job_id: str) -> int | None:
        read = partial(listing.read, job_id=job_id, log_bytes=0, places=eyes.places)
        return queue.store.house.read_now(read).position

    first = queue.submit()
    assert (place(first), place(first), len(looks)) == (1, 1, 1)
    assert (place(queue.submit()), len(looks)) == (2, 2)
    behind = queue.submit(depends_on=[{"job_id": first}])
    assert (place(behind), place(behind), len(looks)) == (None, None, 2)


class Forgetful(Lookout):
    """One whose last look is found too old by somebody else as soon as it was looked at so many times."""

    looks = 0
    _kept: tuple[Seen | None, int] = (None, 0)

    @property
    def _seen(self) -> Seen | None:
        found, left = self._kept
        self._kept = (found, left - 1) if left > 1 else (None, 0)
        return found

    @_seen.setter
    def _seen(self, seen: Seen | None) -> None:
        self._kept = (seen, self.looks)


@pytest.mark.parametrize("looks", range(1, 6))
def test_what_another_question_finds_too_old_is_there_for_one_that_has_it_in_hand(queue: Queue, looks: int) -> None:
    queue.submit()
    eyes = Forgetful(lambda _tx: SLOTS)
    eyes.looks = looks
    for _ in range(3):
        assert [job.number for job in queue.store.house.read_now(eyes.see).head] == [1]


def test_a_list_of_a_long_queue_reads_no_more_of_it_than_the_scheduler_knows(queue: Queue) -> None:
    rows: list[dict[str, Any]] = [
        {
            "job_id": f"job_{number:06}", "number": number, "rank": number, "name": "a job", "state": "queued",
            "priority": 5, "experiment_id": queue.store.experiment_id, "resources": {}, "spec": {},
            "commit_sha": "b" * 40, "submitted_by": "wkr_a", "attempt": 0, "created_at": "2026-01-01T00:00:00.000000Z",
            "queued_at": "2026-01-01T00:00:00.000000Z",
        }
        for number in range(1, onlooker.MANY + 100)
    ]  # fmt: skip
    queue.write(lambda tx: tx.connection.execute(insert(jobs), rows).close())
    seen = queue.store.house.read_now(lambda tx: situation.read(tx, SLOTS))
    asked: list[Tx] = []
    eyes = Lookout(partial(note, asked), lambda: (seen, None))
    query = JobPageQuery(is_open=True)
    for _ in range(2):
        page = queue.store.house.read_now(lambda tx: listing.page(tx, query, eyes.places))
        assert [job.position for job in page.items] == list(range(1, 51))
    assert asked == []
