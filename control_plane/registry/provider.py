"""The OpenID Connect provider: where it says that everything is, and what it says about who comes from there.

Its answers are kept for an hour; keys are asked for again, once, when none of the known ones signed a token.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from pydantic import Field, ValidationError

from control_plane.registry.provider_http import Away, Declined, NotKnown, Question, ask, is_safe
from control_plane.registry.rules import id_tokens
from control_plane.registry.rules.id_tokens import Claims, Expected, Vouched
from control_plane.registry.rules.relying import Client
from control_plane.registry.rules.trips import Trip
from control_plane.registry.signatures import PublicKey, UnknownKey, Unsigned, claims_of, read_keys
from store_client.errors import Forbidden, InvalidPrecondition
from store_client.wire.record import Record
from store_client.wire.scalars import parse_time

T = TypeVar("T")
logger = logging.getLogger(__name__)
THREADS = 4
KEPT_SECONDS = 3600.0
LONGEST_SECONDS = 15.0
SILENT = "the provider that people sign in with gave no usable answer; try again in a moment, or sign in another way"
STRANGE = "the provider does not take this deployment's own client id and secret; tell an administrator"
NOT_TAKEN = "the provider did not confirm this sign-in; sign in again"


class Discovery(Record):
    """What a provider says about itself (OpenID Connect Discovery, section 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = Field(default=("client_secret_basic",))


@dataclass(frozen=True)
class Known:
    """What the provider said, and until when that is believed."""

    discovery: Discovery
    keys: tuple[PublicKey, ...]
    until: float


class Provider:
    """Asks one provider, on a few threads of its own: while it is silent, nothing else waits."""

    def __init__(self, client: Client, clock: Callable[[], float] = time.monotonic) -> None:
        self.client, self._clock = client, clock
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="provider")
        self._known: Known | None = None

    async def url(self, trip: Trip) -> str:
        """The page of the provider to which a browser goes."""
        return await self._run(lambda: self._url(trip))

    async def vouched(self, code: str, trip: Trip, now: str) -> Vouched:
        """Whom the provider vouches for behind a code; Forbidden when for nobody we take."""
        return await self._run(lambda: self._vouched(code, trip, now))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            asked = asyncio.get_running_loop().run_in_executor(self._threads, work)
            return await asyncio.wait_for(asked, LONGEST_SECONDS)
        except (Away, TimeoutError) as error:
            logger.warning("the OpenID Connect provider: %s", error or "no answer in time")
            raise InvalidPrecondition(SILENT) from error
        except NotKnown as error:
            logger.warning("the OpenID Connect provider: %s", error)
            raise InvalidPrecondition(STRANGE) from error
        except (Declined, Unsigned, UnknownKey) as error:
            logger.warning("the OpenID Connect provider: %s", error)
            raise Forbidden(NOT_TAKEN) from error

    def _url(self, trip: Trip) -> str:
        page = self._ask_about_itself().discovery.authorization_endpoint
        wanted = {
            "response_type": "code",
            "client_id": self.client.client_id,
            "redirect_uri": self.client.redirect_uri,
            "scope": "openid profile email",
            "state": trip.state,
            "nonce": trip.nonce,
            "code_challenge": trip.challenge,
            "code_challenge_method": "S256",
        }
        return f"{page}{'&' if '?' in page else '?'}{urlencode(wanted)}"

    def _vouched(self, code: str, trip: Trip, now: str) -> Vouched:
        known = self._ask_about_itself()
        traded = self._trade(known.discovery, code, trip)
        token = traded.get("id_token")
        if not isinstance(token, str):
            raise Away("it traded the code, and gave no ID token")
        expected = Expected(self.client.issuer, self.client.client_id, trip.nonce, parse_time(now).timestamp())
        claims = self._claims(token, known)
        subject = id_tokens.subject_of(claims, expected)
        return id_tokens.vouched(self.client.issuer, subject, (claims, self._more(known.discovery, traded, claims)))

    def _more(self, discovery: Discovery, traded: Mapping[str, Any], claims: Claims) -> Claims:
        """What the token leaves out: many a provider tells names and addresses at its UserInfo alone (Core, 5.4)."""
        where, access = discovery.userinfo_endpoint, traded.get("access_token")
        is_enough = id_tokens.name_of(claims) is not None and id_tokens.email_of(claims) is not None
        if where is None or not isinstance(access, str) or is_enough:
            return {}
        try:
            told = ask(Question(where, bearer=access))
        except Declined as error:
            logger.warning("the OpenID Connect provider: %s", error)
            return {}
        if told.get("sub") != claims["sub"]:
            raise Declined("its UserInfo is about somebody else")
        return told

    def _claims(self, token: str, known: Known) -> Mapping[str, Any]:
        """What the token says; whatever key signed it may be new, so the provider is asked once more."""
        try:
            return claims_of(token, known.keys)
        except UnknownKey:
            return claims_of(token, self._ask_for_keys(known.discovery).keys)

    def _trade(self, discovery: Discovery, code: str, trip: Trip) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.client.redirect_uri,
            "code_verifier": trip.verifier,
        }
        us = self.client.client_id, self.client.secret
        methods = discovery.token_endpoint_auth_methods_supported
        if "client_secret_basic" not in methods and "client_secret_post" in methods:
            form |= dict(zip(("client_id", "client_secret"), us, strict=True))
            return ask(Question(discovery.token_endpoint, tuple(form.items())))
        return ask(Question(discovery.token_endpoint, tuple(form.items()), us))

    def _ask_about_itself(self) -> Known:
        known = self._known
        if known is not None and self._clock() < known.until:
            return known
        try:
            answer = ask(Question(f"{self.client.issuer.rstrip('/')}/.well-known/openid-configuration"))
            discovery = Discovery.model_validate(answer)
        except (Declined, ValidationError) as error:
            raise Away(f"it does not describe itself: {error}") from error
        if discovery.issuer != self.client.issuer:
            raise Away(f"it calls itself {discovery.issuer[:200]}, not {self.client.issuer}")
        if not is_safe(discovery.authorization_endpoint):
            raise Away("its sign-in page has no https address")
        return self._ask_for_keys(discovery)

    def _ask_for_keys(self, discovery: Discovery) -> Known:
        try:
            keys = read_keys(ask(Question(discovery.jwks_uri)))
        except Declined as error:
            raise Away(f"it does not show its keys: {error}") from error
        self._known = Known(discovery, keys, self._clock() + KEPT_SECONDS)
        return self._known
