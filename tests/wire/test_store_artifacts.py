"""Artifacts over HTTP: bytes come back as they went, to those who may have them (protocol §9)."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from control_plane.db.batch import Batch
from control_plane.db.transaction import ADMIN, Tx
from control_plane.task_store.operations import artifact_pages
from store_client.wire.call import PageQuery
from tests.store.plans import plans
from tests.store.task_house import URI, TaskHouse, sha, ulid
from tests.wire.deposits import ALL_BYTES, FILE, deposit, fetch
from tests.wire.store_app import MAX_ARTIFACT_BYTES, StoreApp, serving


@pytest.fixture
async def app(database_url: str, tmp_path: Path) -> AsyncIterator[StoreApp]:
    async with serving(database_url, tmp_path / "artifacts") as served:
        yield served


@pytest.fixture
async def sqlite_app(sqlite_url: str, tmp_path: Path) -> AsyncIterator[StoreApp]:
    async with serving(sqlite_url, tmp_path / "artifacts") as served:
        yield served


async def test_bytes_come_back_as_they_went(app: StoreApp) -> None:
    deposited = await deposit(app)
    assert deposited.keys() == {"artifacts_uri", "size_bytes", "content_type"}
    assert (deposited["size_bytes"], deposited["content_type"]) == (len(ALL_BYTES), "application/x-thing")
    fetched = await fetch(app, "bob", deposited["artifacts_uri"])
    assert (fetched.status_code, fetched.content) == (200, ALL_BYTES)
    assert fetched.headers["content-type"] == "application/x-thing"
    assert fetched.headers["content-disposition"] == 'attachment; filename="out.bin"'
    assert fetched.headers["x-content-type-options"] == "nosniff"
    again = await deposit(app)
    assert again["artifacts_uri"] != deposited["artifacts_uri"]
    assert again["artifacts_uri"].removeprefix("eden://artifacts/").isalnum()
    assert app.store.told() == []


async def test_equal_bytes_lie_on_disk_once_under_their_hash(sqlite_app: StoreApp, tmp_path: Path) -> None:
    for content in (b"same", b"same", b""):
        await deposit(sqlite_app, content=content)
    found = sorted(
        path.relative_to(tmp_path / "artifacts") for path in (tmp_path / "artifacts").rglob("*") if path.is_file()
    )
    assert [str(path).replace("/", "") for path in found] == [
        "0967115f2813a3541eaef77de9d9d5773f1c0c04314b0bbfe4ff3b3b1c55b5d5",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ]


async def test_only_depositor_and_administrators_fetch(app: StoreApp) -> None:
    uri = (await deposit(app, "bob"))["artifacts_uri"]
    for name, status in (("bob", 200), ("admins", 200), ("admin", 200), ("ann", 403), ("orchestrators", 403)):
        assert (await fetch(app, name, uri)).status_code == status
    by_admin = (await deposit(app, "admin"))["artifacts_uri"]
    await app.refused("forbidden", "bob", "GET", "v0:artifacts", params={"uri": by_admin})
    await app.refused("bad-request", "bob", "GET", "v0:artifacts")
    for unknown in (URI, "eden://artifacts/" + "0" * 32, uri + "0", "eden://artifacts/", "eden://artifacts/../../x"):
        await app.refused("not-found", "admin", "GET", "v0:artifacts", params={"uri": unknown})


async def test_what_the_experiment_cites_its_workers_may_view(app: StoreApp) -> None:
    store = app.store
    uris = [(await deposit(app, "eve", content=str(number).encode()))["artifacts_uri"] for number in range(5)]
    for uri in uris:
        await app.refused("forbidden", "ann", "GET", "api:artifacts", params={"uri": uri})
        assert (await fetch(app, "eve", uri, "api")).status_code == 200
    store.idea(artifacts_uri=uris[0])
    execution, _, first = store.executing()
    store.submit(execution, variant_id=first, status="success", commit_sha=sha(1), artifacts_uri=uris[1])
    store.accept(execution)
    evaluation = store.evaluating(first)
    metrics = {"accuracy": 1}
    store.submit(evaluation, variant_id=first, status="success", evaluation=metrics, artifacts_uri=uris[2])
    store.accept(evaluation)
    waiting, _, second = store.executing()
    store.submit(waiting, variant_id=second, status="error", artifacts_uri=uris[3])
    for number in range(4):
        viewed = await fetch(app, "ann", uris[number], "api")
        assert (viewed.status_code, viewed.content) == (200, str(number).encode())
        assert viewed.headers["x-content-type-options"] == "nosniff"
    await app.refused("forbidden", "ann", "GET", "api:artifacts", params={"uri": uris[4]})
    await app.refused("forbidden", "ann", "GET", "api:artifacts/info", params={"uri": uris[4]})
    info = await app.get("api:artifacts/info", uri=uris[0])
    assert (info["filename"], info["size_bytes"], info["created_by"]) == ("out.bin", 1, store.id_of("eve"))
    assert not {"cited_by", "by_name"} & info.keys()
    told = await app.get("api:artifacts/info", uri=uris[0], with_owner=True)
    assert (told["by_name"], told["cited_by"]["kind"], told["filename"]) == ("eve", "idea", "out.bin")


@pytest.mark.parametrize("role", ["ideator", "executor", "evaluator"])
async def test_what_nothing_cites_is_its_depositors_and_administrators_alone(sqlite_app: StoreApp, role: str) -> None:
    people = {"ideator": "ann", "executor": "bob", "evaluator": "eve"}
    depositor = people.pop(role)
    uri = (await deposit(sqlite_app, depositor))["artifacts_uri"]
    for name in (*people.values(), "orchestrators"):
        await sqlite_app.refused("forbidden", name, "GET", "api:artifacts", params={"uri": uri})
        await sqlite_app.refused("forbidden", name, "GET", "api:artifacts/info", params={"uri": uri})
    for name in (depositor, "admins", "admin"):
        assert (await fetch(sqlite_app, name, uri, "api")).content == ALL_BYTES
    sqlite_app.store.idea(artifacts_uri=uri)
    for name in people.values():
        assert (await fetch(sqlite_app, name, uri, "api")).content == ALL_BYTES


async def test_administrators_list_every_file_with_what_it_belongs_to_a_page_at_a_time(app: StoreApp) -> None:
    store, listed = app.store, "api:artifacts/list"
    assert await app.get(listed, "admins") == {"items": []}
    uris = [(await deposit(app, "eve", content=str(number).encode()))["artifacts_uri"] for number in range(5)]
    idea = store.idea(slug="far", artifacts_uri=uris[0])
    execution, _, variant = store.executing(slug="near")
    store.submit(execution, variant_id=variant, status="success", commit_sha=sha(1), artifacts_uri=uris[1])
    store.accept(execution)
    waiting, _, second = store.executing(slug="nearer")
    store.submit(waiting, variant_id=second, status="error", artifacts_uri=uris[2])
    belongs = {uris[0]: ("idea", idea), uris[1]: ("variant", variant), uris[2]: ("task", waiting)}
    page = await app.get(listed, "admins", limit=2)
    found = page["items"]
    while "next" in page:
        page = await app.get(listed, "admins", limit=2, after=page["next"])
        found += page["items"]
    assert {one["artifacts_uri"] for one in found} == set(uris)
    assert found == sorted(found, key=lambda one: (one["created_at"], one["artifacts_uri"]), reverse=True)
    for one in found:
        cited = one.get("cited_by")
        assert (cited and (cited["kind"], cited["id"])) == belongs.get(one["artifacts_uri"]), one
        assert one["by_name"] == "eve"
    called = {one["artifacts_uri"]: one["cited_by"] for one in found if "cited_by" in one}
    assert [called[uri]["title"] for uri in uris[:3]] == ["far", "near", "nearer"]
    assert [called[uri].get("task_kind") for uri in uris[:3]] == [None, None, "execution"]
    assert {(one["filename"], one["size_bytes"], one["created_by"]) for one in found} == {
        ("out.bin", 1, store.id_of("eve"))
    }
    for name in ("ann", "eve", "orchestrators"):
        await app.refused("forbidden", name, "GET", listed)
    for odd in ("x", "~", f"{uris[0]}~", f"2020~{'0' * 32}\n"):
        await app.refused("bad-request", "admin", "GET", listed, params={"after": odd})


async def test_a_page_of_files_and_their_names_are_found_along_indexes_by_so_many_questions(
    sqlite_app: StoreApp,
) -> None:
    query, store = PageQuery(after=f"2999-01-01T00:00:00.000000Z~{'0' * 32}"), sqlite_app.store

    async def asked() -> int:
        uris = [(await deposit(sqlite_app, "eve"))["artifacts_uri"] for _ in range(4)]
        store.idea(artifacts_uri=uris[0])
        for uri, status in ((uris[1], {"status": "success", "commit_sha": sha(1)}), (uris[2], {"status": "error"})):
            execution, _, variant = store.executing()
            store.submit(execution, variant_id=variant, artifacts_uri=uri, **status)
            if uri == uris[1]:
                store.accept(execution)
        found = plans(
            store.house.database,
            lambda connection: artifact_pages.page(Tx(Batch(connection, "", str), ADMIN, store.experiment_id), query),
        )
        assert "ix_artifacts_newest" in found[0]
        assert not [plan for plan in found if "SCAN" in plan or "ORDER BY" in plan]
        return len(found)

    first = await asked()
    assert await asked() == first <= 12


async def test_a_worker_of_another_experiment_reads_nothing_of_this_one(app: StoreApp) -> None:
    uri = (await deposit(app))["artifacts_uri"]
    app.store.idea(artifacts_uri=uri)
    other = TaskHouse(app.store.house, "exp_" + ulid(2))
    for name in ("ann", "bob", "eve", "admins"):
        headers = {"Authorization": f"Bearer {other.id_of(name)}:{other.tokens[name]}"}
        for path in ("api:artifacts", "api:artifacts/info", "v0:artifacts"):
            await app.refused("unauthorized", name, "GET", path, params={"uri": uri}, headers=headers)


@pytest.mark.parametrize(
    ("filename", "kept"),
    [
        ("résumé ☂.txt", "attachment; filename*=utf-8''r%C3%A9sum%C3%A9%20%E2%98%82.txt"),
        ("../../etc/passwd", 'attachment; filename="passwd"'),
        ("C:\\windows\\a.exe", 'attachment; filename="a.exe"'),
        ("x" * 400, 'attachment; filename="' + "x" * 255 + '"'),
    ],
)
async def test_a_filename_is_only_ever_a_name(sqlite_app: StoreApp, filename: str, kept: str) -> None:
    uri = (await deposit(sqlite_app, filename=filename))["artifacts_uri"]
    assert (await fetch(sqlite_app, "bob", uri)).headers["content-disposition"] == kept


async def test_a_page_is_given_out_to_be_saved_and_never_run(sqlite_app: StoreApp) -> None:
    deposited = await deposit(sqlite_app, content=b"<script>", filename="a.html", type="text/html")
    fetched = await fetch(sqlite_app, "bob", deposited["artifacts_uri"])
    assert fetched.headers["content-type"] == "text/html"
    assert fetched.headers["content-disposition"].startswith("attachment")


async def test_a_file_beyond_the_cap_is_refused_and_leaves_nothing(sqlite_app: StoreApp, tmp_path: Path) -> None:
    app = sqlite_app
    await deposit(app, content=os.urandom(MAX_ARTIFACT_BYTES))
    files = {"file": ("big", os.urandom(MAX_ARTIFACT_BYTES + 1), "x/y")}
    await app.refused("payload-too-large", "bob", "POST", "v0:artifacts", files=files)
    assert len([path for path in (tmp_path / "artifacts").rglob("*") if path.is_file()]) == 1


@pytest.mark.parametrize("part", [b"file", b"note"])
async def test_an_endless_body_is_refused_while_it_comes(sqlite_app: StoreApp, part: bytes) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b'--b\r\nContent-Disposition: form-data; name="' + part + b'"; filename="f"\r\n\r\n'
        while sent < 100 * MAX_ARTIFACT_BYTES:
            sent += 10_000
            yield b"x" * 10_000

    headers = {"content-type": "multipart/form-data; boundary=b"}
    await sqlite_app.refused("payload-too-large", "bob", "POST", "v0:artifacts", content=endless(), headers=headers)
    assert sent < 2 * MAX_ARTIFACT_BYTES


async def test_an_unknown_caller_is_refused_before_the_body_is_read(sqlite_app: StoreApp) -> None:
    async def untouched() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    headers = {"content-type": "multipart/form-data; boundary=b", "Authorization": "Bearer admin:guess"}
    await sqlite_app.refused("unauthorized", "bob", "POST", "v0:artifacts", content=untouched(), headers=headers)


FIELD = b'--b\r\nContent-Disposition: form-data; name="note"\r\n\r\nfile\r\n'


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "multipart/form-data; boundary=b"),
        (FIELD + b"--b--\r\n", "multipart/form-data; boundary=b"),
        (FILE, "multipart/form-data; boundary=b"),
        (FILE[:60], "multipart/form-data; boundary=b"),
        (FILE + FILE + b"--b--\r\n", "multipart/form-data; boundary=b"),
        (b"no multipart at all", "multipart/form-data; boundary=b"),
        (FILE + b"--b--\r\n", "multipart/form-data; boundary=" + "b" * 1000),
        (FILE + b"--b--\r\n", "multipart/form-data"),
        (b"{}", "application/json"),
        (b"{}", ""),
    ],
)
async def test_what_brings_no_single_file_is_a_bad_request(
    sqlite_app: StoreApp, tmp_path: Path, body: bytes, content_type: str
) -> None:
    headers = {"content-type": content_type}
    await sqlite_app.refused("bad-request", "bob", "POST", "v0:artifacts", content=body, headers=headers)
    assert [path for path in (tmp_path / "artifacts").rglob("*") if path.is_file()] == []


async def test_other_fields_may_travel_beside_the_file(sqlite_app: StoreApp) -> None:
    headers = {"content-type": "multipart/form-data; boundary=b"}
    body = FIELD + FILE + FIELD + b"--b--\r\n"
    response = await sqlite_app.call("bob", "POST", "v0:artifacts", content=body, headers=headers)
    assert response.json()["size_bytes"] == len(b"bytes")
    assert response.json()["content_type"] == "application/octet-stream"


async def test_an_artifact_that_the_disk_has_lost_is_not_found(sqlite_app: StoreApp, tmp_path: Path) -> None:
    uri = (await deposit(sqlite_app))["artifacts_uri"]
    for path in (tmp_path / "artifacts").rglob("*"):
        if path.is_file():
            path.unlink()
    await sqlite_app.refused("not-found", "bob", "GET", "v0:artifacts", params={"uri": uri})
