"""People sign in with an OpenID Connect provider; nobody does whom it did not vouch for, to us, for this sign-in."""

import base64
import hmac
import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import ECKey, RSAKey

from control_plane.registry.rules.trips import Trip
from tests.fakes.provider import CLIENT_ID, SECRET, FakeProvider, make_key, serving
from tests.registry import KEYS
from tests.wire.arrivals import CONSOLE, Arrivals
from tests.wire.people import ADMIN, PASSWORD


@pytest.fixture(scope="module")
def rsa() -> RSAKey | ECKey:
    return make_key("first")


@pytest.fixture
def fake(rsa: RSAKey | ECKey) -> Iterator[FakeProvider]:
    with serving(rsa) as opened:
        yield opened


async def test_who_is_invited_joins_with_the_provider_and_signs_in_with_it_from_then_on(arrivals: Arrivals) -> None:
    people, link = arrivals.people, await arrivals.people.invited("Ada", "administrator")
    joined = await arrivals.sign_in("ada", invitation=link["code"])
    assert (joined.status_code, joined.json()["name"], joined.json()["role"]) == (201, "Ada", "administrator")
    again = await arrivals.sign_in("ada", name="Somebody else")
    assert (again.json()["operator_id"], again.json()["name"]) == (joined.json()["operator_id"], "Ada")
    me = await people.as_person(again.json()["session"])
    account = (await me.get("/api/account")).json()
    assert (account["has_provider"], account["has_password"], account["sign_in_name"]) == (True, False, "ada")
    assert {one["way"] for one in (await me.get("/api/account/sessions")).json()["sessions"]} == {"provider"}
    assert (await arrivals.sign_in("bo", invitation=link["code"])).status_code == 404
    assert [type_ for type_, _ in people.registry.told("") if type_.startswith("operator")] == [
        "operator.invited", "operator.joined", "operator.provider_linked",
    ]  # fmt: skip
    assert arrivals.fake.asked.count("/keys") == 1


async def test_the_browser_is_sent_with_state_nonce_and_challenge_and_back_to_the_console_alone(
    arrivals: Arrivals,
) -> None:
    first, second = [await arrivals.set_out() for _ in range(2)]
    asked = [parse_qs(urlsplit(one["url"]).query) for one in (first, second)]
    assert asked[0]["redirect_uri"] == [CONSOLE + "/signin/provider/callback"]
    for key in ("state", "nonce", "code_challenge"):
        assert asked[0][key] != asked[1][key]
        assert asked[0][key][0] not in first["ticket"]
    assert SECRET not in json.dumps(first)


async def test_nobody_comes_in_uninvited_and_a_link_to_an_account_is_one_persons(arrivals: Arrivals) -> None:
    stranger = await arrivals.sign_in("ada", email="ada@example.org", email_verified=True)
    assert (stranger.status_code, "ask an administrator" in stranger.json()["detail"]) == (403, True)
    await arrivals.joined("Ada", "ada")
    taken = await arrivals.sign_in("ada", invitation=(await arrivals.people.invited("Bo"))["code"])
    assert (taken.status_code, "somebody else" in taken.json()["detail"]) == (409, True)
    assert [one["name"] for one in (await arrivals.people.admin.get("/api/invitations")).json()["invitations"]] == [
        "Bo"
    ]
    assert (await arrivals.people.console.post("/api/sessions/provider/begin")).status_code == 200
    arrivals.people.registry.provider = None
    async with arrivals.people.registry.client(ADMIN) as off, arrivals.people.registry.client() as nobody:
        assert (await off.post("/api/sessions/provider/begin")).status_code == 404
        assert (await nobody.post("/api/sessions/provider/begin")).status_code == 401


