"""Artifacts arrive whole or not at all, leave whole or as the range asked for, and are never wrong silently."""

from base64 import b64encode
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest

from tests.store.task_house import sha
from tests.wire.deposits import ALL_BYTES, FILE, deposit, fetch
from tests.wire.store_app import StoreApp, serving


@pytest.fixture
async def app(database_url: str, tmp_path: Path) -> AsyncIterator[StoreApp]:
    async with serving(database_url, tmp_path / "artifacts") as served:
        yield served


@pytest.fixture
async def sqlite_app(sqlite_url: str, tmp_path: Path) -> AsyncIterator[StoreApp]:
    async with serving(sqlite_url, tmp_path / "artifacts") as served:
        yield served


def digest(content: bytes) -> str:
    return f"sha-256=:{b64encode(sha256(content).digest()).decode()}:"


async def test_whoever_fetches_is_told_what_the_bytes_hash_to(app: StoreApp) -> None:
    uri = (await deposit(app))["artifacts_uri"]
    fetched = await fetch(app, "bob", uri)
    assert fetched.headers["content-digest"] == fetched.headers["repr-digest"] == digest(ALL_BYTES)
    assert fetched.headers["etag"] == f'"{sha256(ALL_BYTES).hexdigest()}"'
    assert fetched.headers["accept-ranges"] == "bytes"
    for base in ("v0", "api"):
        head = await app.call("bob", "HEAD", f"{base}:artifacts", params={"uri": uri})
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(ALL_BYTES))
        known = {"If-None-Match": f'W/"x", {fetched.headers["etag"]}'}
        same = await app.call("bob", "GET", f"{base}:artifacts", params={"uri": uri}, headers=known)
        assert (same.status_code, same.content) == (304, b"")


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=100-199", 100, 200),
        ("bytes=10000-", 10_000, 10_240),
        ("bytes=10200-99999", 10_200, 10_240),
        ("bytes=-40", 10_200, 10_240),
        ("bytes=-99999", 0, 10_240),
    ],
)
async def test_one_range_is_sent_alone(sqlite_app: StoreApp, asked: str, start: int, stop: int) -> None:
    uri = (await deposit(sqlite_app))["artifacts_uri"]
    for base in ("v0", "api"):
        part = await sqlite_app.call("bob", "GET", f"{base}:artifacts", params={"uri": uri}, headers={"Range": asked})
        assert (part.status_code, part.content) == (206, ALL_BYTES[start:stop])
        assert part.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(ALL_BYTES)}"
        assert part.headers["content-length"] == str(stop - start)
        assert part.headers["repr-digest"] == digest(ALL_BYTES)
        assert "content-digest" not in part.headers
        assert part.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("asked", ["bytes=5-4", "bytes=-", "bytes=a-b", "items=0-1", "bytes=0-1,3-4", "bytes", ""])
async def test_a_range_that_means_nothing_is_ignored(sqlite_app: StoreApp, asked: str) -> None:
    uri = (await deposit(sqlite_app))["artifacts_uri"]
    whole = await sqlite_app.call("bob", "GET", "v0:artifacts", params={"uri": uri}, headers={"Range": asked})
    assert (whole.status_code, whole.content) == (200, ALL_BYTES)


async def test_a_range_of_another_version_is_ignored(sqlite_app: StoreApp) -> None:
    uri = (await deposit(sqlite_app))["artifacts_uri"]
    etag = (await fetch(sqlite_app, "bob", uri)).headers["etag"]
    for given, status in ((etag, 206), ('"other"', 200), (f"W/{etag}", 200)):
        headers = {"Range": "bytes=0-1", "If-Range": given}
        response = await sqlite_app.call("bob", "GET", "v0:artifacts", params={"uri": uri}, headers=headers)
        assert response.status_code == status


@pytest.mark.parametrize(
    ("content", "asked"), [(ALL_BYTES, "bytes=10240-"), (ALL_BYTES, "bytes=-0"), (b"", "bytes=0-")]
)
async def test_a_range_beyond_the_end_is_refused_where_there_is_a_word_for_it(
    sqlite_app: StoreApp, content: bytes, asked: str
) -> None:
    uri = (await deposit(sqlite_app, content=content))["artifacts_uri"]
    headers = {"Range": asked}
    refused = await sqlite_app.call("bob", "GET", "api:artifacts", params={"uri": uri}, headers=headers)
    assert (refused.status_code, refused.json()["status"]) == (416, 416)
    assert refused.headers["content-range"] == f"bytes */{len(content)}"
    assert refused.headers["content-type"] == "application/problem+json; charset=utf-8"
    whole = await sqlite_app.call("bob", "GET", "v0:artifacts", params={"uri": uri}, headers=headers)
    assert (whole.status_code, whole.content) == (200, content)


