"""Files on their way out: their SHA-256 goes with them, and what is changed on the way is refused."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO

import httpx
import pytest
from starlette.responses import JSONResponse, PlainTextResponse

from store_client.client import StoreClient
from store_client.credentials import StaticBearer
from store_client.errors import BadRequest, Unavailable
from store_client.transport import Transport, Upload
from tests.wire.canned import Server
from tests.wire.deposits import ALL_BYTES
from tests.wire.store_app import StoreApp, serving
from tests.wire.test_artifact_bytes import digest

ANSWER = JSONResponse({"artifacts_uri": "eden://a/1", "size_bytes": 3, "content_type": "text/plain"}, 201)


@pytest.fixture
async def app(sqlite_url: str, tmp_path: Path) -> AsyncIterator[StoreApp]:
    async with serving(sqlite_url, tmp_path / "artifacts") as served:
        yield served


class Noisy(httpx.AsyncBaseTransport):
    """Changes bytes on their way into a server."""

    def __init__(self, app: StoreApp, before: bytes, after: bytes) -> None:
        self._app, self._before, self._after = app, before, after

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        content = (await request.aread()).replace(self._before, self._after)
        return await self._app.http.request(request.method, str(request.url), content=content, headers=request.headers)


def client(app: StoreApp, before: bytes = b"", after: bytes = b"") -> StoreClient:
    bearer = StaticBearer(app.store.id_of("bob"), app.store.tokens["bob"])
    return StoreClient(
        Transport("http://store", application=Noisy(app, before, after)), bearer, app.store.experiment_id
    )


@contextmanager
def given(kind: str, content: bytes) -> Iterator[bytes | IO[bytes]]:
    """Bytes, or an open file that somebody has read to its end."""
    if kind == "bytes":
        yield content
    else:
        with tempfile.SpooledTemporaryFile() as file:
            file.write(content)
            yield file


@pytest.mark.parametrize("kind", ["bytes", "file"])
async def test_what_arrives_as_it_was_sent_is_stored(app: StoreApp, tmp_path: Path, kind: str) -> None:
    with given(kind, ALL_BYTES) as content:
        assert (await client(app).deposit_artifact(Upload("f", content))).size_bytes == len(ALL_BYTES)
    (kept,) = (path for path in (tmp_path / "artifacts").rglob("*") if path.is_file())
    assert kept.read_bytes() == ALL_BYTES


@pytest.mark.parametrize("kind", ["bytes", "file"])
async def test_bytes_changed_on_the_way_are_refused(app: StoreApp, tmp_path: Path, kind: str) -> None:
    noisy = client(app, b"\x01\x02\x03", b"\x01\x02\x04")
    with given(kind, ALL_BYTES) as content, pytest.raises(BadRequest, match="SHA-256"):
        await noisy.deposit_artifact(Upload("f", content))
    assert [path for path in (tmp_path / "artifacts").rglob("*") if path.is_file()] == []


async def test_the_part_says_what_its_bytes_hash_to_each_time_it_is_sent() -> None:
    server = Server([PlainTextResponse("", 503), ANSWER])
    with given("file", b"abc" * 100) as content:
        await server.store().deposit_artifact(Upload("a", content, "text/plain", {"X-Own": "kept"}))
    assert len(server.bodies) == 2
    for body in server.bodies:
        assert f"Content-Digest: {digest(b'abc' * 100)}".encode() in body
        assert b"X-Own: kept" in body
        assert b"abc" * 100 in body


class Pipe:
    """Content that can be read once only."""

    def __init__(self, content: bytes) -> None:
        self._left = [content]

    def seekable(self) -> bool:
        return False

    def read(self, _size: int = -1) -> bytes:
        return self._left.pop() if self._left else b""


async def test_a_stream_that_is_read_once_goes_without(app: StoreApp) -> None:
    server = Server([PlainTextResponse("", 503)])
    with pytest.raises(Unavailable):
        await server.store().deposit_artifact(Upload("pipe", Pipe(b"once")))  # type: ignore[arg-type] # as much as is needed
    assert (b"Content-Digest" in server.bodies[0], b"once" in server.bodies[0]) == (False, True)
    deposited = await client(app).deposit_artifact(Upload("pipe", Pipe(b"once")))  # type: ignore[arg-type] # as much of a file as is needed
    async with client(app).fetch_artifact(deposited.artifacts_uri) as download:
        assert sha256(await download.read()).digest() == sha256(b"once").digest()
