"""How long the files of jobs stay."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from control_plane.db.tables import attempt_keys
from control_plane.scheduler import cluster_book
from control_plane.scheduler.cluster_book import ClusterBook
from control_plane.scheduler.fleet_tables import node_views
from control_plane.scheduler.keeping import GIB, Keeping
from control_plane.scheduler.operations import views
from control_plane.scheduler.operations.views import View
from control_plane.scheduler.retention import Retention
from control_plane.scheduler.rules.board import Slot
from control_plane.scheduler.tables import attempts, jobs
from control_plane.settings import parse
from store_client.wire.jobs import JobState
from store_client.wire.scalars import format_time, parse_time
from tests.scheduler.queue_house import Queue

S = JobState


class Shelf:
    """Jobs with files, of which some ended so many days ago."""

    def __init__(self, queue: Queue, root: Path) -> None:
        self.queue, self.root = queue, root

    def job(self, state: JobState, days: float, size: int = 100) -> str:
        job_id = self.queue.bring(state)
        log = self.root / job_id / "1" / "log"
        log.parent.mkdir(parents=True)
        log.write_bytes(b"x" * size)
        (self.root / job_id / "checkpoints").mkdir()
        if state.is_final:
            now = parse_time(self.queue.store.house.clock())
            at = format_time(now - timedelta(days=days))
            aged = update(jobs).where(jobs.c.job_id == job_id).values(ended_at=at)
            self.queue.write(lambda tx: tx.connection.execute(aged).close())
        return job_id

    def tidied(self, keeping: Keeping) -> set[str]:
        """What is left after a round."""
        retention = Retention(self.queue.store.house, self.root, keeping)
        retention.round()
        assert retention.round() == 0
        return {folder.name for folder in self.root.glob("job_*")}


def test_files_of_jobs_that_ended_long_ago_go_and_others_stay(queue: Queue, tmp_path: Path) -> None:
    shelf = Shelf(queue, tmp_path)
    recent = shelf.job(S.SUCCEEDED, 29)
    for state in (S.FAILED, S.CANCELLED, S.TIMED_OUT):
        shelf.job(state, 31)
    running, waiting = shelf.job(S.RUNNING, 0), shelf.job(S.QUEUED, 0)
    (tmp_path / "job_unknown").mkdir()
    assert shelf.tidied(Keeping(days=30)) == {recent, running, waiting, "job_unknown"}


def test_beyond_the_limit_the_oldest_go_first(queue: Queue, tmp_path: Path) -> None:
    shelf = Shelf(queue, tmp_path)
    days = [shelf.job(S.SUCCEEDED, day, 100) for day in (4, 2, 3, 1)]
    big = shelf.job(S.RUNNING, 0, 10_000)
    assert shelf.tidied(Keeping(days=30, most_bytes=250)) == {days[1], days[3], big}


def test_secrets_of_attempts_go_a_day_after_their_end_and_those_that_run_stay(queue: Queue, tmp_path: Path) -> None:
    now = parse_time(queue.store.house.clock())
    days = {"running": None, "just ended": 0.9, "long ended": 1.1}
    jobs_ = {name: queue.submit() for name in days}
    for name, job_id in jobs_.items():
        queue.place(job_id, f"slot {name}")
        queue.write(lambda tx, job_id=job_id: tx.connection.execute(insert(attempt_keys).values(
            job_id=job_id, attempt=1, digest="d", begun_at=tx.now)).close())  # fmt: skip
        age = days[name]
        if age is not None:
            ended = (
                update(attempts).where(attempts.c.job_id == job_id).values(ended_at=format_time(now - timedelta(age)))
            )
            queue.write(lambda tx, ended=ended: tx.connection.execute(ended).close())
    Retention(queue.store.house, tmp_path, Keeping()).round()
    left = queue.store.house.read_now(lambda tx: set(tx.connection.scalars(select(attempt_keys.c.job_id))))
    assert left == {jobs_["running"], jobs_["just ended"]}


def test_machines_that_nobody_has_seen_for_long_go(queue: Queue, tmp_path: Path) -> None:
    house = queue.store.house
    for node, days in (("here", 0), ("lately", 29), ("gone", 31)):
        queue.write(views.save, View(node, ()))
        seen_at = format_time(parse_time(house.clock()) - timedelta(days))
        seen = update(node_views).where(node_views.c.node == node).values(seen_at=seen_at)
        queue.write(lambda tx, seen=seen: tx.connection.execute(seen).close())
    Retention(house, tmp_path, Keeping(days=30)).round()
    assert {view.node for view in house.read_now(views.load)} == {"here", "lately"}


def test_a_node_that_does_not_change_is_written_down_again_now_and_then(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    book, slots = ClusterBook(queue.store.house), [Slot("n1/cpu:0", "cpu", node="n1")]
    aged = update(node_views).values(seen_at="2020-01-01T00:00:00.000000Z")
    for seconds, is_written in ((3600.0, False), (0.0, True)):
        book.note(slots)
        queue.write(lambda tx: tx.connection.execute(aged).close())
        monkeypatch.setattr(cluster_book, "SEAL_SECONDS", seconds)
        book.note(slots)
        queue.write(lambda _: None)
        (view,) = queue.store.house.read_now(views.load)
        assert (view.seen_at > "2021") is is_written


def test_how_much_is_kept_is_set_by_option_or_by_environment(capsys: pytest.CaptureFixture[str]) -> None:
    assert parse([], {}).keeping == Keeping(30, 50 * GIB, 50 * GIB)
    environ = {"SWITCHYARD_KEEP_LOGS_DAYS": "9", "SWITCHYARD_KEEP_LOGS_GIB": "0.5", "SWITCHYARD_CGROUP": "/sys/x"}
    given = parse(["--keep-logs-days", "3", "--job-checkpoints-gib", "2"], environ)
    assert given.keeping == Keeping(3, GIB // 2, 2 * GIB)
    assert given.cgroup == Path("/sys/x")
    with pytest.raises(SystemExit):
        parse(["--keep-logs-days", "0"], {})
    assert "--keep-logs-days" in capsys.readouterr().err
