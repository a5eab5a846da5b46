"""One function: a Call there, an answer or an error back. The only place that knows httpx.

What may be done twice (`Call.is_repeatable`: reading, and acts that change nothing the second time) is repeated while
the server is away. Anything else is repeated only while no connection came about: once bytes have left, the act may
have landed, and whoever asked settles it by reading back (`settle.py`).
"""

import math
import random
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import IO, Any
from urllib.parse import quote

import anyio
import httpx

from store_client.archives import pieces, size_of
from store_client.decoding import Reply, decode, refusal
from store_client.download import Download, filename_of
from store_client.errors import (
    NotFound,
    ProtocolBroken,
    Refused,
    Unreachable,
)
from store_client.peers.copies import Configs, Copies
from store_client.peers.kind import Kind
from store_client.wire.call import Call, Query
from store_client.wire.calls.implementation import DISCOVER
from store_client.wire.checkpoints import MEDIA_TYPE
from store_client.wire.implementation import IMPLEMENTATION
from store_client.wire.record import Record

HEADER = "X-Eden-Experiment-Id"
MAX_ERROR_BYTES = 65_536
LONG_SECONDS = {"subscribe": 30.0} | dict.fromkeys(
    ("export_checkpoint", "save_checkpoint", "import_checkpoint", "load_checkpoint"), 3600.0
)
"""What takes the server longer than an answer usually does."""
BEFORE_SENDING = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
# Shorter than the five seconds after which servers drop an idle connection: a reused one is then never half closed.
LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=20, keepalive_expiry=2)
Application = httpx.AsyncBaseTransport


@dataclass(frozen=True)
class Upload:
    """A file to deposit; `content` is bytes or an open binary file, which is streamed."""

    filename: str
    content: bytes | IO[bytes]
    content_type: str = "application/octet-stream"
    headers: Mapping[str, str] = field(default_factory=dict)
    """What else its part of the body says of it; servers ignore what they do not know (RFC 7578)."""

    @property
    def part(self) -> tuple[str, bytes | IO[bytes], str, Mapping[str, str]]:
        return self.filename, self.content, self.content_type, self.headers


@dataclass(frozen=True)
class Message:
    """Everything that one call says."""

    call: Call
    places: Mapping[str, str] = field(default_factory=dict)
    body: Record | None = None
    query: Query | None = None
    upload: Upload | None = None
    archive: IO[bytes] | None = None

    @property
    def is_repeatable(self) -> bool:
        """Whether the call is safe to repeat, and what it uploads can be read again."""
        content = self.upload.content if self.upload else b""
        return self.call.is_repeatable and (isinstance(content, bytes) or content.seekable())

    @property
    def path(self) -> str:
        return self.call.path.format(**{key: _segment(value) for key, value in self.places.items()})

    @property
    def wait_seconds(self) -> float:
        """How long the server may hold the answer back."""
        return float(getattr(self.query, "wait_seconds", LONG_SECONDS.get(self.call.name, 0.0)))

    def headers(self, bearer: str | None) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        if self.call.needs_header:
            headers[HEADER] = self.places["experiment_id"]
        if self.archive is not None:
            headers |= {"Content-Type": MEDIA_TYPE, "Content-Length": str(size_of(self.archive))}
        return headers


@dataclass(frozen=True)
class Patience:
    """How long to wait for an answer, and how often to try again with a growing, jittered pause between."""

    timeout_seconds: float = 30.0
    reading_seconds: float = 30.0
    """For calls that only read."""
    connect_seconds: float = 5.0
    attempts: int = 4
    first_pause_seconds: float = 0.1
    longest_pause_seconds: float = 2.0
    total_seconds: float = math.inf
    """No attempt begins later than this after the first."""
    chance: Callable[[], float] = random.random
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep

    async def pause(self, attempt: int) -> None:
        """Wait before the attempt after this one: half of the growing pause for certain, half by chance."""
        longest = min(self.first_pause_seconds * 2**attempt, self.longest_pause_seconds)
        await self.sleep(longest * (0.5 + self.chance() / 2))

    def timeout(self, message: Message) -> httpx.Timeout:
        seconds = self.reading_seconds if message.call.method == "GET" else self.timeout_seconds
        return httpx.Timeout(seconds + message.wait_seconds, connect=min(self.connect_seconds, seconds))

    def is_over(self, attempts: int, began: float) -> bool:
        """Whether so many attempts since a moment are enough."""
        return attempts >= self.attempts or time.monotonic() - began >= self.total_seconds


