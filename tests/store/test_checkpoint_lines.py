"""What an archive says, whoever wrote it: what is read, what is refused with its place, what stays whose."""

import json
from functools import partial

from control_plane.task_store.operations import ideas, tasks
from store_client.wire.checkpoints import ImportedCheckpoint
from tests.store.foreign import AT, GROUP, LANDING, SOURCE, WORKER, Change, event, foreign, idea, refusal, task, variant
from tests.store.task_house import TaskHouse
from tests.store.vault import COUNTED, Parts, Vault, changed, complete, pack, rows_of, sha256, unpack, with_rows

WRONG: dict[str, tuple[str, Change]] = {
    "kind is not one of ours": ("tasks", lambda row: row.update(kind="review")),
    "a claimed task without a claim": ("tasks", lambda row: row.update(state="claimed")),
    "a pending task with one": (
        "tasks", lambda row: row.update(state="pending", claim={"worker_id": WORKER, "claimed_at": AT}),
    ),
    "a task about nothing": ("tasks", lambda row: row.update(payload={})),
    "a task about an idea that is not there": ("tasks", lambda row: row.update(payload={"idea_id": "gone"})),
    "another experiment's idea": ("ideas", lambda row: row.update(experiment_id=LANDING)),
    "an idea without parents": ("ideas", lambda row: row.update(parent_commits=[])),
    "a commit that is none": ("ideas", lambda row: row.update(parent_commits=["HEAD"])),
    "a priority that is text": ("ideas", lambda row: row.update(priority="1")),
    "a file that is not in the archive": ("ideas", lambda row: row.update(artifacts_uri=f"checkpoint:sha256:{1:064}")),
    "a null character": ("ideas", lambda row: row.update(idea_id="a\0b")),
    "a variant of an idea that is not there": ("variants", lambda row: row.update(idea_id="gone")),
    "a variant of no idea": ("variants", lambda row: row.pop("idea_id")),
    "a metric outside the schema": ("variants", lambda row: row.update(evaluation={"speed": 1})),
    "a metric of another type": ("variants", lambda row: row.update(evaluation={"steps": 1.5})),
    "a success without a commit": ("variants", lambda row: row.pop("commit_sha")),
    "a submission of no task": ("submissions", lambda row: row.update(task_id="gone")),
    "a submission of another kind": ("submissions", lambda row: row.update(kind="ideation")),
    "a result that is none": ("submissions", lambda row: row.update(payload={"status": "fine"})),
    "an event of a task that is not there": ("events", lambda row: row["data"].update(task_id="gone", idea_id="gone")),
    "an event of nothing": ("events", lambda row: row.update(data={})),
    "a time without a zone": ("events", lambda row: row.update(occurred_at="2025-05-05T05:05:05")),
    "a worker with an id of its own": ("workers", lambda row: row.update(worker_id="bob")),
    "a name with a line in it": ("workers", lambda row: row.update(name="a\nb")),
    "labels that are numbers": ("workers", lambda row: row.update(labels={"a": 1})),
    "a member that is nobody": ("groups", lambda row: row.update(members=["ann"])),
}  # fmt: skip

CONFIGS = [
    b"x: " + b"1" * 2**20,
    b"- a list",
    b"parallel_variants: 2",
    b"a: [",
    b"\xff\xfe",
    b"&a [*a]",
    b"key: !!python/object:os.system x",
]


