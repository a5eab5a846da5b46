"""Lists of jobs by filters: each holds what it says, and an index serves it on either database."""

from itertools import product
from typing import Any

import pytest
from sqlalchemy import Connection, insert, text

from control_plane.db.batch import Batch
from control_plane.db.transaction import Tx
from control_plane.scheduler.operations import listing, submit
from control_plane.scheduler.operations.endings import Ending
from control_plane.scheduler.tables import job_tags, jobs
from store_client.errors import BadRequest
from store_client.wire.batches import JobFilter, ListedJobs
from store_client.wire.calls.jobs import JobPageQuery
from store_client.wire.jobs import JobState
from tests.scheduler.queue_house import CLAIMS, Queue
from tests.store.plans import plans
from tests.store.task_house import ulid

S = JobState
FILTERS: list[dict[str, Any]] = [
    {}, {"state": S.FAILED}, {"states": "queued,running"}, {"tag": "t"}, {"run_id": "r"}, {"cause": "user_error"},
    {"name": "eval"}, {"name": "train_%"}, {"name": "Eval"}, {"is_open": True}, {"is_open": False},
    {"tag": "t", "states": "failed,queued"}, {"name": "eval", "is_open": True}, {"is_open": True, "state": S.RUNNING},
    {"is_open": True, "state": S.FAILED}, {"run_id": "r", "cause": "finished"},
]  # fmt: skip


def test_a_page_holds_what_each_filter_says_and_nothing_else(queue: Queue) -> None:
    made: dict[str, dict[str, Any]] = {}
    for state, tag, name in product((S.QUEUED, S.RUNNING, S.FAILED, S.SUCCEEDED), ("t", "u"), ("evaluate", "train_%s")):
        run_id = "r" if tag == "t" and name == "evaluate" else "s"
        spec = queue.spec(name=name, tags=(tag,), run_id=run_id, retry={"max_attempts": 1})
        job_id = queue.store.act("bob", submit.submit, spec, CLAIMS)["job_id"]
        made[job_id] = {"state": state, "tag": tag, "run_id": run_id, "name": name}
        if state is not S.QUEUED:
            queue.place(job_id, job_id)
            queue.start(job_id, 1)
        if state.is_final:
            queue.finish(job_id, 1, Ending("finished" if state is S.SUCCEEDED else "user_error"))
    for wish in FILTERS:
        shown: list[str] = []
        after = None
        while True:
            page = queue.store.see(listing.page, JobPageQuery.model_validate({**wish, "limit": 3, "after": after}))
            shown += [job.job_id for job in page.items]
            after = page.next
            if after is None:
                break
        assert len(set(shown)) == len(shown)
        assert set(shown) == {job_id for job_id, facts in made.items() if is_meant(facts, wish)}, wish
        if not wish.get("is_open"):
            assert shown == sorted(shown, key=list(made).index, reverse=True)


def test_the_jobs_that_ended_come_by_their_end_however_long_they_ran(queue: Queue) -> None:
    made = [queue.store.act("bob", submit.submit, queue.spec(), CLAIMS)["job_id"] for _ in range(5)]
    queue.cancel(made[3])
    for at in (4, 0, 2):
        queue.place(made[at], made[at])
        queue.finish(made[at], 1, Ending("finished"))
    shown: list[str] = []
    after = None
    while True:
        page = queue.store.see(listing.page, JobPageQuery(by_end=True, limit=2, after=after))
        assert page.total == 4
        shown += [job.job_id for job in page.items]
        after = page.next
        if after is None:
            break
    assert shown == [made[at] for at in (2, 0, 4, 3)]


