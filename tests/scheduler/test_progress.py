"""What commands report of themselves: read line by line, kept as the newest word, thinned without losing a peak."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from control_plane.scheduler.keeping import files, trim
from control_plane.scheduler.logs import LogFile
from control_plane.scheduler.operations import progress as operation
from control_plane.scheduler.operations.attempts import Ending
from control_plane.scheduler.operations.progress import Word
from control_plane.scheduler.progress import Listener, Progress
from control_plane.scheduler.reports import metrics
from control_plane.scheduler.rules.progress import Point, Said, parse, thin
from control_plane.scheduler.tables import progress as table
from store_client import report
from store_client.wire.calls.reports import MetricsQuery
from tests.scheduler.queue_house import Queue

NUMBERS = st.floats(-1e6, 1e6)


class Logs:
    """Where the attempts of a test leave their files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def log(self, job_id: str, attempt: int) -> Path:
        return self.folder / job_id / str(attempt) / "log"

    def say(self, job_id: str, attempt: int, text: str, name: str = "progress.jsonl") -> None:
        path = self.log(job_id, attempt).with_name(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(text)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"step 3",
        b"{}",
        b"[]",
        b"3",
        b'{"step": "3"}',
        b'{"step": true}',
        b'{"fraction": 1.5}',
        b'{"message": 3}',
        b'{"metrics": [1]}',
        b'{"step": 1' + b"0" * 400 + b"}",
        b'{"message": "' + b"x" * 20_000 + b'"}',
    ],
    ids=lambda line: line[:12].decode(),
)
def test_a_line_in_another_form_says_nothing(line: bytes) -> None:
    assert parse(line) is None


def test_a_line_says_what_it_says_and_a_metric_that_is_no_number_is_left_out() -> None:
    line = b'{"step": 3, "steps": 4, "metrics": {"loss": NaN, "accuracy": 0.5, "name": "x"}, "more": 1}'
    said = parse(line)
    assert said == Said(step=3, steps=4, metrics={"accuracy": 0.5})
    assert said.to_wire() == {"step": 3, "steps": 4, "fraction": 0.75, "metrics": {"accuracy": 0.5}}


def test_of_each_part_the_newest_counts() -> None:
    first = Said(step=1, steps=10, fraction=0.2, message="warm-up", metrics={"loss": 3, "lr": 1})
    both = first.then(Said(step=5, metrics={"loss": 2}))
    assert both == Said(step=5, steps=10, message="warm-up", metrics={"loss": 2, "lr": 1})
    assert both.done == 0.5


@settings(deadline=None)
@given(st.lists(NUMBERS, max_size=300), st.integers(2, 40))
def test_a_thinned_series_keeps_its_order_and_its_peaks(values: list[float], most: int) -> None:
    points = [Point(float(at), None, value) for at, value in enumerate(values)]
    kept = thin(points, most)
    assert len(kept) <= most
    assert [point.step for point in kept] == sorted(point.step or 0 for point in kept)
    if values:
        assert {min(values), max(values)} <= {point.value for point in kept}


