"""How many jobs are in each state is read from counters that are kept, for all experiments as for one."""

from contextlib import closing
from functools import partial
from pathlib import Path
from sqlite3 import connect

from sqlalchemy import Connection, insert, text

from control_plane.db.batch import Batch
from control_plane.db.migrate import upgrade
from control_plane.db.tables import tallies
from control_plane.db.transaction import ADMIN, Tx
from control_plane.scheduler.operations import listing, submit
from store_client.wire.jobs import JobState
from tests.scheduler.queue_house import CLAIMS, Queue
from tests.store.plans import plans
from tests.store.task_house import begin_experiment, ulid

S = JobState
ELSEWHERE, EXPERIMENTS = "exp_" + ulid(2), 2000


def grow(queue: Queue) -> None:
    """Very many experiments with jobs in every state, and tasks beside them."""
    names = [*(f"jobs.{state}" for state in JobState), *(f"tasks.{number}" for number in range(10))]
    rows = [
        {"experiment_id": f"exp_{number}", "name": name, "total": 1} for number in range(EXPERIMENTS) for name in names
    ]
    queue.write(lambda tx: tx.connection.execute(insert(tallies), rows).close())
    queue.write(lambda tx: tx.connection.execute(text("ANALYZE")).close())


def test_the_counts_of_all_experiments_are_those_of_each_together(queue: Queue) -> None:
    house, here = queue.store.house, queue.store.experiment_id
    house.writer.write(lambda tx: begin_experiment(tx, ELSEWHERE))
    queue.bring(S.FAILED)
    queue.bring(S.RUNNING)
    house.writer.write(lambda tx: submit.submit(tx, queue.spec(), CLAIMS), experiment_id=ELSEWHERE)
    counted = {scope: queue.store.see(listing.by_state, scope) for scope in (None, here, ELSEWHERE)}
    some = {scope: {name: total for name, total in of_it.items() if total} for scope, of_it in counted.items()}
    assert some[here] == {"failed": 1, "running": 1}
    assert some[ELSEWHERE] == {"queued": 1}
    assert some[None] == some[here] | some[ELSEWHERE]


def test_the_counts_are_read_by_their_key_however_many_experiments_there_are(queue: Queue) -> None:
    queue.bring(S.RUNNING)
    grow(queue)
    house, key = queue.store.house, "autoindex_tallies" if queue.store.house.database.is_sqlite else "pk_tallies"

    def asked(connection: Connection, scope: str | None) -> None:
        listing.by_state(Tx(Batch(connection, "", str), ADMIN, ""), scope)

    for scope in (None, queue.store.experiment_id):
        (plan,) = plans(house.database, partial(asked, scope=scope))
        assert (key in plan, "Seq Scan" in plan, "SCAN" in plan) == (True, False, False), plan
    assert queue.tallied() == {"running": 1}


def test_a_database_from_before_they_were_kept_gets_them_by_its_migration(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'old.db'}"
    upgrade(url, "0039")
    counts = [
        ("exp_1", "jobs.queued", 2),
        ("exp_2", "jobs.queued", 3),
        ("exp_2", "jobs.failed", 1),
        ("exp_2", "ideas", 7),
    ]
    with closing(connect(tmp_path / "old.db")) as old:
        old.executemany("INSERT INTO tallies VALUES (?, ?, ?)", counts)
        old.commit()
    upgrade(url)
    with closing(connect(tmp_path / "old.db")) as now:
        kept = now.execute("SELECT name, total FROM tallies WHERE experiment_id = '' ORDER BY name").fetchall()
    assert kept == [("jobs.failed", 1), ("jobs.queued", 5)]
