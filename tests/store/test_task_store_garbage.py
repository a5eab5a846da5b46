"""The collector takes what nobody needs, in any order and however often it is cut off, and nothing else."""

import hashlib
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import select

from control_plane.db.transaction import ADMIN
from control_plane.task_store.artifact_files import ArtifactFiles
from control_plane.task_store.collector import RETENTION_SECONDS, Collector, Garbage
from control_plane.task_store.operations import artifacts, garbage
from control_plane.task_store.tables import artifacts as table
from control_plane.task_store.uploads import Stored
from store_client.wire.scalars import format_time
from tests.databases import sqlite_database
from tests.store.task_house import TaskHouse, open_house, sha

DAY = 24 * 3600.0
ACCURATE = {"accuracy": 1}


class Shelf:
    """A house, its artifacts, and a calendar that can be turned forward."""

    def __init__(self, store: TaskHouse, folder: Path) -> None:
        self.store, self.files, self.ahead = store, ArtifactFiles(folder), 0.0
        self.garbage = Garbage(store.house, self.files, now=self.now)

    def now(self) -> float:
        return time.time() + self.ahead

    def file(self, content: bytes) -> str:
        """A content on the disk of which no row knows yet."""
        incoming = self.files.incoming()
        incoming.write(content)
        sha256 = incoming.keep()
        os.utime(self.files.path(sha256), (self.now(), self.now()))
        return sha256

    def deposit(self, content: bytes) -> str:
        """An artifact, uploaded today."""
        stored = Stored(self.file(content), len(content), "file", "text/plain")
        uri: str = self.store.act("bob", artifacts.record, stored).artifacts_uri
        today = table.update().values(created_at=format_time(datetime.fromtimestamp(self.now(), UTC)))
        here = today.where(table.c.artifact_id == uri.removeprefix(artifacts.SCHEME))
        self.store.write(lambda tx: tx.connection.execute(here), ADMIN)
        return uri

    def collect(self) -> tuple[int, int]:
        """A whole round: how many rows and how many files went."""
        return sum(self.garbage.rows()), sum(self.garbage.contents())

    def wait(self, seconds: float) -> None:
        self.ahead += seconds

    def rows(self) -> dict[str, str]:
        """The hash of every artifact's content."""
        found = self.store.see(lambda tx: tx.connection.execute(select(table.c.artifact_id, table.c.sha256)).all())
        return {artifacts.SCHEME + artifact_id: sha256 for artifact_id, sha256 in found}

    def on_disk(self) -> set[str]:
        return {path.parent.name + path.name for path in self.files.root.glob("??/*")}


@pytest.fixture
def shelf(store: TaskHouse, tmp_path: Path) -> Shelf:
    return Shelf(store, tmp_path / "artifacts")


def test_an_old_upload_that_nothing_cites_goes_with_its_bytes(shelf: Shelf) -> None:
    first = shelf.deposit(b"same")
    shelf.wait(RETENTION_SECONDS / 2)
    second = shelf.deposit(b"same")
    shelf.wait(RETENTION_SECONDS / 2 + 1)
    assert shelf.collect() == (1, 0), "the bytes belong to the younger upload too"
    assert shelf.rows().keys() == {second} != {first}
    shelf.wait(RETENTION_SECONDS)
    assert shelf.collect() == (1, 1)
    assert (shelf.rows(), shelf.on_disk()) == ({}, set())
    assert shelf.collect() == (0, 0)


def test_what_anything_names_stays_for_ever(shelf: Shelf) -> None:
    """An idea, a submission, a variant, both roles' results, an event, and any text of them."""
    store = shelf.store
    uris = [shelf.deposit(str(number).encode()) for number in range(9)]
    store.idea(artifacts_uri=uris[0])
    execution, _, variant = store.executing()
    described = f"see {uris[6]}"
    store.submit(
        execution, variant_id=variant, status="success", commit_sha=sha(1), artifacts_uri=uris[1], description=described
    )
    store.accept(execution)
    evaluation = store.evaluating(variant)
    scores = ACCURATE | {"note": f"as in {uris[7]}"}
    store.submit(evaluation, variant_id=variant, status="success", evaluation=scores, artifacts_uri=uris[2])
    store.accept(evaluation)
    waiting, _, second = store.executing()
    store.submit(waiting, variant_id=second, status="error", artifacts_uri=uris[3])
    store.write(lambda tx: tx.tell("experiment.noted", text=f"read {uris[4]}!"), ADMIN)
    other, _, third = store.executing()
    store.submit(other, variant_id=third, status="error", log=uris[5])
    shelf.wait(100 * RETENTION_SECONDS)
    assert shelf.collect() == (1, 1)
    assert shelf.rows().keys() == set(uris) - {uris[8]}
    assert len(shelf.on_disk()) == 8


def test_what_is_cited_after_it_was_found_uncited_stays(shelf: Shelf) -> None:
    store = shelf.store
    uris = [shelf.deposit(str(number).encode()) for number in range(4)]
    shelf.wait(2 * RETENTION_SECONDS)
    found = store.see(garbage.find, "", "9999")
    ids = found.uncited[store.experiment_id]
    assert len(ids) == 4
    store.idea(artifacts_uri=uris[0])
    store.write(lambda tx: tx.tell("experiment.noted", text=uris[1]), ADMIN)
    task, _, variant = store.executing()
    store.submit(task, variant_id=variant, status="error", log=uris[2])
    assert store.write(lambda tx: garbage.drop(tx, ids, found.tip), ADMIN) == 1
    assert shelf.rows().keys() == set(uris[:3])


