"""Who lets people in: the control plane's sessions, or a console that knows its one operator itself.

A console's own door keeps a file for each open code and each open session, named by a digest: taking the file away is
what uses a code up or ends a session, for every console on the directory and across restarts.
"""

import hashlib
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from store_client import BadRequest, ControlPlaneClient, Unauthorized
from web_ui.session import SESSION_SECONDS, SignedIn

CODE_SECONDS = 15 * 60


class Door(Protocol):
    """Trades a one-time code for a session, and ends sessions."""

    async def enter(self, code: str) -> SignedIn: ...

    async def leave(self, who: SignedIn) -> None: ...

    async def is_known(self) -> bool:
        """Whether the server knows this console; where it does not, nobody's session means anything."""
        ...

    def is_open(self, who: SignedIn) -> bool:
        """Whether a session goes on, as far as this console knows."""
        ...


@dataclass(frozen=True)
class ServersDoor:
    """Sessions of our own control plane."""

    console: ControlPlaneClient

    async def enter(self, code: str) -> SignedIn:
        session = await self.console.sign_in(code)
        return SignedIn(session.session, session.operator_id, session.name, session.role)

    async def leave(self, who: SignedIn) -> None:
        await self.console.end_session(who.session)

    async def is_known(self) -> bool:
        try:
            await self.console.deployment_whoami()
        except Unauthorized:
            return False
        return True

    def is_open(self, who: SignedIn) -> bool:  # noqa: ARG002 - the server says so when it is asked
        return True


@dataclass(frozen=True)
class OwnDoor:
    """The door of a console with an operator of its own: links it made, sessions it gave."""

    data: Path
    operator: str = "Operator"
    role: str = "operator"

    def mint(self) -> str:
        """A code that signs the operator in, once, within a quarter of an hour."""
        code = secrets.token_urlsafe(24)
        self._keep("sign-in-codes", code)
        return code

    async def enter(self, code: str) -> SignedIn:
        if not self._take("sign-in-codes", code, CODE_SECONDS):
            raise BadRequest("the code is not known, or was used")
        session = secrets.token_urlsafe(24)
        self._keep("sessions", session)
        return SignedIn(session, "", self.operator, self.role)

    async def leave(self, who: SignedIn) -> None:
        self._file("sessions", who.session).unlink(missing_ok=True)

    async def is_known(self) -> bool:
        return True

    def is_open(self, who: SignedIn) -> bool:
        return self._file("sessions", who.session).exists()

    def _keep(self, folder: str, secret: str) -> None:
        """Open something, and forget what was left open for too long."""
        place = self.data / folder
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        for old in place.iterdir():
            with suppress(FileNotFoundError):
                if _age(old) > SESSION_SECONDS:
                    old.unlink()
        self._file(folder, secret).touch(mode=0o600)

    def _take(self, folder: str, secret: str, seconds: float) -> bool:
        """Whether it was there and young enough; it is gone afterwards, and of two takers one finds it."""
        file = self._file(folder, secret)
        try:
            age = _age(file)
            file.unlink()
        except FileNotFoundError:
            return False
        return age <= seconds

    def _file(self, folder: str, secret: str) -> Path:
        return self.data / folder / hashlib.sha256(secret.encode()).hexdigest()


def _age(file: Path) -> float:
    return time.time() - file.stat().st_mtime
