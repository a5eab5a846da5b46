"""The queue in memory is the queue in the database, whatever happened and however little was read."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError

from control_plane.db.tables import tallies
from control_plane.db.transaction import Tx
from control_plane.scheduler.mirror import Mirror
from control_plane.scheduler.news import News
from control_plane.scheduler.operations import attempts, reorder, submit
from control_plane.scheduler.operations.attempts import Ending
from control_plane.scheduler.rules.board import Placement
from control_plane.scheduler.tables import attempts as attempt_rows
from control_plane.scheduler.tables import ends_due, holds, job_waits, jobs
from control_plane.task_store.operations import claims
from store_client.errors import Refused
from store_client.wire.batches import MoveJob
from store_client.wire.jobs import Reprioritise
from tests.databases import sqlite_database
from tests.scheduler.queue_house import CLAIMS, Queue
from tests.store.task_house import open_house

ACTS = ("submit", "depend", "place", "start", "finish", "fail", "give_way", "cancel", "retry", "move", "look")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Any) -> Iterator[Queue]:
    url = sqlite_database(sqlite_template, tmp_path_factory.mktemp("mirror") / "switchyard.db")
    with open_house(url) as store:
        yield Queue(store)


def shown(mirror: Mirror) -> Any:
    """Everything that a mirror knows, in no order."""
    lines = {key: [job.job_id for job in line] for key, line in mirror.queued.lines.items()}
    return lines, mirror.running, dict(mirror.held), mirror.tasks, len(mirror)


def fresh(queue: Queue) -> Mirror:
    news = News(CLAIMS)
    queue.store.house.read_now(news.catch_up)
    return news.mirror


def clear(tx: Tx) -> None:
    for table in (holds, attempt_rows, job_waits, ends_due, jobs, tallies):
        tx.connection.execute(delete(table))


class Day:
    """What happens to a few jobs, while somebody follows it."""

    def __init__(self, queue: Queue) -> None:
        queue.write(clear)
        self.queue, self.news, self.jobs = queue, News(CLAIMS), [queue.submit()]
        self.look("")

    def act(self, name: str, number: int) -> None:
        job = self.jobs[number % len(self.jobs)]
        try:
            getattr(self, name)(job) if hasattr(self, name) else self.write(name, job, number)
        except (Refused, IntegrityError):
            return

    def submit(self, _job: str) -> None:
        self.jobs.append(self.queue.submit(priority=len(self.jobs) % 3, preemption={}))

    def depend(self, job: str) -> None:
        self.jobs.append(self.queue.submit(depends_on=({"job_id": job, "when": "ended"},)))

    def look(self, _job: str) -> None:
        self.queue.store.house.read_now(self.news.catch_up)

    def write(self, name: str, job: str, number: int) -> None:
        attempt = self.queue.read(job).attempt
        work: dict[str, tuple[Any, ...]] = {
            "place": (attempts.place, Placement.on(job, f"cpu:{number % 5}")),
            "start": (attempts.start, job, attempt),
            "finish": (attempts.finish, job, attempt, Ending("finished", 0)),
            "fail": (attempts.finish, job, attempt, Ending("node_lost")),
            "give_way": (attempts.give_way, job, attempt),
            "cancel": (submit.cancel, job),
            "retry": (submit.retry, job, CLAIMS),
            "move": (submit.reprioritise, job, Reprioritise(priority=number % 11)),
        }
        self.queue.write(*work[name])


@settings(max_examples=30, deadline=None, suppress_health_check=[*HealthCheck])
@given(acts=st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 99)), max_size=25))
def test_a_mirror_that_follows_shows_what_a_fresh_one_shows(shared: Queue, acts: list[tuple[str, int]]) -> None:
    day = Day(shared)
    for name, number in acts:
        day.act(name, number)
    day.look("")
    assert shown(day.news.mirror) == shown(fresh(shared))


def test_jobs_whose_ranks_are_spread_stand_where_the_database_has_them(shared: Queue) -> None:
    day = Day(shared)
    behind = [shared.submit() for _ in range(3)]
    crowd = update(jobs).where(jobs.c.job_id != behind[-1]).values(rank=1 + jobs.c.number * 2.0**-52)
    shared.write(lambda tx: tx.connection.execute(crowd).close())
    day.news.doubt_all()
    day.look("")
    shared.write(reorder.move, behind[-1], MoveJob(after=behind[0]))
    day.look("")
    (line,) = day.news.mirror.queued.lines.values()
    (known,) = fresh(shared).queued.lines.values()
    assert [(job.job_id, job.rank) for job in line] == [(job.job_id, job.rank) for job in known]


def test_a_job_whose_claim_ends_is_named_at_the_next_look(queue: Queue) -> None:
    news, task_id = News(CLAIMS), queue.store.task()
    queue.store.claim(task_id)
    job_id = queue.submit(task_id=task_id)
    assert queue.store.house.read_now(news.catch_up).withdrawn == set()
    queue.store.act("bob", claims.release, task_id)
    assert queue.store.house.read_now(news.catch_up).withdrawn == {job_id}


def test_whoever_missed_too_much_reads_everything_anew(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    news = News(CLAIMS)
    queue.store.house.read_now(news.catch_up)
    monkeypatch.setattr("control_plane.scheduler.news.MOST_EVENTS", 2)
    jobs = [queue.submit() for _ in range(5)]
    queue.cancel(jobs[0])
    queue.store.house.read_now(news.catch_up)
    assert (news.mirror.ready, len(news.mirror)) == (4, 4)
