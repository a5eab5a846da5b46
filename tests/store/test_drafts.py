"""Drafts: whose they are, which version stands, what they keep from being taken away, and what one has at hand."""

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, insert, update

from control_plane.db.batch import Batch
from control_plane.db.tables import DEPLOYMENT, workers
from control_plane.db.transaction import ADMIN, Caller, Tx
from control_plane.task_store.draft_tables import drafts as table
from control_plane.task_store.operations import artifacts, drafts, garbage, work
from control_plane.task_store.tables import tasks
from control_plane.task_store.uploads import Stored
from store_client.errors import InvalidPrecondition, NotFound, PayloadTooLarge
from store_client.wire.drafts import Draft, KeptFile, SaveDraft, Work
from store_client.wire.scalars import format_time, parse_time
from tests.store.plans import plans
from tests.store.task_house import TaskHouse, begin_experiment, sha, ulid

LONG_AGO = "2020-01-01T00:00:00.000000Z"


def save(store: TaskHouse, task_id: str, name: str = "bob", **body: Any) -> Draft:
    saved: Draft = store.act(name, drafts.save, task_id, SaveDraft.model_validate({"version": 0, "fields": {}, **body}))
    return saved


def deposit(store: TaskHouse, name: str = "bob") -> str:
    uri: str = store.act(
        name, artifacts.record, Stored(sha(1) + sha(2)[:24], 12, "run.log", "text/plain")
    ).artifacts_uri
    return uri


def kept(uri: str, field: str = "files") -> KeptFile:
    return KeptFile(field=field, artifacts_uri=uri)


def test_a_draft_is_read_back_by_its_writer_alone(store: TaskHouse) -> None:
    task_id, uri = store.task(), deposit(store)
    saved = save(store, task_id, fields={"notes": "half a thought"}, files=(kept(uri),))
    assert store.see(drafts.read, task_id, name="bob") == saved
    assert (saved.fields, [(file.filename, file.size_bytes) for file in saved.files]) == (
        {"notes": "half a thought"},
        [("run.log", 12)],
    )
    with pytest.raises(NotFound):
        store.see(drafts.read, task_id, name="eve")


def test_a_draft_goes_over_the_version_it_was_made_from_and_no_other(store: TaskHouse) -> None:
    task_id = store.task()
    first = save(store, task_id, fields={"notes": "one"})
    second = save(store, task_id, fields={"notes": "two"}, version=first.version)
    assert second.version > first.version
    with pytest.raises(InvalidPrecondition, match="another version of this draft was saved"):
        save(store, task_id, fields={"notes": "other"}, version=first.version)
    assert save(store, task_id, fields={"notes": "two"}, version=first.version) == second  # an answer was lost
    assert store.see(drafts.read, task_id, name="bob") == second


def test_a_draft_that_was_forgotten_does_not_come_back_by_an_old_tab(store: TaskHouse) -> None:
    task_id = store.task()
    first = save(store, task_id, fields={"notes": "one"})
    store.act("bob", drafts.forget, task_id)
    with pytest.raises(InvalidPrecondition, match="handed in or forgotten"):
        save(store, task_id, fields={"notes": "late"}, version=first.version)
    assert save(store, task_id, fields={"notes": "anew"}).version > first.version


def test_a_draft_has_bounds_and_only_files_of_its_writer(store: TaskHouse) -> None:
    task_id = store.task()
    with pytest.raises(PayloadTooLarge):
        save(store, task_id, fields={"notes": "x" * (drafts.MOST_CHARACTERS + 1)})
    for uri in (deposit(store, "eve"), "eden://artifacts/" + "0" * 32, "file:///etc/passwd"):
        with pytest.raises(NotFound):
            save(store, task_id, files=(kept(uri),))
    with pytest.raises(NotFound):
        save(store, "no-task")


