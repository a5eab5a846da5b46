"""Pages of jobs: nothing twice, nothing left out, in the order of the queue."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, event, insert, select

from control_plane.db.transaction import Tx
from control_plane.scheduler.operations import attempts, listing, ordered, situation, submit
from control_plane.scheduler.tables import jobs
from store_client.errors import BadRequest
from store_client.wire.calls.jobs import JobPageQuery
from store_client.wire.jobs import FINAL_STATES, Job, JobState, Reprioritise
from tests.scheduler.queue_house import CLAIMS, Queue
from tests.store.task_house import begin_experiment, open_house, ulid

S = JobState
STATES = [state for state in JobState if state is not S.PREEMPTED]
ELSEWHERE = "exp_" + ulid(2)


def walk(queue: Queue, **wish: object) -> Iterator[Job]:
    """Every job of every page."""
    after = None
    for _ in range(1000):
        page = queue.store.see(listing.page, JobPageQuery.model_validate({**wish, "after": after}))
        yield from page.items
        after = page.next
        if after is None:
            return
        assert page.items, "a page with nothing on it has nothing behind it"


def in_order(shown: list[Job]) -> list[Job]:
    placed = sorted((job for job in shown if job.state.is_on_a_slot), key=lambda job: job.number)
    waiting = [job for job in shown if job.state is S.QUEUED]
    return placed + sorted(waiting, key=lambda job: (-job.priority, job.number))


def fill(tx: Tx, described: list[tuple[JobState, int, bool]]) -> None:
    """Rows as they would be after a long day; what is told and counted is the business of other tests."""
    tx.connection.execute(delete(jobs))
    rows = [
        {
            "job_id": f"job_{number}", "number": number, "name": "a job", "state": state, "priority": priority,
            "experiment_id": tx.experiment_id if is_here else ELSEWHERE, "resources": {"cpus": 1}, "spec": {},
            "commit_sha": "b" * 40, "submitted_by": "wkr", "attempt": 0, "created_at": tx.now, "queued_at": tx.now,
        }
        for number, (state, priority, is_here) in enumerate(described, 1)
    ]  # fmt: skip
    if rows:
        tx.connection.execute(insert(jobs), rows)


described_jobs = st.lists(st.tuples(st.sampled_from(STATES), st.integers(0, 3), st.booleans()), max_size=25)


@pytest.fixture(scope="module")
def shelf(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Queue]:
    """One queue for many examples, each of which fills it anew."""
    file = tmp_path_factory.mktemp("pages") / "switchyard.db"
    file.write_bytes(sqlite_template.read_bytes())
    with open_house(f"sqlite:///{file}") as store:
        yield Queue(store)


@settings(max_examples=150, deadline=None)
@given(described_jobs, st.integers(1, 4), st.booleans())
def test_pages_hold_each_job_once_in_order(
    shelf: Queue, described: list[tuple[JobState, int, bool]], limit: int, is_open: bool
) -> None:
    shelf.store.write(lambda tx: fill(tx, described), shelf.store.caller("ann"))
    here = {number for number, (_, _, is_here) in enumerate(described, 1) if is_here}
    shown = list(walk(shelf, limit=limit, is_open=is_open))
    assert {job.number for job in shown} == {
        number for number in here if (described[number - 1][0] in FINAL_STATES) is not is_open
    }
    expected = in_order(shown) if is_open else sorted(shown, key=lambda job: -job.number)
    assert [job.number for job in shown] == [job.number for job in expected]


def test_more_jobs_run_than_a_page_holds(shelf: Queue) -> None:
    described = [(S.QUEUED, 1, True), (S.RUNNING, 1, True), (S.STARTING, 3, True)] * 3
    shelf.store.write(lambda tx: fill(tx, described), shelf.store.caller("ann"))
    for limit in range(1, 10):
        assert [job.number for job in walk(shelf, limit=limit, is_open=True)] == [2, 3, 5, 6, 8, 9, 1, 4, 7]


def test_the_newest_come_first_when_all_are_asked_for(queue: Queue) -> None:
    made = [queue.submit() for _ in range(5)]
    assert [job.job_id for job in walk(queue, limit=2)] == made[::-1]


def test_a_page_can_be_of_one_state_and_says_how_many_there_are(queue: Queue) -> None:
    failed = [queue.bring(S.FAILED) for _ in range(3)]
    queue.bring(S.CANCELLED)
    page = queue.store.see(listing.page, JobPageQuery(state=S.FAILED, limit=2))
    assert [job.job_id for job in page.items] == failed[:0:-1]
    assert page.total == 3
    totals = {wish: queue.store.see(listing.page, JobPageQuery(is_open=wish)).total for wish in (None, True, False)}
    assert totals == {None: 4, True: 0, False: 4}


def test_the_deployment_sees_all_experiments_or_the_one_it_names(queue: Queue) -> None:
    here = queue.submit()
    house = queue.store.house
    house.writer.write(lambda tx: begin_experiment(tx, ELSEWHERE))
    there = house.writer.write(lambda tx: submit.submit(tx, queue.spec(), CLAIMS), experiment_id=ELSEWHERE)
    everything = house.read_now(lambda tx: listing.page(tx, JobPageQuery()))
    assert [job.job_id for job in everything.items] == [there["job_id"], here]
    assert everything.total == 2
    one = house.read_now(lambda tx: listing.page(tx, JobPageQuery(experiment_id=ELSEWHERE, is_open=True)))
    assert [job.job_id for job in one.items] == [there["job_id"]]
    assert one.total == 1


@pytest.mark.parametrize(
    "after", ["x", "5", "5:", ":5", "placed:x", "1:2", "1:x:3", "1:nan:3", "-1:2:3", "9999999999:1:1"]
)
def test_a_cursor_that_we_did_not_give_out_is_refused(queue: Queue, after: str) -> None:
    with pytest.raises(BadRequest, match="the page before"):
        queue.store.see(listing.page, JobPageQuery(is_open=True, after=after))


def test_the_order_follows_a_change_of_priority(queue: Queue) -> None:
    first, second, third = (queue.submit(priority=5) for _ in range(3))
    queue.write(submit.reprioritise, third, Reprioritise(priority=8))
    running = queue.bring(S.RUNNING)
    shown = list(walk(queue, is_open=True, limit=1))
    assert [job.job_id for job in shown] == [running, third, first, second]


def plans(queue: Queue, work: Callable[[Tx], object]) -> list[str]:
    """How SQLite goes about each question of some work."""
    asked: list[tuple[str, Any]] = []
    engine = queue.store.house.database.engine

    def note(*given: Any) -> None:
        asked.append((str(given[2]), given[3]))

    event.listen(engine, "before_cursor_execute", note)
    queue.store.see(work)
    event.remove(engine, "before_cursor_execute", note)
    found = []
    with engine.connect() as connection:
        for statement, given in asked:
            if statement.startswith("SELECT"):
                rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)
                found.append(" / ".join(row.detail for row in rows))
    return found


def test_what_the_scheduler_asks_with_each_round_reads_the_narrow_indexes(shelf: Queue) -> None:
    assert plans(shelf, attempts.placed) == ["SCAN jobs USING INDEX ix_jobs_placed"]
    front = plans(shelf, lambda tx: situation.slice_of(tx, None, 500, situation.Reader()))
    assert front == ["SCAN jobs USING INDEX ix_jobs_waiting"]


def test_whoever_reads_on_in_the_queue_begins_at_his_place(shelf: Queue) -> None:
    found = plans(shelf, lambda tx: ordered.behind(tx, select(jobs.c.number), (5, 1.0, 1), 10_000_000))
    assert found == [
        "SEARCH jobs USING INDEX ix_jobs_waiting (priority=? AND (rank,number)>(?,?))",
        "SEARCH jobs USING INDEX ix_jobs_waiting (priority<?)",
    ]


@pytest.mark.parametrize("asked", [{"states": "running,starting"}, {"is_open": True}])
def test_those_on_slots_are_found_among_themselves_however_many_their_experiment_has(
    shelf: Queue, asked: dict[str, Any]
) -> None:
    found = plans(shelf, lambda tx: listing.page(tx, JobPageQuery(**asked, experiment_id=shelf.store.experiment_id)))
    assert sum("ix_jobs_placed" in plan for plan in found) == 1
    assert not any("ix_jobs_experiment " in plan for plan in found)


def test_a_few_that_wait_are_found_by_their_experiment_and_many_in_the_queue(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = queue.store.house
    house.writer.write(lambda tx: begin_experiment(tx, ELSEWHERE))
    here = queue.bring(S.RUNNING)
    house.writer.write(lambda tx: submit.submit(tx, queue.spec(), CLAIMS), experiment_id=ELSEWHERE)
    work = partial(listing.page, query=JobPageQuery(is_open=True))
    assert [job.job_id for job in queue.store.see(work).items] == [here]
    if house.database.is_sqlite:
        assert not any("ix_jobs_waiting" in plan for plan in plans(queue, work))
    there = queue.submit()
    monkeypatch.setattr(listing, "FEW", 0)
    assert [job.job_id for job in queue.store.see(work).items] == [here, there]
    if house.database.is_sqlite:
        assert sum("ix_jobs_waiting" in plan for plan in plans(queue, work)) == 1
