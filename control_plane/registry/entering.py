"""Passwords in use: counted first, then hashed or checked on threads of their own, then written down.

The answer is the same, and takes as long, for an account that does not exist, has no password or is disabled: nobody
learns who has an account here.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import RowMapping
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from control_plane.db.transaction import Tx
from control_plane.edge.endpoint import Operation, prepare, read_arguments, respond
from control_plane.edge.house import House
from control_plane.registry.operations import granting, guessing, invitations, people, sessions
from control_plane.registry.operations.sessions import Entrance
from control_plane.registry.passwords import Passwords
from control_plane.registry.rules import sign_in_names
from store_client.errors import BadRequest, Forbidden
from store_client.wire.accounts import AcceptInvitation, ChangePassword, LookAtInvitation, SignInWithPassword
from store_client.wire.call import Call
from store_client.wire.calls import accounts as a
from store_client.wire.workers import Session

Write = Callable[[Operation], Awaitable[Any]]
"""Runs an operation of the request in a transaction of its own, which admits the caller anew."""
WRONG = "the name or the password is wrong"


@dataclass(frozen=True)
class Entering:
    """The calls that need a hash between two transactions."""

    house: House
    passwords: Passwords

    def routes(self) -> list[Route]:
        acts = (
            (a.SIGN_IN_WITH_PASSWORD, self._sign_in),
            (a.ACCEPT_INVITATION, self._accept),
            (a.CHANGE_PASSWORD, self._change),
        )
        return [self._route(call, act) for call, act in acts]

    def _route(self, call: Call, act: Callable[[Write], Awaitable[Any]]) -> Route:
        async def serve(request: Request) -> Response:
            asked = request, await read_arguments(request, call)

            async def write(operation: Operation) -> Any:
                return await self.house.write(prepare(self.house, call, operation, asked))

            return respond(call, await act(write))

        return Route(call.path, serve, methods=[call.method], name=call.name)

    async def _sign_in(self, write: Write) -> Session:
        tried, stored = await write(self._count)
        if not await self.passwords.is_right(stored, tried.password):
            raise Forbidden(WRONG)
        fresh = await self.passwords.hash(tried.password) if self.passwords.needs_rehash(stored) else stored
        session: Session = await write(partial(self._enter, (stored, fresh)))
        return session

    def _count(self, tx: Tx, body: SignInWithPassword) -> tuple[SignInWithPassword, str | None]:
        """Count the try, and find the hash that it is checked against."""
        account = sign_in_names.normalise(body.sign_in_name)
        guessing.begin(tx, account, body.address, keys=self.house.keys)
        row = people.find_by_sign_in_name(tx, account)
        return body, None if row is None or row["disabled_at"] is not None else row["password"]

    def _enter(self, hashes: tuple[str, str], tx: Tx, body: SignInWithPassword) -> Session:
        """Begin a session, unless the password was changed meanwhile."""
        checked, fresh = hashes
        account = sign_in_names.normalise(body.sign_in_name)
        row = people.find_by_sign_in_name(tx, account)
        if row is None or row["disabled_at"] is not None or row["password"] != checked:
            raise Forbidden(WRONG)
        guessing.was_right(tx, account, body.address, keys=self.house.keys)
        if fresh != checked:
            invitations.store_hash(tx, row["operator_id"], fresh)
        return sessions.begin(tx, row, Entrance("password", body.browser), self.house.keys)

    async def _accept(self, write: Write) -> Session:
        password = await write(self._look)
        hashed = await self.passwords.hash(password)
        session: Session = await write(partial(invitations.accept, keys=self.house.keys, password=hashed))
        return session

    def _look(self, tx: Tx, body: AcceptInvitation) -> str:
        """The password that was chosen behind a link that is good."""
        invitations.look(tx, LookAtInvitation(code=body.code), keys=self.house.keys)
        return body.password

    async def _change(self, write: Write) -> None:
        body, row = await write(self._ask_for_current)
        if row["password"] is not None and not await self.passwords.is_right(row["password"], body.current):
            raise Forbidden("this is not your current password")
        hashed = await self.passwords.hash(body.password)
        await write(partial(self._store, (row["password"], hashed)))

    def _ask_for_current(self, tx: Tx, body: ChangePassword) -> tuple[ChangePassword, RowMapping]:
        """Count the try of the current password, where there is one."""
        row = people.oneself(tx)
        if row["sign_in_name"] is None and body.sign_in_name is None:
            raise BadRequest("choose a sign-in name, too")
        if row["password"] is not None:
            if body.current is None:
                raise BadRequest("say the current password, too")
            guessing.begin(tx, row["sign_in_name"], None, keys=self.house.keys)
        return body, row

    def _store(self, hashes: tuple[str | None, str], tx: Tx, body: ChangePassword) -> None:
        """Store the new password, and sign out everywhere else."""
        checked, hashed = hashes
        row = people.oneself(tx)
        if row["password"] != checked:
            raise Forbidden("your password was changed meanwhile")
        if body.sign_in_name is not None:
            granting.set_sign_in_name(tx, row["operator_id"], body.sign_in_name)
        if checked is not None:
            guessing.was_right(tx, row["sign_in_name"], None, keys=self.house.keys)
        invitations.set_password(tx, row["operator_id"], hashed)
        sessions.end_others_of(tx, row["operator_id"], tx.caller.session_digest)
