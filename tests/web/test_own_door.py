"""Signing in to a console that knows its one operator itself: links that work once, sessions that really end."""

import os
import time
from pathlib import Path

import pytest
from starlette.requests import HTTPConnection
from starlette.responses import Response

import web_ui.app
from store_client import BadRequest, ExperimentDetail, Unauthorized
from tests.web.foreign import Foreign, secret_file, slug
from tests.web.reading import says
from tests.web.world import entered
from web_ui.door import CODE_SECONDS, OwnDoor
from web_ui.envelopes import Envelopes, Token
from web_ui.keyring import Keyring
from web_ui.session import SESSION_SECONDS, Cookies


@pytest.fixture
async def one(foreign: Foreign) -> ExperimentDetail:
    return await foreign.world.experiment()


async def test_a_link_signs_in_once_and_by_its_form_alone(foreign: Foreign, one: ExperimentDetail) -> None:
    console = await foreign.console(admin_token_file=foreign.admin_token(), operator="Olga")
    async with foreign.world.browser(console.serving) as browser:
        link = console.link()
        assert (await browser.get(link)).status_code == 200  # fetching a link, as previews do, spends nothing
        code = link.partition("=")[2]
        assert (await browser.post("/signin", data={"code": code})).status_code == 303
        assert "Olga" in (await browser.get("/")).text
    async with foreign.world.browser(console.serving) as other:
        again = await other.post("/signin", data={"code": code})
        assert again.status_code == 422
        assert "used already" in says(again)
        assert (await other.get("/")).headers["location"].startswith("/signin")


async def test_a_console_that_waits_for_sessions_of_such_a_server_says_how_to_start_it(foreign: Foreign) -> None:
    app = web_ui.app.build(foreign.world.settings, foreign.fence)
    console = await foreign.world.stack.enter_async_context(entered(app))
    async with foreign.world.browser(console) as browser:
        answer = await browser.post("/signin", data={"code": "x"})
    assert answer.status_code == 422
    assert "Start the console with --experiment-id" in says(answer)


async def test_signing_out_ends_the_session_for_whoever_kept_its_cookie(
    foreign: Foreign, one: ExperimentDetail
) -> None:
    console = await foreign.console(admin_token_file=foreign.admin_token())
    browser = await foreign.signed_in(console)
    kept = dict(browser.cookies)
    assert (await browser.post("/signout")).status_code == 303
    async with foreign.world.browser(console.serving) as thief:
        thief.cookies.update(kept)
        assert (await thief.get("/")).headers["location"] == "/signin"
        assert (await thief.get("/signin")).status_code == 200


async def test_no_credential_reaches_the_browser(foreign: Foreign, one: ExperimentDetail) -> None:
    console = await foreign.console(admin_token_file=foreign.admin_token())
    browser = await foreign.signed_in(console)
    page = await browser.get(f"/e/{slug(one)}/admin/workers")
    secrets = [foreign.admin_token().read_text(), *Keyring(console.data / "console-credentials.json").held().values()]
    for secret in secrets:
        assert secret.rpartition(":")[2] not in page.text + str(dict(browser.cookies))


async def test_another_site_can_act_here_as_little_as_before_our_own_server(
    foreign: Foreign, one: ExperimentDetail
) -> None:
    browser = await foreign.signed_in(await foreign.console(admin_token_file=foreign.admin_token()))
    path = f"/e/{slug(one)}/admin/workers/register"
    refused = await browser.post(path, data={"name": "sneaky"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert refused.status_code == 403
    assert not (await foreign.world.store(one.experiment_id).list_workers("sneaky")).workers


async def test_a_code_is_good_for_a_quarter_of_an_hour_and_once(tmp_path: Path) -> None:
    door = OwnDoor(tmp_path)
    old, young = door.mint(), door.mint()
    for file in (tmp_path / "sign-in-codes").iterdir():
        assert file.stat().st_mode & 0o777 == 0o600
        assert young not in file.name
    await door.enter(young)
    (left,) = (tmp_path / "sign-in-codes").iterdir()
    long_ago = time.time() - CODE_SECONDS - 1
    os.utime(left, (long_ago, long_ago))
    for code in (old, young, "", "../sessions"):
        with pytest.raises(BadRequest):
            await door.enter(code)


async def test_a_session_is_forgotten_after_its_time(tmp_path: Path) -> None:
    door = OwnDoor(tmp_path)
    who = await door.enter(door.mint())
    (file,) = (tmp_path / "sessions").iterdir()
    long_ago = time.time() - SESSION_SECONDS - 1
    os.utime(file, (long_ago, long_ago))
    other = await door.enter(door.mint())
    assert not door.is_open(who)
    assert door.is_open(other)


async def test_credentials_that_others_may_read_or_that_are_not_there_are_not_used(tmp_path: Path) -> None:
    file = secret_file(tmp_path / "held.json", '{"exp_1": "wkr_1:x"}')
    assert await Keyring(file).of("exp_1").current() == "wkr_1:x"
    with pytest.raises(Unauthorized, match="no credential for exp_2"):
        await Keyring(file).of("exp_2").current()
    file.chmod(0o644)
    with pytest.raises(Unauthorized, match="chmod 600"):
        await Keyring(file).of("exp_1").current()
    broken = secret_file(tmp_path / "broken.json", "{")
    with pytest.raises(Unauthorized, match="not JSON"):
        Keyring(broken).held()
    assert await Keyring(secret_file(tmp_path / "bare", "wkr_1:x\n"), "exp_1").of("exp_1").current() == "wkr_1:x"


def test_a_token_waits_for_its_page_for_a_moment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    envelopes, token, response = Envelopes(Cookies("key", is_https=False)), Token("wkr_1", "Ada", "wkr_1:x"), Response()
    half = envelopes.put(response, "olga", token)
    (cookie,) = [value for name, value in response.raw_headers if name == b"set-cookie"]
    headers = [(b"cookie", cookie.partition(b";")[0])]
    browser = HTTPConnection({"type": "http", "headers": headers})
    assert b"wkr_1:x" not in cookie
    assert envelopes.take(browser, "bo", half) is None
    assert envelopes.take(browser, "olga", "00" * 7) is None
    assert envelopes.take(browser, "olga", half) == token
    later = time.time() + 301
    monkeypatch.setattr(time, "time", lambda: later)
    assert envelopes.take(browser, "olga", half) is None