def test_an_archive_of_another_make_is_read_with_what_we_do_not_know_passed_over(here: Vault) -> None:
    claim = {"worker_id": WORKER, "claimed_at": AT, "expires_at": AT}
    parts = foreign(
        workers=[{"worker_id": WORKER, "experiment_id": SOURCE, "registered_at": AT, "labels": {"gpu": "yes"}}],
        groups=[{"group_id": GROUP, "experiment_id": SOURCE, "members": [WORKER, GROUP[:-1] + "6"], "created_at": AT}],
        ideas=[idea(intended_executor={"kind": "worker", "id": WORKER})],
        tasks=[
            task(state="claimed", claim=claim),
            task("done", state="completed", submitted_by=WORKER),
            task("open", state="submitted", submitted_by=WORKER),
        ],
        submissions=[
            {"task_id": "done", "kind": "ideation", "payload": {"status": "success", "idea_ids": ["i"]}},
            {"task_id": "open", "status": "success", "idea_ids": [], "role": "ideator"},
        ],
        variants=[variant(branch="work/never/pushed", evaluation={"speed": 1.5, "note": "x", "left": None})],
        events=[event(1, task_id="t", kind="ideation"), event(2, "vendor.thing", anything=1), event(3, task_id="done")],
    )
    made: ImportedCheckpoint = here.load(pack(parts, "a-name of-their-own"), LANDING)
    assert any("not resumable" in words for words in made.warnings)
    assert any("outside the protocol" in words for words in made.warnings)
    again = unpack(here.save(LANDING))
    assert [row["state"] for row in rows_of(again, "tasks")] == ["pending", "completed", "submitted"]
    assert rows_of(again, "tasks")[0]["payload"] == {"experiment_id": LANDING, "hint": 1}
    assert [row["data"]["task_id"] for row in rows_of(again, "events")] == ["t", "done"]
    assert rows_of(again, "submissions")[1]["payload"] == {"status": "success", "idea_ids": []}
    assert rows_of(again, "variants")[0]["evaluation"] == {"speed": 1.5, "note": "x", "left": None}
    assert json.loads(again["experiment.json"])["created_at"] == AT
    assert not (here.data / "imports" / f"credentials-{LANDING}.json").exists()
    here.house.writer.write(partial(tasks.accept, task_id="open"), experiment_id=LANDING)


def test_a_line_that_is_wrong_is_refused_with_its_place(here: Vault, native: Parts) -> None:
    for wrong, (name, change) in WRONG.items():
        detail = refusal(here, pack(changed(native, name, change)))
        places = (f"{name}.jsonl line", "not in the archive", "without a commit")
        assert any(place in detail for place in places), (wrong, detail)


def test_a_line_that_is_there_twice_is_refused(here: Vault, native: Parts) -> None:
    for name in COUNTED:
        rows = rows_of(native, name)
        assert f"{name}.jsonl line" in refusal(here, pack(with_rows(native, name, [*rows, rows[0]])))


def test_two_live_tasks_of_one_idea_are_refused(here: Vault) -> None:
    pair = [task(name, kind="execution", payload={"idea_id": "i"}) for name in ("one", "two")]
    assert "tasks.jsonl line 2" in refusal(here, pack(foreign(ideas=[idea()], tasks=pair)))


def test_a_config_that_we_would_not_take_is_refused(here: Vault, native: Parts) -> None:
    for text in CONFIGS:
        assert "experiment-config.yaml" in refusal(here, pack({**native, "experiment-config.yaml": text})), text


def test_lines_count_whatever_the_manifest_says(here: Vault, native: Parts) -> None:
    manifest = json.loads(native["manifest.json"])
    manifest["counts"]["events"] = 10**12
    made = here.load(pack({**native, "manifest.json": json.dumps(manifest).encode()}))
    assert any("other numbers of events" in words for words in made.warnings)


def test_what_every_author_deposited_stays_theirs(here: Vault, sqlite_store: TaskHouse) -> None:
    complete(sqlite_store)
    for name in ("ann", "bob"):
        uri = here.deposit(sqlite_store, b"the same", f"{name}.md", name=name)
        body = sqlite_store.idea_body(name, artifacts_uri=uri)
        sqlite_store.act(name, ideas.create, body)
    here.load(here.save(sqlite_store.experiment_id), LANDING)
    joined = "FROM ideas i JOIN artifacts a ON i.artifacts_uri LIKE '%' || a.artifact_id "
    query = "SELECT i.idea_id, a.filename, a.created_by " + joined
    with here.house.database.reading() as connection:
        rows = connection.exec_driver_sql(query + f"WHERE i.experiment_id = '{LANDING}'").all()
    assert {tuple(row) for row in rows} == {(who, f"{who}.md", sqlite_store.id_of(who)) for who in ("ann", "bob")}


def test_a_file_that_the_disk_has_lost_keeps_its_address(here: Vault, sqlite_store: TaskHouse) -> None:
    complete(sqlite_store)
    uri = here.deposit(sqlite_store, b"lost", "lost.md")
    sqlite_store.idea(artifacts_uri=uri)
    (here.data / "artifacts" / sha256(b"lost")[:2] / sha256(b"lost")[2:]).unlink()
    parts = unpack(here.save(sqlite_store.experiment_id))
    assert rows_of(parts, "ideas")[0]["artifacts_uri"] == uri
    here.load(pack(parts))
