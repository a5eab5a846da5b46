"""Passwords, hashed and checked on threads of their own: neither the event loop nor the writer waits for a hash.

The only place that knows argon2. A check takes as long for an account that does not exist, or has no password.
"""

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

T = TypeVar("T")
THREADS = 2
"""So many at a time, each with 64 MiB: a flood of guesses waits in line, and does not take the machine."""
NOBODYS = "no account has this password, and it is hashed once so that the wrong ones take as long"


def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="password")


@dataclass
class Passwords:
    """Hashes and checks with the costs of RFC 9106's second recommendation."""

    hasher: PasswordHasher = field(default_factory=PasswordHasher)
    _threads: ThreadPoolExecutor = field(default_factory=_threads)
    _nobodys: str | None = None

    async def hash(self, password: str) -> str:
        """The hash to store, with its salt and costs."""
        return await self._run(lambda: self.hasher.hash(_normal(password)))

    async def is_right(self, stored: str | None, password: str) -> bool:
        """Whether a password is the one that was stored; False, and no sooner, when none was."""
        return await self._run(lambda: self._check(stored, password))

    def needs_rehash(self, stored: str) -> bool:
        """Whether the costs have risen since this was stored."""
        return self.hasher.check_needs_rehash(stored)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _check(self, stored: str | None, password: str) -> bool:
        if self._nobodys is None:
            self._nobodys = self.hasher.hash(NOBODYS)
        try:
            is_right = self.hasher.verify(stored or self._nobodys, _normal(password))
        except (VerificationError, InvalidHashError):
            return False
        return is_right and stored is not None

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _normal(password: str) -> bytes:
    """The same bytes for the same characters, whatever keyboard they come from."""
    return unicodedata.normalize("NFKC", password).encode()