async def test_a_reset_link_gives_somebody_the_provider_beside_their_password(arrivals: Arrivals) -> None:
    person = await arrivals.people.joined("Ada")
    reset = (await arrivals.people.admin.post(f"/api/operators/{person['operator_id']}/reset")).json()
    assert (await arrivals.sign_in("ada", invitation=reset["code"])).json()["operator_id"] == person["operator_id"]
    assert (await arrivals.people.sign_in("ada", PASSWORD)).status_code == 201
    assert (await arrivals.people.console.post("/api/exchange", json={"session": person["session"]})).status_code == 401


async def test_who_is_disabled_stays_out_and_a_verified_address_names_a_person_once(open_to_all: Arrivals) -> None:
    ada = await open_to_all.people.joined("Ada")
    path = f"/api/operators/{ada['operator_id']}"
    await open_to_all.people.admin.patch(path, json={"sign_in_name": "ada@example.org"})
    unverified = await open_to_all.sign_in("x", email="ada@example.org", email_verified="true", name="X")
    assert (unverified.json()["role"], unverified.json()["operator_id"] != ada["operator_id"]) == ("viewer", True)
    known = await open_to_all.sign_in("a", email="Ada@Example.org", email_verified=True)
    assert known.json()["operator_id"] == ada["operator_id"]
    other = await open_to_all.sign_in("b", email="ada@example.org", email_verified=True, name="Bo")
    assert (other.json()["operator_id"] != ada["operator_id"], other.json()["name"]) == (True, "Bo")
    assert (await open_to_all.people.admin.post(f"/api/workers/{ada['operator_id']}/disable")).status_code < 300
    out = await open_to_all.sign_in("a", email="ada@example.org", email_verified=True)
    assert (out.status_code, "disabled" in out.json()["detail"]) == (403, True)


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def unsigned(_fake: FakeProvider, claims: dict[str, Any], algorithm: str = "none") -> str:
    parts = {"alg": algorithm, "kid": "first"}, claims
    return ".".join(encoded(json.dumps(part).encode()) for part in parts) + "."


def signed_with_the_public_key(fake: FakeProvider, claims: dict[str, Any]) -> str:
    start = unsigned(fake, claims, "HS256")
    return start + encoded(hmac.digest(fake.keys[0].as_pem(private=False), start[:-1].encode(), "sha256"))


def by_an_unknown_key(fake: FakeProvider, claims: dict[str, Any]) -> str:
    return fake.signed(claims, make_key("second", "ES256"))


def by_another_key_of_the_name(fake: FakeProvider, claims: dict[str, Any]) -> str:
    return fake.signed(claims, make_key("first"))


def changed_afterwards(fake: FakeProvider, claims: dict[str, Any]) -> str:
    head, _, tail = fake.signed(claims).split(".")
    return f"{head}.{unsigned(fake, {**claims, 'sub': 'root'}).split('.')[1]}.{tail}"


def garbage(_fake: FakeProvider, _claims: dict[str, Any]) -> str:
    return "W10.W10.x\u00e9"


LIES: tuple[Callable[[FakeProvider, dict[str, Any]], str], ...] = (
    signed_with_the_public_key, unsigned, by_an_unknown_key, by_another_key_of_the_name, changed_afterwards, garbage,
)  # fmt: skip
OTHERS: tuple[dict[str, Any], ...] = (
    {"iss": "https://other.example"}, {"aud": "another"}, {"aud": None}, {"aud": [CLIENT_ID, "another"]},
    {"aud": [CLIENT_ID, "another"], "azp": "another"}, {"azp": "another"}, {"nonce": "another"}, {"nonce": None},
    {"exp": 1}, {"exp": None}, {"exp": True}, {"exp": 1e300}, {"iat": 9e9}, {"nbf": 9e9}, {"nbf": "x"},
    {"sub": None}, {"sub": 7}, {"sub": "x" * 256}, {"sub": "a\x00b"}, {"iss": ["x"]}, {"nonce": "\u00e9"},
)  # fmt: skip


