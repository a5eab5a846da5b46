"""Who lets people in: the control plane's sessions, or a console that knows its one operator itself.

A console's own door keeps a file for each open code and each open session, named by a digest: taking the file away is
what uses a code up or ends a session, for every console on the directory and across restarts.
"""
# ruff: noqa: ARG002 - a console with one operator of its own makes no difference between visitors

import hashlib
import secrets
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from store_client import (
    AcceptInvitation,
    BadRequest,
    ControlPlaneClient,
    Departure,
    Invitation,
    NotOffered,
    Session,
    SignInWithPassword,
    SignInWithProvider,
    Unauthorized,
)
from web_ui.session import SESSION_SECONDS, SignedIn

CODE_SECONDS = 15 * 60
NO_PASSWORDS = "this console signs its one operator in by links alone"


@dataclass(frozen=True)
class Visitor:
    """Where somebody stands who wants to come in: their browser, and its address."""

    browser: str = ""
    address: str | None = None


@dataclass(frozen=True)
class Brought:
    """What a browser brings back from the provider, and what it set out with."""

    code: str
    state: str
    ticket: str
    issuer: str | None = None
    invitation: str | None = None


class Door(Protocol):
    """Trades what lets a person in for a session, and ends sessions."""

    @property
    def takes_passwords(self) -> bool: ...

    async def enter(self, code: str, visitor: Visitor) -> SignedIn:
        """In with a one-time code."""
        ...

    async def enter_with_password(self, name: str, password: str, visitor: Visitor) -> SignedIn: ...

    @property
    def provider(self) -> str:
        """What people call the OpenID Connect provider that vouches for them; empty where none does."""
        ...

    async def set_out(self) -> Departure:
        """Where a browser goes to be vouched for."""
        ...

    async def enter_from_provider(self, brought: Brought, visitor: Visitor) -> SignedIn: ...

    async def look_at_invitation(self, code: str) -> Invitation: ...

    async def join(self, code: str, password: str, visitor: Visitor) -> SignedIn:
        """In with an invitation and the password that was chosen behind it."""
        ...

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
    provider: str = ""
    takes_passwords: bool = True

    async def enter(self, code: str, visitor: Visitor) -> SignedIn:
        return _signed_in(await self.console.sign_in(code, visitor.browser))

    async def enter_with_password(self, name: str, password: str, visitor: Visitor) -> SignedIn:
        body = SignInWithPassword(
            sign_in_name=name, password=password, browser=visitor.browser, address=visitor.address
        )
        return _signed_in(await self.console.sign_in_with_password(body))

    async def set_out(self) -> Departure:
        return await self.console.set_out_to_provider()

    async def enter_from_provider(self, brought: Brought, visitor: Visitor) -> SignedIn:
        told = {key: value for key, value in asdict(brought).items() if value}
        body = SignInWithProvider.model_validate({**told, "browser": visitor.browser})
        return _signed_in(await self.console.sign_in_with_provider(body))

    async def look_at_invitation(self, code: str) -> Invitation:
        return await self.console.look_at_invitation(code)

    async def join(self, code: str, password: str, visitor: Visitor) -> SignedIn:
        body = AcceptInvitation(code=code, password=password, browser=visitor.browser)
        return _signed_in(await self.console.accept_invitation(body))

    async def leave(self, who: SignedIn) -> None:
        await self.console.end_session(who.session)

    async def is_known(self) -> bool:
        try:
            await self.console.deployment_whoami()
        except Unauthorized:
            return False
        return True

    def is_open(self, who: SignedIn) -> bool:
        return True


def _signed_in(session: Session) -> SignedIn:
    return SignedIn(session.session, session.operator_id, session.name, session.role)


@dataclass(frozen=True)
class OwnDoor:
    """The door of a console with an operator of its own: links it made, sessions it gave."""

    data: Path
    operator: str = "Operator"
    role: str = "operator"
    takes_passwords: bool = False
    provider: str = ""

    def mint(self) -> str:
        """A code that signs the operator in, once, within a quarter of an hour."""
        code = secrets.token_urlsafe(24)
        self._keep("sign-in-codes", code)
        return code

    async def enter(self, code: str, visitor: Visitor | None = None) -> SignedIn:
        if not self._take("sign-in-codes", code, CODE_SECONDS):
            raise BadRequest("the code is not known, or was used")
        session = secrets.token_urlsafe(24)
        self._keep("sessions", session)
        return SignedIn(session, "", self.operator, self.role)

    async def enter_with_password(self, name: str, password: str, visitor: Visitor) -> SignedIn:
        raise NotOffered(NO_PASSWORDS)

    async def set_out(self) -> Departure:
        raise NotOffered(NO_PASSWORDS)

    async def enter_from_provider(self, brought: Brought, visitor: Visitor) -> SignedIn:
        raise NotOffered(NO_PASSWORDS)

    async def look_at_invitation(self, code: str) -> Invitation:
        raise NotOffered(NO_PASSWORDS)

    async def join(self, code: str, password: str, visitor: Visitor) -> SignedIn:
        raise NotOffered(NO_PASSWORDS)

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