BODY = FILE + b"--b--\r\n"
RIGHT, WRONG = digest(b"bytes"), digest(b"other bytes")


@pytest.mark.parametrize(
    "promise",
    [
        {"Content-Digest": digest(BODY)},
        {"Content-Digest": RIGHT},
        {"Repr-Digest": f"sha-512=:AA==:, {RIGHT}"},
        {"Digest": RIGHT.replace(":", "")},
        {"Digest": f"MD5=x,SHA-256={RIGHT.split(':')[1]}"},
        {"Content-Digest": "sha-512=:AA==:"},
    ],
)
async def test_bytes_that_keep_their_promise_are_stored(sqlite_app: StoreApp, promise: dict[str, str]) -> None:
    headers = {"content-type": "multipart/form-data; boundary=b"} | promise
    response = await sqlite_app.call("bob", "POST", "v0:artifacts", content=BODY, headers=headers)
    assert response.status_code == 201, response.text


@pytest.mark.parametrize(
    "promise",
    [
        {"Content-Digest": WRONG},
        {"Repr-Digest": WRONG},
        {"Digest": WRONG.replace(":", "")},
        {"Content-Digest": RIGHT, "Digest": WRONG.replace(":", "")},
        {"Content-Digest": "sha-256=:AAAA:"},
        {"Content-Digest": "sha-256=:!:"},
        {"Content-Digest": RIGHT.replace(":", "")},
    ],
)
async def test_bytes_that_arrive_changed_are_refused_and_leave_nothing(
    sqlite_app: StoreApp, tmp_path: Path, promise: dict[str, str]
) -> None:
    headers = {"content-type": "multipart/form-data; boundary=b"} | promise
    await sqlite_app.refused("bad-request", "bob", "POST", "v0:artifacts", content=BODY, headers=headers)
    assert [path for path in (tmp_path / "artifacts").rglob("*") if path.is_file()] == []


async def test_a_part_may_promise_for_itself(sqlite_app: StoreApp) -> None:
    headers = {"content-type": "multipart/form-data; boundary=b"}
    for promised, status in ((RIGHT, 201), (WRONG, 400), (digest(BODY), 400)):
        body = BODY.replace(b"\r\n\r\n", b"\r\nContent-Digest: " + promised.encode() + b"\r\n\r\n", 1)
        response = await sqlite_app.call("bob", "POST", "v0:artifacts", content=body, headers=headers)
        assert response.status_code == status


async def test_damaged_bytes_are_never_given_out_and_heal(
    sqlite_app: StoreApp, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    uri = (await deposit(sqlite_app))["artifacts_uri"]
    (file,) = (path for path in (tmp_path / "artifacts").rglob("*") if path.is_file())
    for damage in (b"\xff" + ALL_BYTES[1:], ALL_BYTES[:-1], b""):
        file.write_bytes(damage)
        for headers in ({}, {"Range": "bytes=100-200"}):
            detail = await sqlite_app.refused(
                "not-found", "bob", "GET", "v0:artifacts", params={"uri": uri}, headers=headers
            )
            assert "damaged" in detail
    assert sha256(ALL_BYTES).hexdigest() in caplog.text
    await deposit(sqlite_app)
    assert (await fetch(sqlite_app, "bob", uri)).content == ALL_BYTES


async def test_each_role_reads_what_its_work_stands_on(app: StoreApp) -> None:
    """The executor the idea, the evaluator what the executor left, the ideator what the evaluator found."""
    store = app.store
    told, left, found = [(await deposit(app, name, name.encode()))["artifacts_uri"] for name in ("ann", "bob", "eve")]
    idea = store.idea(artifacts_uri=told)
    execution = store.task("execution", idea)
    store.claim(execution, "bob")
    assert (await fetch(app, "bob", told, "api")).content == b"ann"
    variant = store.variant(idea)
    store.submit(execution, variant_id=variant, status="success", commit_sha=sha(1), artifacts_uri=left)
    store.accept(execution)
    evaluation = store.task("evaluation", variant)
    store.claim(evaluation, "eve")
    assert (await fetch(app, "eve", left, "api")).content == b"bob"
    body = {"variant_id": variant, "status": "success", "evaluation": {"accuracy": 1}, "artifacts_uri": found}
    store.submit(evaluation, "eve", **body)
    store.accept(evaluation)
    assert (await fetch(app, "ann", found, "api")).content == b"eve"
    for name, uri in (("bob", told), ("eve", left), ("ann", found)):
        await app.refused("forbidden", name, "GET", "v0:artifacts", params={"uri": uri})