@pytest.mark.parametrize(
    ("asked", "said"),
    [({"tag": "a"}, "by_end"), ({"is_open": True}, "by_end"), ({"state": S.FAILED}, "by_end")]
    + [({"after": after}, "after") for after in ("", "7", "x:7", "2026-01-31T12:00:00Z:", "2026-01-31T12:00:00Z:-1")],
)
def test_by_their_end_come_all_or_those_of_an_experiment(queue: Queue, asked: dict[str, Any], said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        queue.store.see(listing.page, JobPageQuery.model_validate({"by_end": True, **asked}))


def is_meant(facts: dict[str, Any], wish: dict[str, Any]) -> bool:
    state: JobState = facts["state"]
    causes = {S.FAILED: "user_error", S.SUCCEEDED: "finished"}
    meets = {
        "state": state is wish.get("state"),
        "states": state.value in wish.get("states", ""),
        "tag": facts["tag"] == wish.get("tag"),
        "run_id": facts["run_id"] == wish.get("run_id"),
        "cause": causes.get(state) == wish.get("cause"),
        "name": facts["name"].startswith(wish.get("name", "")),
        "is_open": state.is_final is not wish.get("is_open"),
    }
    return all(meets[key] for key in wish)


HERE = {"experiment_id": "exp_" + ulid(5)}
INDEXES: list[tuple[dict[str, Any], str]] = [
    # Where none is named, any will do that is not the whole table.
    ({}, ""),
    ({"state": S.FAILED}, "ix_jobs_ended"),
    ({"states": "failed,timed_out"}, "ix_jobs_ended"),
    ({"is_open": False}, "ix_jobs_ended"),
    ({"by_end": True}, "ix_jobs_last_ended"),
    ({**HERE, "by_end": True}, "ix_jobs_experiment_last_ended"),
    ({"by_end": True, "after": "2026-01-31T12:00:00.000000Z:7"}, "ix_jobs_last_ended"),
    ({"state": S.RUNNING}, "ix_jobs_placed"),
    ({"state": S.QUEUED}, "ix_jobs_open_number"),
    (HERE, "ix_jobs_experiment"),
    ({"is_collapsed": True}, "ix_jobs_collapsed"),
    ({**HERE, "is_collapsed": True}, "ix_jobs_experiment_collapsed"),
    ({"is_collapsed": True, "is_open": True, "after": "11:0:0"}, ""),
    ({**HERE, "state": S.FAILED}, "ix_jobs_experiment_ended"),
    ({**HERE, "state": S.QUEUED}, "ix_jobs_experiment_open"),
    ({"run_id": "run_7"}, "ix_jobs_run"),
    ({"array_id": "arr_7"}, "ix_jobs_array"),
    ({"submitted_by": "wkr_7"}, "ix_jobs_submitted_by"),
    ({"cause": "timeout"}, "ix_jobs_cause"),
    ({"name": "name 77"}, "ix_jobs_name"),
    ({"tag": "tag 7"}, "ix_job_tags_tag"),
    ({"is_open": True}, "ix_jobs_placed"),
    ({"is_open": True, "after": "11:0:0"}, ""),
]
SIZE = 20_000
STATES = (S.QUEUED, S.RUNNING, *[S.SUCCEEDED] * 200, *[S.FAILED] * 4, *[S.TIMED_OUT] * 2)


def fill(tx: Tx) -> None:
    """A queue after a long time, in few strokes."""
    rows: list[dict[str, Any]] = [
        {
            "job_id": f"job_{number}", "number": number, "rank": number, "name": f"name {number}",
            "state": STATES[number % len(STATES)], "priority": number % 11,
            "experiment_id": f"exp_{ulid(number % 1000)}",
            "resources": {}, "spec": {}, "commit_sha": "b" * 40, "submitted_by": f"wkr_{number % 400}", "attempt": 0,
            "created_at": tx.now, "queued_at": tx.now,
            "ended_at": tx.now if STATES[number % len(STATES)].is_final else None, "run_id": f"run_{number % 500}",
            "array_id": f"arr_{number % 500}", "array_index": number // 500,
            "cause": "timeout" if STATES[number % len(STATES)] is S.TIMED_OUT else "finished",
        }
        for number in range(1, SIZE)
    ]  # fmt: skip
    tx.connection.execute(insert(jobs), rows)
    tags = [{"job_id": f"job_{n}", "tag": f"tag {n % 100}", "number": n} for n in range(1, SIZE, 2)]
    tx.connection.execute(insert(job_tags), tags)


@pytest.fixture
def full(queue: Queue) -> Queue:
    """Twenty thousand jobs, most of which have ended; PostgreSQL knows that, as it would, and SQLite does not."""
    queue.write(fill)
    if not queue.store.house.database.is_sqlite:
        queue.write(lambda tx: tx.connection.execute(text("ANALYZE")).close())
    return queue


def test_every_filter_is_served_by_an_index(full: Queue) -> None:
    house = full.store.house
    for wish, index in INDEXES:
        query = JobPageQuery.model_validate({"limit": 50, **wish})

        def read(connection: Connection, query: JobPageQuery = query) -> None:
            listing.page(Tx(Batch(connection, house.clock(), house.mint)), query)

        found = plans(house.database, read)
        assert any(index in plan for plan in found), (wish, found)
        for plan in found:
            assert "SCAN jobs'" not in plan, (wish, plan)
            assert "Seq Scan on jobs" not in plan, (wish, plan)


def test_a_client_may_want_arrays_as_one_with_any_other_condition() -> None:
    query = JobPageQuery(is_open=True).narrowed(ListedJobs(tag="a", is_collapsed=True))
    assert (query.is_collapsed, query.tag, query.is_open) == (True, "a", True)
    assert not JobPageQuery().narrowed(ListedJobs(tag="a")).is_collapsed
    assert "is_collapsed" not in JobPageQuery().narrowed(JobFilter(tag="a")).filter.to_wire()
