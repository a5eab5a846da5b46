"""Files on their way in: taken up again where a connection broke, and checked against what was promised."""

import base64
import hashlib
from collections.abc import AsyncIterator

import httpx
import pytest

from store_client.client import StoreClient
from store_client.credentials import StaticBearer
from store_client.download import filename_of, promised_digest
from store_client.errors import ProtocolBroken, Unreachable
from store_client.transport import Transport
from tests.wire.canned import EXPERIMENT, WORKER, quick

FILE = bytes(range(256)) * 40
DIGEST = f"sha-256=:{base64.b64encode(hashlib.sha256(FILE).digest()).decode()}:"


class Brittle(httpx.AsyncBaseTransport):
    """Sends a file no further than the next break, and ranges of it where that was not forbidden."""

    def __init__(self, *breaks: int, **headers: str) -> None:
        self._breaks = list(breaks)
        self.headers = {"accept-ranges": "bytes", "etag": '"one"', "repr-digest": DIGEST} | headers
        self.ranges: list[str | None] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        asked = request.headers.get("range")
        self.ranges.append(asked)
        is_same = request.headers.get("if-range") == self.headers["etag"]
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and is_same else 0
        partial = {"content-range": f"bytes {start}-{len(FILE) - 1}/{len(FILE)}"} if asked and is_same else {}
        status = 206 if partial else 200
        return httpx.Response(status, headers=self.headers | partial, content=self._pieces(start))

    async def _pieces(self, start: int) -> AsyncIterator[bytes]:
        stop = self._breaks.pop(0) if self._breaks else len(FILE)
        yield FILE[start:stop]
        if stop < len(FILE):
            raise httpx.ReadError("broken")

    async def fetched(self) -> bytes:
        store = StoreClient(Transport("http://server", quick([]), self), StaticBearer(WORKER, "secret"), EXPERIMENT)
        async with store.fetch_artifact("eden://artifacts/1") as download:
            return await download.read()


async def test_a_file_is_taken_up_where_the_connection_broke() -> None:
    wire = Brittle(1000, 5000)
    assert await wire.fetched() == FILE
    assert wire.ranges == [None, "bytes=1000-", "bytes=5000-"]


async def test_a_file_that_breaks_again_and_again_is_given_up() -> None:
    wire = Brittle(*range(1, 10))
    with pytest.raises(Unreachable):
        await wire.fetched()
    assert len(wire.ranges) == 4


@pytest.mark.parametrize("headers", [{"accept-ranges": "none"}, {"etag": 'W/"one"'}, {"etag": ""}])
async def test_a_file_is_not_taken_up_where_it_may_be_another(headers: dict[str, str]) -> None:
    wire = Brittle(1000, **headers)
    with pytest.raises(Unreachable):
        await wire.fetched()
    assert wire.ranges == [None]


async def test_a_file_that_is_not_what_was_promised_is_refused_at_its_end() -> None:
    wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    for headers in ({"repr-digest": f"sha-256=:{wrong}:"}, {"repr-digest": "", "digest": f"SHA-256={wrong}"}):
        with pytest.raises(ProtocolBroken):
            await Brittle(**headers).fetched()


async def test_a_file_of_which_nothing_is_promised_is_taken_as_it_comes() -> None:
    for digest in ("", "md5=:AAAA:", "sha-256=:not base64!:"):
        assert await Brittle(**{"repr-digest": digest}).fetched() == FILE


def test_a_digest_of_encoded_bytes_is_not_compared() -> None:
    assert promised_digest({"repr-digest": DIGEST, "content-encoding": "gzip"}) is None


def test_names_are_read_in_both_spellings() -> None:
    assert filename_of({"content-disposition": 'attachment; filename="a b.txt"'}) == "a b.txt"
    assert filename_of({"content-disposition": "attachment; filename*=utf-8''%C3%A9.md; size=3"}) == "é.md"
    assert filename_of({}) == ""