def test_a_file_of_a_draft_is_not_taken_away_until_the_draft_is(store: TaskHouse) -> None:
    task_id, uri = store.task(), deposit(store)
    save(store, task_id, files=(kept(uri),))
    later = format_time(parse_time("2099-01-01T00:00:00Z"))
    assert store.see(lambda tx: garbage.find(tx, "", later)).uncited == {}
    store.act("bob", drafts.forget, task_id)
    found = store.see(lambda tx: garbage.find(tx, "", later))
    assert found.uncited == {store.experiment_id: [uri.removeprefix(artifacts.SCHEME)]}


def test_old_drafts_go_when_their_tasks_ended_long_ago(store: TaskHouse) -> None:
    ended, live, recent = store.task(), store.task(), store.task()
    for task_id in (ended, live, recent):
        save(store, task_id, fields={"notes": "n"})

    def age(tx: Tx) -> None:
        old = {"updated_at": LONG_AGO}
        tx.connection.execute(update(table).where(table.c.task_id != recent).values(**old))
        tx.connection.execute(update(tasks).where(tasks.c.task_id != live).values(state="failed", **old))

    store.write(age, ADMIN)
    assert store.write(drafts.prune, ADMIN) == 1
    assert [item.task.task_id for item in store.see(work.read, name="bob").items] == [recent, live]
    assert timedelta(days=30) <= drafts.KEPT_AFTER_THE_END


def test_at_hand_are_claims_by_the_time_left_and_then_drafts(store: TaskHouse) -> None:
    late, soon, drafted, other = (store.task() for _ in range(4))
    store.claim(late, expires_at="2099-01-02T00:00:00Z")
    store.claim(soon, expires_at="2099-01-01T00:00:00Z")
    store.claim(other, "eve")
    save(store, late, fields={"slug": "a", "notes": "long text"})
    save(store, drafted, fields={"notes": "what next"})
    found: Work = store.see(work.read, name="bob")
    assert [(item.task.task_id, item.is_mine, item.excerpt) for item in found.items] == [
        (soon, True, ""),
        (late, True, "long text"),
        (drafted, False, "what next"),
    ]
    assert [item.drafted_at is None for item in found.items] == [True, False, False]
    assert not found.is_cut


def test_everywhere_is_every_experiment_that_one_has_an_identity_in(store: TaskHouse) -> None:
    task_id, person, elsewhere = store.task(), "wkr_" + ulid(77), "exp_" + ulid(2)

    def settle(tx: Tx) -> None:
        begin_experiment(tx.at(elsewhere), elsewhere)
        for scope, worker_id in ((store.experiment_id, "wkr_" + ulid(78)), (elsewhere, "wkr_" + ulid(79))):
            row = {"scope": scope, "worker_id": worker_id, "deployment_worker_id": person, "registered_at": tx.now}
            tx.connection.execute(insert(workers).values(**row))

    store.write(settle, ADMIN)
    here = Caller("wkr_" + ulid(78), store.experiment_id)
    store.write(lambda tx: drafts.save(tx, task_id, SaveDraft(version=0, fields={"notes": "mine"})), here)
    everywhere: Work = store.house.read_now(lambda tx: work.read(tx.at(DEPLOYMENT, Caller(person))))
    assert [(item.experiment_id, item.excerpt) for item in everywhere.items] == [(store.experiment_id, "mine")]


def test_what_one_has_at_hand_is_found_by_index(sqlite_store: TaskHouse) -> None:
    store = sqlite_store
    person = Caller(store.id_of("bob"), store.experiment_id)

    def look(connection: Connection) -> None:
        tx = Tx(Batch(connection, store.house.clock(), store.house.mint))
        work.read(tx.at(store.experiment_id, person))
        work.read(tx.at(DEPLOYMENT, person))

    read = plans(store.house.database, look)
    assert read
    few = "drafts USING INDEX ix_drafts_updated_at|tasks USING INDEX ix_tasks_lapses_at"  # of all people
    whole = re.compile(rf"SCAN (?!{few})(drafts|workers|ideas|variants|tasks)\b")
    assert not [plan for plan in read if whole.search(plan)]