@dataclass(frozen=True)
class Arriving:
    """A response whose content is still to come."""

    response: httpx.Response = field(repr=False)

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def headers(self) -> Mapping[str, str]:
        return self.response.headers

    async def pieces(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self.response.aiter_bytes():
                yield chunk
        except httpx.TransportError as error:
            raise Unreachable(f"the server stopped in the middle of a file: {_words(error)}") from error


def _look_for_trio_once() -> None:
    """Note that trio is not there, where it is not: httpx looks for it, and sniffio, on disk at every request."""
    if "sniffio" not in sys.modules and find_spec("sniffio") is None:
        sys.modules["sniffio"] = None  # type: ignore[assignment] # how Python notes a module that cannot be imported


class Transport:
    """A pool of connections to one server; clients of many experiments and identities share it.

    `configs` says by experiment what a peer, which speaks the protocol alone, has no call for (`store_client.peers`).
    """

    def __init__(
        self,
        url: str,
        patience: Patience | None = None,
        application: Application | None = None,
        configs: Configs | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self.copies = Copies(configs)
        self._kind = Kind()
        self._patience = patience or Patience()
        _look_for_trio_once()
        self._line = application or httpx.AsyncHTTPTransport(limits=LIMITS, trust_env=False)
        self._client = httpx.AsyncClient(base_url=self.url, transport=self._line, trust_env=False)
        self._said = [*self._client.headers.items()]

    async def aclose(self) -> None:
        await self._client.aclose()

    async def is_peer(self) -> bool:
        """Whether the server speaks the protocol alone: asked once, and of a peer again after a while."""
        async with self._kind.asking:
            if self._kind.is_due(time.monotonic()):
                self._kind.is_peer = await self._finds_a_peer()
                self._kind.asked_at = time.monotonic()
            return bool(self._kind.is_peer)

    async def _finds_a_peer(self) -> bool:
        try:
            said = await self.send(Message(DISCOVER))
        except (Refused, ProtocolBroken):
            return True
        return bool(said.implementation != IMPLEMENTATION)

    async def send(self, message: Message, bearer: str | None = None) -> Any:
        """The decoded answer of a call, or the error that its refusal or silence means."""
        attempt, began = 0, time.monotonic()
        while True:
            try:
                return await self._answer(message, bearer)
            except Unreachable as error:
                error.url = self.url
                attempt += 1
                if self._patience.is_over(attempt, began) or not (message.is_repeatable or _is_unsent(error)):
                    raise
            await self._patience.pause(attempt - 1)

    @asynccontextmanager
    async def fetch(self, message: Message, bearer: str | None = None) -> AsyncIterator[Download]:
        """A file, streamed; the connection is given back at the end of the block."""
        async with AsyncExitStack() as stack:

            async def stream(headers: Mapping[str, str]) -> Arriving:
                return await self._stream(stack, message, bearer, headers)

            source = await stream({})
            kind, name = source.headers.get("content-type", ""), filename_of(source.headers)
            yield Download(kind, name, source, resume=stream)

    async def _stream(
        self, stack: AsyncExitStack, message: Message, bearer: str | None, headers: Mapping[str, str]
    ) -> Arriving:
        """The beginning of a successful response; what it opens is closed with the stack."""
        request = self._request(message, bearer)
        request["headers"] |= {"Accept-Encoding": "identity", **headers}
        try:
            response = await stack.enter_async_context(self._client.stream(**request))
            if not response.is_success:
                raise refusal(Reply(response.status_code, response.headers, await _read_some(response)))
        except httpx.TransportError as error:
            raise self._silence(error) from error
        return Arriving(response)

    async def _answer(self, message: Message, bearer: str | None) -> Any:
        try:
            response = await self._ask(message, bearer)
        except httpx.TransportError as error:
            raise self._silence(error) from error
        reply = Reply(response.status_code, response.headers, response.content)
        if not response.is_success:
            raise refusal(reply)
        return decode(message.call, reply)

    async def _ask(self, message: Message, bearer: str | None) -> httpx.Response:
        """The whole response, by the line itself: the client looks for cookies and redirects, which nobody sends us."""
        said = self._request(message, bearer)
        timeout, headers = said.pop("timeout"), [*self._said, *said.pop("headers").items()]
        said |= {"url": self.url + said["url"], "headers": headers, "extensions": {"timeout": timeout.as_dict()}}
        request = httpx.Request(**said)
        response = await self._line.handle_async_request(request)
        try:
            response.request = request
            await response.aread()
        finally:
            await response.aclose()
        return response

    def _request(self, message: Message, bearer: str | None) -> dict[str, Any]:
        upload = message.upload
        return {
            "method": message.call.method,
            "url": message.path,
            "params": message.query.to_wire() if message.query else None,
            "json": message.body.to_wire() if message.body else None,
            "files": {"file": upload.part} if upload else None,
            "content": pieces(message.archive) if message.archive else None,
            "headers": message.headers(bearer),
            "timeout": self._patience.timeout(message),
        }

    def _silence(self, error: httpx.TransportError) -> Unreachable:
        silence = Unreachable(f"{self.url} does not answer: {_words(error)}")
        silence.url, silence.is_late = self.url, isinstance(error, httpx.ReadTimeout)
        return silence


def _segment(value: str) -> str:
    """A value as one segment of a path: also `..` stays where it stands and leads nowhere else."""
    if not value:
        raise NotFound("nothing has an empty name")
    return quote(value, safe="").replace(".", "%2E") if value.strip(".") == "" else quote(value, safe="")


def _is_unsent(error: Unreachable) -> bool:
    return isinstance(error.__cause__, BEFORE_SENDING)


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__


async def _read_some(response: httpx.Response) -> bytes:
    """The body of a streamed refusal, which is small; nothing of a large one."""
    if int(response.headers.get("content-length", 0)) > MAX_ERROR_BYTES:
        return b""
    return await response.aread()
