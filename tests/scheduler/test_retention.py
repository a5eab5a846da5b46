"""How long the files of jobs stay."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from control_plane.scheduler.keeping import GIB, Keeping
from control_plane.scheduler.retention import Retention
from control_plane.scheduler.tables import jobs
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


def test_how_much_is_kept_is_set_by_option_or_by_environment(capsys: pytest.CaptureFixture[str]) -> None:
    assert parse([], {}).keeping == Keeping(30, 50 * GIB, 50 * GIB)
    environ = {"SWITCHYARD_KEEP_LOGS_DAYS": "9", "SWITCHYARD_KEEP_LOGS_GIB": "0.5", "SWITCHYARD_CGROUP": "/sys/x"}
    given = parse(["--keep-logs-days", "3", "--job-checkpoints-gib", "2"], environ)
    assert given.keeping == Keeping(3, GIB // 2, 2 * GIB)
    assert given.cgroup == Path("/sys/x")
    with pytest.raises(SystemExit):
        parse(["--keep-logs-days", "0"], {})
    assert "--keep-logs-days" in capsys.readouterr().err