async def test_a_token_that_is_not_the_providers_for_us_and_now_lets_nobody_in(arrivals: Arrivals) -> None:
    await arrivals.joined()
    for lie in LIES:
        arrivals.fake.sign = lambda claims, lie=lie: lie(arrivals.fake, claims)
        assert (await arrivals.sign_in()).status_code == 403, lie
    arrivals.fake.sign = None
    for claims in OTHERS:
        arrivals.fake.claims = claims
        assert (await arrivals.sign_in()).status_code == 403, claims
    now = time.time()
    for claims in ({"aud": [CLIENT_ID, "another"], "azp": CLIENT_ID}, {"exp": now - 30}, {"iat": now + 30}):
        arrivals.fake.claims = claims
        assert (await arrivals.sign_in()).status_code == 201, claims


async def test_a_new_key_is_asked_for_once(arrivals: Arrivals) -> None:
    await arrivals.joined()
    new = make_key("second", "ES256")
    arrivals.fake.keys = [new]
    assert (await arrivals.sign_in()).status_code == 201
    assert (await arrivals.sign_in()).status_code == 201
    assert arrivals.fake.asked.count("/keys") == 2
    arrivals.fake.keys = [make_key("second", "ES256")]  # another key, of the same name
    assert (await arrivals.sign_in()).status_code == 201


async def test_a_sign_in_is_good_once_and_for_the_browser_that_began_it(arrivals: Arrivals) -> None:
    await arrivals.joined()
    brought, other = await arrivals.brought(), await arrivals.brought()
    assert (await arrivals.send({**brought, "ticket": other["ticket"]})).status_code == 403
    assert (await arrivals.send({**brought, "state": "0" * 64})).status_code == 403
    assert (await arrivals.send({**brought, "issuer": "https://other.example"})).status_code == 403
    assert (await arrivals.send({**other, "issuer": arrivals.fake.issuer})).status_code == 201
    assert (await arrivals.send(other)).status_code == 403
    third, fourth = await arrivals.brought(), await arrivals.brought()
    assert (await arrivals.send({**third, "code": "made-up"})).status_code == 403
    assert (await arrivals.send({**third})).status_code == 403  # its ticket went with the first try
    swapped = {**fourth, "code": (await arrivals.brought())["code"]}
    assert (await arrivals.send(swapped)).status_code == 403  # a code that another browser asked for
    odd = {"code": ""}, {"state": "\u00e9"}, {"ticket": "a\nb"}, {"code": "x" * 5000}, {"ticket": "~" * 4000}
    for bad in odd:
        assert (await arrivals.send({**fourth, **bad})).status_code in {400, 403}, bad
    late = Trip.begin("2020-01-01T00:00:00.000000Z", "x" * 43, KEYS.digest)
    assert (await arrivals.send({**fourth, "ticket": late.ticket, "state": late.state})).status_code == 403


async def test_while_the_provider_is_silent_or_odd_it_is_said_and_nobody_comes_in(arrivals: Arrivals) -> None:
    fake, begin = arrivals.fake, "/api/sessions/provider/begin"
    about = "/.well-known/openid-configuration"
    for odd in (
        {"issuer": "https://other.example"},
        {"authorization_endpoint": "http://example.org/"},
        {"jwks_uri": "file:///etc/passwd"},
        {"token_endpoint": None},
    ):
        fake.about = odd
        assert (await arrivals.people.console.post(begin)).status_code == 409, odd
    fake.about = {}
    for bad in ((500, b""), (200, b"[]"), (200, b"{"), (200, b"x" * 300_000), (302, b"http://127.0.0.1:1/")):
        fake.answers = {about: bad}
        answer = await arrivals.people.console.post(begin)
        assert (answer.status_code, "no usable answer" in answer.json()["detail"]) == (409, True), bad
    fake.answers = {}
    await arrivals.joined()
    for bad in ((503, b""), (200, b"{}"), (200, b'{"id_token": 7}'), (307, b"http://127.0.0.1:1/")):
        fake.answers = {"/token": bad}
        assert (await arrivals.sign_in()).status_code == 409, bad
    fake.answers, fake.about = {}, {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    arrivals.provider._known = None
    assert (await arrivals.sign_in()).status_code == 201
