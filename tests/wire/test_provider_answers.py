"""What published providers say, and how: names at UserInfo, other algorithms, and why they decline."""

from collections.abc import Iterator
from functools import partial

import pytest
from joserfc.jwk import ECKey, RSAKey

from tests.fakes.provider import SECRET, FakeProvider, serving
from tests.wire.arrivals import Arrivals


@pytest.fixture(scope="module")
def rsa() -> RSAKey:
    """A key that says nothing of the algorithm it is for, as many providers show theirs."""
    return RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})


@pytest.fixture
def fake(rsa: RSAKey) -> Iterator[FakeProvider]:
    with serving(rsa) as opened:
        yield opened


async def test_a_provider_may_sign_with_any_public_key_of_the_usual_kinds(arrivals: Arrivals) -> None:
    await arrivals.joined()
    fake, curve = arrivals.fake, ECKey.generate_key("P-384", {"kid": "curve", "use": "sig"})
    fake.keys.append(curve)
    for key, algorithm in ((fake.keys[0], "RS512"), (fake.keys[0], "PS256"), (curve, "ES384")):
        fake.sign = partial(fake.signed, key=key, algorithm=algorithm)
        assert (await arrivals.sign_in()).status_code == 201, algorithm
    fake.sign = partial(fake.signed, key=curve, algorithm="ES384")
    fake.keys.pop()
    arrivals.provider._known = None
    assert (await arrivals.sign_in()).status_code == 403


async def test_what_the_token_leaves_out_is_asked_for_where_the_provider_tells_it(open_to_all: Arrivals) -> None:
    """As most providers do it: a token of the code flow names the subject, and UserInfo the name and the address."""
    fake, ada = open_to_all.fake, await open_to_all.people.joined("Ada")
    path = f"/api/operators/{ada['operator_id']}"
    await open_to_all.people.admin.patch(path, json={"sign_in_name": "ada@example.org"})
    mail = {"email": "ada@example.org", "email_verified": True}
    fake.kept_back = {"sub": "somebody else", "name": "Ada Byron", **mail}
    assert (await open_to_all.sign_in("a")).status_code == 403
    fake.kept_back = {"sub": "a", "name": "Ada Byron", **mail, "iss": "x", "nonce": "x", "exp": 0}
    assert (await open_to_all.sign_in("a")).json()["operator_id"] == ada["operator_id"]
    fake.kept_back = {"sub": "b", "name": "Bo Kay", "email": "ada@example.org", "email_verified": False}
    other = (await open_to_all.sign_in("b", email="bo@example.org", email_verified=True)).json()
    assert (other["operator_id"] != ada["operator_id"], other["name"]) == (True, "Bo Kay")
    fake.answers = {"/me": (403, b"")}  # it does not tell; what the token says has to do
    assert (await open_to_all.sign_in("c")).json()["name"] == "c"
    fake.answers = {"/me": (503, b"")}  # it would have told, so nobody is made from half of it
    assert (await open_to_all.sign_in("d")).status_code == 409
    asked = fake.asked.count("/me")
    assert (await open_to_all.sign_in("e", name="E", email="e@example.org", email_verified=True)).status_code == 201
    assert fake.asked.count("/me") == asked


async def test_a_wrong_secret_is_told_as_one_and_not_as_a_fault_of_whoever_signs_in(
    arrivals: Arrivals, caplog: pytest.LogCaptureFixture
) -> None:
    await arrivals.joined()
    arrivals.fake.secret = "another"
    answer = await arrivals.sign_in()
    assert (answer.status_code, "tell an administrator" in answer.json()["detail"]) == (409, True)
    assert "/token answered 401 invalid_client" in caplog.text
    assert SECRET not in caplog.text + answer.text
    for odd in (b'{"error": 7}', b'{"error": "<b>"}', b"[]", b"\xff", b"x" * 300_000):
        arrivals.fake.answers = {"/token": (400, odd)}
        assert (await arrivals.sign_in()).status_code == 403, odd
    assert "<b>" not in caplog.text
