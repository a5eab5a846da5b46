"""The cookie: signed, one per deployment, forgotten when it is forged or old."""

import json
from unittest import mock

import httpx
import pytest
from itsdangerous import URLSafeTimedSerializer
from starlette.requests import HTTPConnection
from starlette.responses import Response

from tests.web.world import World
from web_ui.session import SESSION_SECONDS, Cookies, SignedIn

ADA = SignedIn("a session's secret", "wkr_1", "Ada", "operator", "exp_1")


def connection(headers: dict[str, str]) -> HTTPConnection:
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    return HTTPConnection({"type": "http", "headers": raw})


def carried(response: Response) -> dict[str, str]:
    """The cookie header that a browser sends after this response."""
    pairs = [value.decode().partition(";")[0] for name, value in response.raw_headers if name == b"set-cookie"]
    return {"Cookie": "; ".join(pairs)}


def kept(cookies: Cookies, who: SignedIn = ADA) -> dict[str, str]:
    response = Response()
    cookies.keep(response, who)
    return carried(response)


def test_a_cookie_comes_back_as_it_was_kept() -> None:
    cookies = Cookies("key", is_https=False)
    assert cookies.read(connection(kept(cookies))) == ADA


def test_two_deployments_on_one_host_do_not_evict_each_other() -> None:
    one, other = Cookies("one", is_https=False), Cookies("other", is_https=False)
    both = {"Cookie": f"{kept(one)['Cookie']}; {kept(other, SignedIn('s', 'wkr_2', 'Bo', 'viewer'))['Cookie']}"}
    found = one.read(connection(both)), other.read(connection(both))
    assert [who.name for who in found if who is not None] == ["Ada", "Bo"]


def test_a_cookie_of_another_key_is_nobodys() -> None:
    name = kept(Cookies("key", is_https=False))["Cookie"].partition("=")[0]
    for value in ("", "x", URLSafeTimedSerializer("another key", salt="session").dumps({"name": "Eve"})):
        assert Cookies("key", is_https=False).read(connection({"Cookie": f"{name}={value}"})) is None


@pytest.mark.parametrize("value", [None, 1, [], "text", {}, {"name": "Ada"}, {"session": "s", "surprise": True}])
def test_a_cookie_of_an_older_shape_is_nobodys(value: object) -> None:
    cookies = Cookies("key", is_https=False)
    name = kept(cookies)["Cookie"].partition("=")[0]
    signed = URLSafeTimedSerializer("key", salt="session").dumps(value)
    assert cookies.read(connection({"Cookie": f"{name}={signed}"})) is None


def test_every_changed_character_of_a_cookie_makes_it_nobodys() -> None:
    cookies = Cookies("key", is_https=False)
    header = kept(cookies)["Cookie"]
    start = header.index("=") + 1
    for place in range(start, len(header), 7):
        other = "a" if header[place] in "ABCDEFGH" else "A"  # beyond the bits that the last character leaves unused
        forged = header[:place] + other + header[place + 1 :]
        assert cookies.read(connection({"Cookie": forged})) is None, place


def test_a_cookie_lives_for_fourteen_days() -> None:
    cookies = Cookies("key", is_https=False)
    with mock.patch("itsdangerous.timed.time.time", return_value=1_000_000.0):
        header = kept(cookies)
    for seconds, is_alive in ((SESSION_SECONDS, True), (SESSION_SECONDS + 1, False)):
        with mock.patch("itsdangerous.timed.time.time", return_value=1_000_000.0 + seconds):
            assert (cookies.read(connection(header)) is not None) is is_alive


def test_values_for_one_purpose_do_not_pass_for_another() -> None:
    cookies = Cookies("key", is_https=False)
    signed = cookies.sign({"session": "s", "operator_id": "w", "name": "Eve", "role": "administrator"})
    name = kept(cookies)["Cookie"].partition("=")[0]
    assert cookies.read(connection({"Cookie": f"{name}={signed}"})) is None
    assert cookies.unsign(signed) is not None
    assert cookies.unsign(signed + "x") is None


def test_a_message_is_for_the_next_page_and_not_for_one_that_only_looks_again() -> None:
    cookies, response = Cookies("key", is_https=False), Response()
    cookies.flash(response, "done", "x" * 10_000)
    header = carried(response)
    assert len(header["Cookie"]) < 4_096
    assert cookies.take_flash(connection({**header, "X-Fragment": "live"})) is None
    assert cookies.take_flash(connection(header)) == ("done", "x" * 600)


async def test_the_cookie_is_kept_from_scripts_and_from_other_sites(world: World) -> None:
    async with world.browser() as browser:
        answer = await browser.post("/signin", data={"code": await world.code()})
    (cookie,) = [one for one in answer.headers.get_list("set-cookie") if "Max-Age=1209600" in one]
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie


async def test_behind_https_the_cookie_travels_over_https_alone(world: World) -> None:
    console = await world.another_console(is_https=True)
    async with world.browser(console) as browser:
        answer = await browser.post("/signin", data={"code": await world.code()})
    assert all("Secure" in one for one in answer.headers.get_list("set-cookie") if "Max-Age=1209600" in one)


async def test_consoles_of_two_deployments_keep_one_browser_signed_in_to_both(world: World) -> None:
    other = await world.another_console(cookie_key="another key")
    first, second = await world.signed_in(), await world.signed_in(console=other)
    jar = httpx.Cookies({**dict(first.cookies), **dict(second.cookies)})
    for console in (None, other):
        async with world.browser(console) as browser:
            browser.cookies = jar
            assert (await browser.get("/")).status_code == 200


async def test_two_consoles_of_one_deployment_share_a_session(world: World) -> None:
    signed_in = await world.signed_in()
    async with world.browser(await world.another_console()) as browser:
        browser.cookies = signed_in.cookies
        assert (await browser.get("/")).status_code == 200


async def test_no_bearer_and_no_console_credential_reaches_the_browser(
    world: World, browser_of_admin: httpx.AsyncClient
) -> None:
    await world.experiment()
    answers = [await browser_of_admin.get(path) for path in ("/", "/e/hello/", "/queue")]
    seen = json.dumps([[str(answer.headers), answer.text] for answer in answers]) + str(dict(browser_of_admin.cookies))
    secrets = {bearer.rpartition(":")[2] for _, bearer in world.line.bearers if bearer}
    assert len(secrets) >= 3
    assert not [secret for secret in secrets if secret in seen]
