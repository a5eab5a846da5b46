"""The calls by which people sign in with the OpenID Connect provider, or link it; it is asked between transactions."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from control_plane.db.identities import new_secret
from control_plane.db.transaction import Tx
from control_plane.edge.endpoint import Arguments, Operation, prepare, read_arguments, respond
from control_plane.edge.house import House
from control_plane.registry.operations import guessing, people, vouching
from control_plane.registry.passwords import Passwords
from control_plane.registry.ports import Vouches
from control_plane.registry.rules.id_tokens import Vouched
from control_plane.registry.rules.trips import Trip
from store_client.errors import BadRequest, Forbidden, NotFound
from store_client.wire.accounts import Departure, LinkProvider, OperatorDetail
from store_client.wire.call import Call
from store_client.wire.calls import accounts as a
from store_client.wire.workers import Session

Asked = tuple[Request, Arguments]


@dataclass(frozen=True)
class VouchedEntering:
    """The calls; without a provider they find nothing."""

    house: House
    provider: Vouches | None
    passwords: Passwords

    def routes(self) -> list[Route]:
        acts = (
            (a.SET_OUT_TO_PROVIDER, self._set_out),
            (a.SIGN_IN_WITH_PROVIDER, self._sign_in),
            (a.LINK_PROVIDER, self._link),
        )
        return [self._route(call, act) for call, act in acts]

    def _route(self, call: Call, act: Callable[[Asked, Vouches], Awaitable[Any]]) -> Route:
        async def serve(request: Request) -> Response:
            asked = request, await read_arguments(request, call)
            if self.provider is None:
                await self.house.read(prepare(self.house, call, _find_none, asked))
            return respond(call, await act(asked, _there(self.provider)))

        return Route(call.path, serve, methods=[call.method], name=call.name)

    async def _set_out(self, asked: Asked, provider: Vouches) -> Departure:
        trip = await self.house.read(prepare(self.house, a.SET_OUT_TO_PROVIDER, self._begin, asked))
        return Departure(url=await provider.url(trip), ticket=trip.ticket, expires_at=trip.expires_at)

    def _begin(self, tx: Tx) -> Trip:
        return Trip.begin(tx.now, new_secret(), self.house.keys.digest)

    async def _sign_in(self, asked: Asked, provider: Vouches) -> Session:
        call, keys, client = a.SIGN_IN_WITH_PROVIDER, self.house.keys, provider.client
        arrive = prepare(self.house, call, partial(vouching.arrive, keys=keys), asked)
        body, trip, now = await self.house.write(arrive)
        _must_come_from(body.issuer, client.issuer)
        vouched = await provider.vouched(body.code, trip, now)
        let_in = partial(vouching.let_in, keys=keys, vouched=vouched, welcome=client.welcome)
        session: Session = await self.house.write(prepare(self.house, call, let_in, asked))
        return session

    async def _link(self, asked: Asked, provider: Vouches) -> OperatorDetail:
        """The password first, where there is one: a browser that somebody left open gives away no way in."""
        body, checked = await self._write(asked, self._ask_who)
        if checked is not None and not await self.passwords.is_right(checked, body.current or ""):
            raise Forbidden("this is not your password")
        trip, now = await self._write(asked, self._arrive_to_link)
        _must_come_from(body.issuer, provider.client.issuer)
        vouched = await provider.vouched(body.code, trip, now)
        linked: OperatorDetail = await self._write(asked, partial(self._linked, (checked, vouched)))
        return linked

    async def _write(self, asked: Asked, operation: Operation) -> Any:
        return await self.house.write(prepare(self.house, a.LINK_PROVIDER, operation, asked))

    def _ask_who(self, tx: Tx, body: LinkProvider) -> tuple[LinkProvider, str | None]:
        """Count the try of the password, where there is one."""
        row = people.oneself(tx)
        if row["password"] is not None:
            if body.current is None:
                raise BadRequest("say your password, too")
            guessing.begin(tx, row["sign_in_name"], None, keys=self.house.keys)
        return body, row["password"]

    def _arrive_to_link(self, tx: Tx, body: LinkProvider) -> tuple[Trip, str]:
        return vouching.spend(tx, (body.ticket, body.state), keys=self.house.keys), tx.now

    def _linked(self, found: tuple[str | None, Vouched], tx: Tx, body: LinkProvider) -> OperatorDetail:  # noqa: ARG002 - what it says was used before
        checked, vouched = found
        row = people.oneself(tx)
        if row["password"] != checked:
            raise Forbidden("your password was changed meanwhile")
        if checked is not None:
            guessing.was_right(tx, row["sign_in_name"], None, keys=self.house.keys)
        vouching.link(tx, row["operator_id"], vouched)
        return people.read_oneself(tx)


def _find_none(tx: Tx, **_arguments: Any) -> None:  # noqa: ARG001 - whoever may ask is told, and nobody else
    _there(None)


def _there(provider: Vouches | None) -> Vouches:
    if provider is None:
        raise NotFound("nobody signs in with an OpenID Connect provider here: none is set up")
    return provider


def _must_come_from(said: str | None, issuer: str) -> None:
    if said not in {None, issuer}:
        raise Forbidden("this answer is another provider's; sign in again")
