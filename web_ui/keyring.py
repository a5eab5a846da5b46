"""The credentials that a console holds itself: one worker in each experiment, in a file that its owner alone reads.

With the admin token it registers its operator where the file names nobody, and has a lost credential reissued; what
the server minted is on disk before it is used.
"""

import asyncio
import json
import os
import stat
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from store_client import Refused, RegisteredWorker, StoreClient, Unauthorized

Administrate = Callable[[str], StoreClient]
"""An experiment as the server's administrator."""


class NoCredential(Unauthorized):
    """There is no credential for an experiment, and nobody to make one."""


class AdminRefused(Unauthorized):
    """The server does not take the admin token that this console was given."""


@dataclass
class Keyring:
    """The file. With an experiment of its own, a bare `worker_id:token` in it is meant for that one."""

    path: Path
    experiment_id: str | None = None
    operator: str = "Operator"
    administrate: Administrate | None = None
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)
    _known: dict[str, str] = field(default_factory=dict)

    def of(self, experiment_id: str) -> "HeldBearer":
        return HeldBearer(self, experiment_id)

    def has(self, experiment_id: str) -> bool:
        """Whether the operator is somebody in an experiment already."""
        return experiment_id in self._known or experiment_id in self.held()

    def held(self) -> dict[str, str]:
        """The credentials in the file, by experiment."""
        try:
            mode, text = self.path.stat().st_mode, self.path.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise Unauthorized(f"cannot read the credentials in {self.path}: {error.strerror}") from error
        if stat.S_IMODE(mode) & 0o077:
            raise Unauthorized(f"others may read {self.path}; run: chmod 600 {self.path}")
        return self._read(text)

    def _read(self, text: str) -> dict[str, str]:
        if not text.startswith("{"):
            return {self.experiment_id: text} if self.experiment_id and ":" in text else {}
        try:
            read = json.loads(text)
        except ValueError as error:
            raise Unauthorized(f"{self.path} is not JSON: {error}") from error
        return {str(key): str(value) for key, value in read.items()}

    def keep(self, experiment_id: str, bearer: str) -> None:
        """Write a credential down; readers see the old file or the new one, and nobody else either."""
        text = json.dumps({**self.held(), experiment_id: bearer}, indent=2) + "\n"
        draft = self.path.with_name(f"{self.path.name}.new")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path)

    async def registered(self, experiment_id: str) -> str:
        """The credential for an experiment; the operator is registered there when there is none."""
        known = self._known.get(experiment_id) or self.held().get(experiment_id)
        if known is None:
            known = await self._minted(experiment_id, lambda store: store.register_worker(name=self.operator))
        self._known[experiment_id] = known
        return known

    async def renewed(self, experiment_id: str, rejected: str) -> bool:
        """Whether there is another credential than the one that the server rejected: in the file, or reissued."""
        self._known.pop(experiment_id, None)
        if self.held().get(experiment_id) != rejected:
            return experiment_id in self.held()
        if self.administrate is None:
            return False
        worker_id = rejected.partition(":")[0]
        try:
            await self._minted(experiment_id, lambda store: store.reissue_credential(worker_id))
        except Refused:
            return False
        return True

    async def _minted(self, experiment_id: str, mint: Callable[[StoreClient], Awaitable[RegisteredWorker]]) -> str:
        """What the administrator had minted, kept; of several that ask at once the first does it for all."""
        if self.administrate is None:
            raise NoCredential(f"no credential for {experiment_id} is in {self.path}")
        before = self.held().get(experiment_id)
        async with self._locks.setdefault(experiment_id, asyncio.Lock()):
            since = self.held().get(experiment_id)
            if since is not None and since != before:
                return since
            try:
                made = await mint(self.administrate(experiment_id))
            except Unauthorized as error:
                raise AdminRefused(error.detail) from error
            bearer = f"{made.worker_id}:{made.registration_token}"
            self.keep(experiment_id, bearer)
            return bearer


@dataclass
class HeldBearer:
    """A credential of the keyring, as clients ask for it."""

    keyring: Keyring
    experiment_id: str

    async def current(self) -> str:
        return await self.keyring.registered(self.experiment_id)

    async def replace(self, rejected: str) -> bool:
        return await self.keyring.renewed(self.experiment_id, rejected)
