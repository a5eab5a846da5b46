"""The calls by which people sign in with the OpenID Connect provider, between whose transactions it is asked."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from control_plane.db.identities import new_secret
from control_plane.db.transaction import Tx
from control_plane.edge.endpoint import Arguments, prepare, read_arguments, respond
from control_plane.edge.house import House
from control_plane.registry.operations import vouching
from control_plane.registry.ports import Vouches
from control_plane.registry.rules.trips import Trip
from store_client.errors import Forbidden, NotFound
from store_client.wire.accounts import Departure, SignInWithProvider
from store_client.wire.call import Call
from store_client.wire.calls import accounts as a
from store_client.wire.workers import Session

Asked = tuple[Request, Arguments]


@dataclass(frozen=True)
class VouchedEntering:
    """Both calls; without a provider they find nothing."""

    house: House
    provider: Vouches | None

    def routes(self) -> list[Route]:
        acts = (a.SET_OUT_TO_PROVIDER, self._set_out), (a.SIGN_IN_WITH_PROVIDER, self._sign_in)
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
        _must_come_from(body, client.issuer)
        vouched = await provider.vouched(body.code, trip, now)
        let_in = partial(vouching.let_in, keys=keys, vouched=vouched, welcome=client.welcome)
        session: Session = await self.house.write(prepare(self.house, call, let_in, asked))
        return session


def _find_none(tx: Tx, **_arguments: Any) -> None:  # noqa: ARG001 - whoever may ask is told, and nobody else
    _there(None)


def _there(provider: Vouches | None) -> Vouches:
    if provider is None:
        raise NotFound("nobody signs in with an OpenID Connect provider here: none is set up")
    return provider


def _must_come_from(body: SignInWithProvider, issuer: str) -> None:
    if body.issuer not in {None, issuer}:
        raise Forbidden("this answer is another provider's; sign in again")
