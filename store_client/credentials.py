"""Bearers: where a client finds its credential, and where it finds the next one when that is refused."""

import stat
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import anyio

from store_client.errors import Unauthorized
from store_client.wire.scalars import parse_time
from store_client.wire.workers import Exchanged

MARGIN = timedelta(seconds=60)
"""An exchanged token is replaced so long before its end, so that no call is overtaken by it."""


class Bearer(Protocol):
    """A source of `principal:secret`."""

    async def current(self) -> str:
        """The credential to send now."""
        ...

    async def replace(self, rejected: str) -> bool:
        """Whether there is now another credential than the one the server rejected."""
        ...


class StaticBearer:
    """A credential that never changes."""

    def __init__(self, principal: str, secret: str) -> None:
        self._bearer = f"{principal}:{secret}"

    async def current(self) -> str:
        return self._bearer

    async def replace(self, rejected: str) -> bool:
        return self._bearer != rejected


class ReadBearer(ABC):
    """A credential that is kept somewhere; read again, once for all who ask, when the server rejects it."""

    def __init__(self) -> None:
        self._bearer = ""

    async def current(self) -> str:
        self._bearer = self._bearer or self._read()
        return self._bearer

    async def replace(self, rejected: str) -> bool:
        if self._bearer in {"", rejected}:
            self._bearer = self._read()
        return self._bearer != rejected

    @abstractmethod
    def _read(self) -> str:
        """The credential that is kept now; Unauthorized when there is none."""


class FileBearer(ReadBearer):
    """A credential in a file of mode 0600: `principal:secret`, or the bare secret of a named principal."""

    def __init__(self, path: Path, principal: str | None = None) -> None:
        super().__init__()
        self._path = path
        self._principal = principal

    def _read(self) -> str:
        try:
            mode, text = self._path.stat().st_mode, self._path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise Unauthorized(f"cannot read the credential in {self._path}: {error.strerror}") from error
        if stat.S_IMODE(mode) & 0o077:
            raise Unauthorized(f"others may read {self._path}; run: chmod 600 {self._path}")
        if self._principal is None and ":" not in text:
            raise Unauthorized(f"{self._path} does not hold principal:secret")
        return text if self._principal is None else f"{self._principal}:{text}"


def now() -> datetime:
    return datetime.now(UTC)


class ExchangedBearer:
    """A short-lived identity, asked for when there is none, kept until shortly before its end."""

    def __init__(self, exchange: Callable[[], Awaitable[Exchanged]], clock: Callable[[], datetime] = now) -> None:
        self._exchange = exchange
        self._clock = clock
        self._held: Exchanged | None = None
        self._lock = anyio.Lock()

    async def identity(self) -> Exchanged:
        """Who this credential makes the caller: worker id, name, role."""
        async with self._lock:
            if self._held is None or parse_time(self._held.expires_at) - MARGIN <= self._clock():
                self._held = await self._exchange()
            return self._held

    async def current(self) -> str:
        return _bearer(await self.identity())

    async def replace(self, rejected: str) -> bool:
        async with self._lock:
            if self._held is not None and _bearer(self._held) == rejected:
                self._held = None
        return await self.current() != rejected


def _bearer(identity: Exchanged) -> str:
    return f"{identity.worker_id}:{identity.token}"
