"""An array stands in the queue as the same jobs do that are submitted at once, however few of it are made."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from control_plane.db.transaction import Tx
from control_plane.scheduler.duration_tables import durations
from control_plane.scheduler.operations import arrays, attempts, bulk, situation
from control_plane.scheduler.operations.attempts import Ending
from control_plane.scheduler.policy_tables import usage
from control_plane.scheduler.rules.board import Slot
from control_plane.scheduler.rules.planning import plan
from control_plane.scheduler.tables import ends_due
from store_client.wire.jobs import SubmitJob
from store_client.wire.scalars import format_time
from tests.databases import sqlite_database
from tests.scheduler.mortal import MONDAY, Clock, clocked_house
from tests.scheduler.queue_house import CLAIMS, Queue
from tests.scheduler.scheduler_day import OTHER, TABLES
from tests.store.task_house import TaskHouse, begin_experiment

SLOTS = [Slot(f"cpu:{number}", "cpu") for number in range(3)]
ENDS = (Ending("finished", 0), Ending("user_error", 1), Ending("node_lost"))
RETRY: Any = {"max_attempts": 2, "on": ["failed", "lost"]}


class Still(Clock):
    """A clock that nobody moves by looking at it."""

    def read(self) -> str:
        return format_time(MONDAY + timedelta(seconds=self.seconds))


class Side:
    """A queue in which jobs are known by their names, and started one at a time."""

    def __init__(self, url: str, *, has_arrays: bool) -> None:
        self.clock, self.has_arrays = Still(), has_arrays
        self.queue = Queue(TaskHouse(clocked_house(url, self.clock)))
        self.queue.write(lambda tx: begin_experiment(tx, OTHER))
        self.started: list[str] = []

    def begin(self) -> None:
        self.queue.write(clear)
        self.clock.seconds += 86_400
        self.started, self.running = [], list[tuple[str, int]]()

    def put(self, name: str, size: int, priority: int, *, is_elsewhere: bool) -> None:
        """So many jobs of one name at once, as an array where there are arrays."""
        body = SubmitJob(name=name, command=("/bin/true",), priority=priority, retry=RETRY)
        bodies = [body.having(array=size)] if self.has_arrays else [body] * size
        experiment_id = OTHER if is_elsewhere else self.queue.store.experiment_id
        self.queue.write(bulk.submit_all, [(experiment_id, one) for one in bodies], CLAIMS)

    def start(self) -> None:
        """Start who is next as long as there is room, and make what arrays lack before each look."""
        while True:
            while self.queue.write(arrays.unfold):
                pass
            seen = self.queue.store.house.read_now(lambda tx: situation.read(tx, SLOTS))
            placements = plan(seen).placements
            if not placements:
                return
            row = self.queue.write(attempts.place, placements[0])
            self.started.append(row["name"])
            self.running.append((row["job_id"], row["attempt"]))

    def end(self, number: int) -> None:
        if self.running:
            number, how = divmod(number, len(ENDS))
            self.queue.finish(*self.running.pop(number % len(self.running)), ENDS[how])


def clear(tx: Tx) -> None:
    for table in (ends_due, usage, durations, *TABLES):
        tx.connection.execute(delete(table))


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Any) -> Iterator[tuple[Side, Side]]:
    folder: Path = tmp_path_factory.mktemp("sides")
    urls = [sqlite_database(sqlite_template, folder / name) for name in ("arrays.db", "jobs.db")]
    both = Side(urls[0], has_arrays=True), Side(urls[1], has_arrays=False)
    yield both
    for side in both:
        side.queue.store.house.close()


WISHES = st.tuples(st.just("put"), st.integers(1, 9), st.integers(0, 10), st.booleans())
WAITS = st.tuples(st.just("wait"), st.integers(1, 4000))
ENDINGS = st.tuples(st.just("end"), st.integers(0, 29))
ACTS = st.lists(st.one_of(WISHES, WAITS, ENDINGS, ENDINGS), min_size=4, max_size=18)


def act(side: Side, name: str, what: tuple[Any, ...]) -> None:
    match what:
        case ("put", size, priority, is_elsewhere):
            side.put(name, size, priority, is_elsewhere=is_elsewhere)
        case ("wait", seconds):
            side.clock.seconds += seconds
        case ("end", number):
            side.end(number)


@settings(max_examples=15, deadline=None, phases=[Phase.generate], suppress_health_check=[*HealthCheck])
@given(ACTS)
def test_jobs_of_an_array_start_in_the_order_of_the_same_jobs_submitted_at_once(
    sides: tuple[Side, Side], acts: list[tuple[Any, ...]]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrays, "AHEAD", 3)
        patch.setattr(arrays, "REFILL", 1)
        patch.setattr(arrays, "_LACKING", arrays._lacking())
        for side in sides:
            side.begin()
        for number, what in enumerate([("put", 9, 3, False), *acts, *[("end", 0)] * 9]):
            for side in sides:
                act(side, f"put {number}", what)
                side.start()
            assert sides[0].started == sides[1].started