@settings(deadline=None)
@given(st.lists(st.binary(max_size=12), max_size=12), st.integers(1, 5))
def test_reports_that_grow_by_any_bytes_are_heard_line_by_line(
    tmp_path_factory: pytest.TempPathFactory, junk: list[bytes], pieces: int
) -> None:
    log = tmp_path_factory.mktemp("reports") / "log"
    listener = Listener(log)
    lines = [each.replace(b"\n", b" ").replace(b"{", b"(") for each in junk] + [b'{"step": 7}']
    data = b"".join(line + b"\n" for line in lines)
    for number in range(pieces):
        log.with_name("progress.jsonl").write_bytes(data[: len(data) * (number + 1) // pieces])
        listener.has_news(0.0)
    assert listener.said == Said(step=7)
    assert listener.passed_over == len(junk)


def test_of_very_many_reports_the_newest_is_heard_at_once(tmp_path: Path) -> None:
    lines = "".join(json.dumps({"step": step}) + "\n" for step in range(60_000))
    (tmp_path / "progress.jsonl").write_text(lines)
    listener = Listener(tmp_path / "log")
    assert listener.has_news(0.0)
    assert (listener.said, listener.passed_over) == (Said(step=59_999), 0)
    (tmp_path / "progress.jsonl").write_text('{"step": 1}\n')
    assert listener.has_news(1.0)
    assert listener.said == Said(step=1)


def test_an_attempt_that_only_prints_gives_a_sign_now_and_then(tmp_path: Path) -> None:
    listener = Listener(tmp_path / "log")
    news = []
    for second in range(12):
        with (tmp_path / "log").open("a") as log:
            log.write("going on\n")
        news.append(listener.has_news(float(second)))
    assert [second for second, has_news in enumerate(news) if has_news] == [0, 5, 10]


def test_the_newest_word_of_a_job_is_kept_and_shown(queue: Queue, tmp_path: Path) -> None:
    logs, clock = Logs(tmp_path), iter(range(100))
    rounds = Progress(queue.store.house, logs, lambda: float(next(clock)))
    job_id = queue.submit()
    attempt = queue.place(job_id)
    queue.start(job_id, attempt)
    logs.say(job_id, attempt, '{"step": 1, "steps": 4, "metrics": {"loss": 2}}\nnonsense\n{"step": 2, "mess')
    assert [rounds.round(), rounds.round()] == [1, 0]
    logs.say(job_id, attempt, 'age": "half"}\n')
    rounds.round()
    said = queue.read(job_id).progress
    assert said is not None
    assert (said.step, said.steps, said.fraction, said.message) == (2, 4, 0.5, "half")
    assert said.metrics == {"loss": 2}


def test_the_last_word_of_an_attempt_is_heard_after_its_end(queue: Queue, tmp_path: Path) -> None:
    logs = Logs(tmp_path)
    rounds = Progress(queue.store.house, logs)
    job_id = queue.submit()
    attempt = queue.place(job_id)
    rounds.round()
    logs.say(job_id, attempt, '{"fraction": 1}\n')
    queue.start(job_id, attempt)
    queue.finish(job_id, attempt, Ending("finished", 0))
    assert [rounds.round(), rounds.round()] == [1, 0]
    with queue.store.house.database.reading() as connection:
        assert connection.execute(select(table.c.said)).scalar_one()["fraction"] == 1


def test_an_old_attempt_is_never_heard_as_the_new_one(queue: Queue, tmp_path: Path) -> None:
    logs = Logs(tmp_path)
    rounds = Progress(queue.store.house, logs)
    job_id = queue.submit()
    first = queue.place(job_id)
    queue.start(job_id, first)
    logs.say(job_id, first, '{"step": 1}\n')
    rounds.round()
    queue.finish(job_id, first, Ending("node_lost"))
    second = queue.place(job_id)
    queue.start(job_id, second)
    logs.say(job_id, first, '{"step": 99}\n')
    assert queue.read(job_id).progress is None
    rounds.round()
    queue.write(operation.keep, [Word(job_id, first, "2026-01-01T00:00:00.000000Z", {"step": 98, "metrics": {}})])
    assert queue.read(job_id).progress is None
    logs.say(job_id, second, '{"step": 2}\n')
    rounds.round()
    said = queue.read(job_id).progress
    assert said is not None
    assert said.step == 2


def test_metrics_are_read_on_from_where_the_last_answer_ended(tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    reports = LogFile(path, 1, is_complete=True)
    assert metrics(reports, MetricsQuery()).series == ()
    lines = [json.dumps({"step": step, "at": 1e9 + step, "metrics": {"loss": 100 - step}}) for step in range(100)]
    path.write_text("\n".join(lines) + "\nnonsense\n" + '{"step": 1')
    first = metrics(reports, MetricsQuery(points=10))
    (loss,) = first.series
    assert (loss.name, len(loss.points), loss.points[0].value, loss.points[-1].value) == ("loss", 10, 100, 1)
    assert loss.points[0].at == "2001-09-09T01:46:40.000000Z"
    assert (first.passed_over, first.is_complete) == (1, True)
    with path.open("a") as file:
        file.write('00, "metrics": {"loss": 0}}\n')
    second = metrics(reports, MetricsQuery(after=first.next))
    assert [(point.step, point.value) for point in second.series[0].points] == [(100, 0)]


def test_the_reporting_functions_do_nothing_outside_a_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SWITCHYARD_PROGRESS", raising=False)
    report.report(step=1, loss=2.0)
    assert (report.checkpoint_directory(), report.should_resume(), report.should_stop()) == (None, False, False)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert list(tmp_path.iterdir()) == []


def test_a_program_with_nothing_but_python_reports_and_sees_that_it_is_to_stop(tmp_path: Path) -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import report, os, signal; report.should_stop();"
        "report.report(step=1, steps=3, message='x', loss=0.5); os.kill(os.getpid(), signal.SIGUSR1);"
        "open(sys.argv[2], 'w').close(); print(report.should_stop(), report.checkpoint_directory())"
    )
    env = {
        "SWITCHYARD_PROGRESS": str(tmp_path / "progress.jsonl"),
        "SWITCHYARD_CHECKPOINT_DIR": "/kept",
        "SWITCHYARD_PREEMPT_SIGNAL": "SIGUSR1",
    }
    folder = str(Path(report.__file__).parent)
    command = [sys.executable, "-I", "-S", "-c", program, folder, str(tmp_path / "stopping")]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert done.stdout == "True /kept\n"
    said = parse((tmp_path / "progress.jsonl").read_bytes().splitlines()[0])
    assert said is not None
    assert (said.step, said.steps, said.message, said.metrics) == (1, 3, "x", {"loss": 0.5})
    assert said.at is not None


def test_checkpoints_beyond_their_limit_lose_the_oldest_entries_whole(tmp_path: Path) -> None:
    for age, name in enumerate(("old", "middle", "new")):
        (tmp_path / name).mkdir()
        for part in ("model", "optimizer"):
            (tmp_path / name / part).write_bytes(b"x" * 100)
            os.utime(tmp_path / name / part, (1e9 + age, 1e9 + age))
    (tmp_path / "latest").symlink_to("new")
    trim(tmp_path, 450)
    assert sorted(file.name for file in files(tmp_path)) == [
        "middle/model", "middle/optimizer", "new/model", "new/optimizer",
    ]  # fmt: skip
    trim(tmp_path, 0)
    assert sorted(file.name for file in files(tmp_path)) == ["new/model", "new/optimizer"]