def test_the_pages_of_a_round_cover_every_artifact(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage, "PAGE", 3)
    uris = [shelf.deposit(str(number).encode()) for number in range(10)]
    shelf.store.idea(artifacts_uri=uris[4])
    shelf.wait(2 * RETENTION_SECONDS)
    assert sum(shelf.garbage.rows()) == 9
    assert shelf.rows().keys() == {uris[4]}


def test_looking_for_citations_goes_by_index(sqlite_store: TaskHouse) -> None:
    """However many ideas, submissions and variants there are."""
    asked = garbage._uncited(table.c.artifact_id == "x")
    dialect = sqlite_store.house.database.engine.dialect
    statement = str(asked.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    planned = str(sqlite_store.see(lambda tx: tx.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}").all()))
    for index in ("ix_ideas_uri", "ix_submissions_uri", "ix_variants_uri", "ix_variants_executor_uri"):
        assert index in planned, planned


def test_a_collector_works_by_itself_and_stops_when_asked(shelf: Shelf) -> None:
    shelf.deposit(b"x")
    shelf.wait(2 * RETENTION_SECONDS)
    collector = Collector(shelf.garbage, first_seconds=0)
    collector.start()
    deadline = time.monotonic() + 60
    while shelf.on_disk():
        assert time.monotonic() < deadline
        os.sched_yield()
    collector.stop()
    sleeper = Collector(shelf.garbage)
    sleeper.start()
    sleeper.stop()


class AnyOrder(RuleBasedStateMachine):
    """Uploads, citations, crashes and rounds of two collectors that are cut off anywhere."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self._folder = TemporaryDirectory()
        url = sqlite_database(self.template, Path(self._folder.name, "switchyard.db"))
        self._opened = open_house(url)
        self.shelf = Shelf(self._opened.__enter__(), Path(self._folder.name, "artifacts"))
        self.uris: dict[str, float] = {}
        self.cited: set[str] = set()
        self.under_way: list[Iterator[int]] = []

    def teardown(self) -> None:
        self._opened.__exit__(None, None, None)
        self._folder.cleanup()

    @rule(content=st.sampled_from([b"a", b"b", b"c"]))
    def deposit(self, content: bytes) -> None:
        self.uris[self.shelf.deposit(content)] = self.shelf.now()

    @rule(content=st.sampled_from([b"a", b"b", b"d"]))
    def crash_before_the_row(self, content: bytes) -> None:
        self.shelf.file(content)

    @rule()
    def crash_in_an_upload(self) -> None:
        incoming = self.shelf.files.incoming()
        incoming.write(b"half")
        incoming.file.close()
        os.utime(incoming.file.name, (self.shelf.now(), self.shelf.now()))

    @rule(data=st.data(), is_told=st.booleans())
    def cite(self, data: st.DataObject, is_told: bool) -> None:
        there = sorted(self.shelf.rows())
        if there:
            uri = data.draw(st.sampled_from(there))
            self.cited.add(uri)
            if is_told:
                self.shelf.store.write(lambda tx: tx.tell("experiment.noted", text=uri), ADMIN)
            else:
                self.shelf.store.idea(artifacts_uri=uri)

    @rule(days=st.integers(1, 10))
    def wait(self, days: int) -> None:
        self.shelf.wait(days * DAY)

    @rule(of_rows=st.booleans())
    def begin_a_round(self, of_rows: bool) -> None:
        self.under_way.append(self.shelf.garbage.rows() if of_rows else self.shelf.garbage.contents())

    @rule(data=st.data(), steps=st.integers(1, 3))
    def go_on_with_a_round_or_break_it_off(self, data: st.DataObject, steps: int) -> None:
        if self.under_way:
            chosen = data.draw(st.integers(0, len(self.under_way) - 1))
            if not list(islice(self.under_way[chosen], steps)) or data.draw(st.booleans()):
                del self.under_way[chosen]

    @rule()
    def finish_a_round(self) -> None:
        self.shelf.collect()
        oldest = self.shelf.now() - RETENTION_SECONDS
        rows = self.shelf.rows()
        kept = {uri for uri, deposited in self.uris.items() if deposited > oldest} | self.cited
        assert rows.keys() == kept & rows.keys(), "an old upload that nothing cites is still there"
        for sha256 in self.shelf.on_disk() - set(rows.values()):
            assert self.shelf.files.path(sha256).stat().st_mtime >= oldest
        for path in self.shelf.files.root.glob("aside/*"):
            assert path.stat().st_mtime >= oldest

    @invariant()
    def nothing_that_is_needed_is_gone(self) -> None:
        rows = self.shelf.rows()
        assert rows.keys() >= self.cited
        assert rows.keys() >= {uri for uri, at in self.uris.items() if at > self.shelf.now() - RETENTION_SECONDS}
        for sha256 in rows.values():
            assert hashlib.sha256(self.shelf.files.path(sha256).read_bytes()).hexdigest() == sha256


def test_rounds_in_any_order_lose_nothing_and_leave_nothing(sqlite_template: Path) -> None:
    machine = type("Machine", (AnyOrder,), {"template": sqlite_template})
    run_state_machine_as_test(machine, settings=settings(max_examples=15, stateful_step_count=30, deadline=None))
