"""Signing in with a one-time link, and out again."""

import httpx
import pytest

from store_client import ExperimentDetail
from tests.web.reading import page, says
from tests.web.world import World


async def test_opening_a_link_spends_nothing_and_sending_its_form_signs_in(world: World) -> None:
    code = await world.code()
    async with world.browser() as browser:
        for _ in range(2):
            answer = await browser.get("/signin", params={"code": code})
            field = page(answer).find("input", id="code")
            assert field is not None
            assert field["value"] == code
        assert (await browser.post("/signin", data={"code": code})).headers["location"] == "/"
        assert (await browser.get("/")).status_code == 200


async def test_a_whole_link_may_be_pasted(world: World) -> None:
    async with world.browser() as browser:
        answer = await browser.post("/signin", data={"code": f" {await world.code()}\n"})
        assert answer.status_code == 303
    async with world.browser() as browser:
        answer = await browser.post("/signin", data={"code": f"http://console/signin?code={await world.code()}"})
        assert answer.status_code == 303


async def test_a_used_code_says_how_to_get_another(world: World) -> None:
    code = await world.code()
    await world.signed_in(code)
    async with world.browser() as browser:
        answer = await browser.post("/signin", data={"code": code})
        assert answer.status_code == 422
        assert "used already or is too old" in says(answer)
        assert "switchyard signin" in says(answer)
        assert not answer.cookies


@pytest.mark.parametrize("code", ["", " ", "\x00", "wrong", "é" * 5000])
async def test_a_code_that_is_none_gives_the_form_again(world: World, code: str) -> None:
    async with world.browser() as browser:
        answer = await browser.post("/signin", data={"code": code, "next": "/queue"})
        assert answer.status_code == 422
        hidden = page(answer).find("input", attrs={"name": "next"})
        assert hidden is not None
        assert hidden["value"] == "/queue"


async def test_after_signing_in_one_is_back_where_one_wanted_to_be(world: World, hello: ExperimentDetail) -> None:
    async with world.browser() as browser:
        asked = await browser.get("/e/hello/variants?order=best")
        assert asked.status_code == 303
        form = page(await browser.get(asked.headers["location"]))
        hidden = form.find("input", attrs={"name": "next"})
        assert hidden is not None
        answer = await browser.post("/signin", data={"code": await world.code(), "next": hidden["value"]})
        assert answer.headers["location"] == "/e/hello/variants?order=best"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "javascript:alert(1)",
        "http://[",
        "evil.example",
        "",
    ],
)
async def test_next_leads_nowhere_else(world: World, elsewhere: str) -> None:
    async with world.browser() as browser:
        answer = await browser.post("/signin", data={"code": await world.code(), "next": elsewhere})
        assert answer.headers["location"] == "/"
        again = await browser.get("/signin", params={"next": elsewhere})
        assert again.headers["location"] == "/"


async def test_signing_out_ends_the_session_on_the_server(world: World, browser_of_admin: httpx.AsyncClient) -> None:
    stolen = dict(browser_of_admin.cookies)
    answer = await browser_of_admin.post("/signout")
    assert answer.headers["location"] == "/signin"
    assert "You are signed out" in says(await browser_of_admin.get("/signin"))
    assert (await browser_of_admin.get("/")).status_code == 303
    async with world.browser() as thief:
        thief.cookies.update(stolen)
        assert (await thief.get("/")).headers["location"] == "/signin"


async def test_signing_out_works_in_the_browser_while_the_control_plane_is_away(
    world: World, browser_of_admin: httpx.AsyncClient
) -> None:
    world.line.is_cut = True
    await browser_of_admin.post("/signout")
    assert "the control plane did not answer" in says(await browser_of_admin.get("/signin")).lower()
    assert (await browser_of_admin.get("/")).status_code == 303


async def test_a_session_that_ended_elsewhere_leads_to_the_sign_in_page_once_and_says_so(
    world: World, browser_of_admin: httpx.AsyncClient
) -> None:
    await world.end_sessions()
    answer = await browser_of_admin.get("/queue?state=failed")
    assert answer.status_code == 303
    page_shown = await browser_of_admin.get(answer.headers["location"])
    assert page_shown.status_code == 200
    assert "Your session has ended" in says(page_shown)
    signed_in = await browser_of_admin.post("/signin", data={"code": await world.code(), "next": "/queue?state=failed"})
    assert signed_in.headers["location"] == "/queue?state=failed"


async def test_while_the_control_plane_is_away_nobody_can_sign_in_and_no_code_is_lost(world: World) -> None:
    code = await world.code()
    async with world.browser() as browser:
        world.line.is_cut = True
        answer = await browser.post("/signin", data={"code": code})
        assert answer.status_code == 503
        assert "does not answer" in says(answer)
        field = page(answer).find("input", id="code")
        assert field is not None
        assert field["value"] == code
        world.line.is_cut = False
        assert (await browser.post("/signin", data={"code": code})).status_code == 303


async def test_a_console_that_the_control_plane_does_not_know_says_so_and_signs_nobody_out(
    world: World, browser_of_admin: httpx.AsyncClient
) -> None:
    path = world.settings.credential_file
    known = path.read_text()
    path.write_text("wkr_0:wrong\n")
    other = await world.another_console()
    async with world.browser(other) as browser:
        answer = await browser.post("/signin", data={"code": await world.code()})
        assert answer.status_code == 502
        assert "does not know this console" in says(answer)
        browser.cookies.update(browser_of_admin.cookies)
        answer = await browser.get("/")
        assert answer.status_code == 502
        assert "set-cookie" not in answer.headers
        path.write_text(known)
        assert (await browser.get("/")).status_code == 200


async def test_a_new_credential_of_the_console_is_taken_up_without_a_restart(
    world: World, browser_of_admin: httpx.AsyncClient
) -> None:
    console_id = world.parts.identities.console
    made = await world.deployment.reissue_deployment_credential(console_id)
    world.settings.credential_file.write_text(f"{console_id}:{made.registration_token}\n")
    assert (await browser_of_admin.get("/")).status_code == 200
    assert (await (await world.signed_in()).get("/")).status_code == 200
