"""The console sends people to an OpenID Connect provider, and takes them back from there, and from nowhere else."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from control_plane.registry.rules.relying import Client
from store_client import EventQuery, Invite, OperatorDetail
from tests.fakes.provider import CLIENT_ID, SECRET, FakeProvider, make_key, serving
from tests.web.reading import says
from tests.web.world import CONSOLE, World, open_world

CALLBACK = "/signin/provider/callback"


@pytest.fixture
async def vouched(tmp_path: Path, sqlite_url: str) -> AsyncIterator[tuple[World, FakeProvider]]:
    with serving(make_key("first", "ES256")) as fake:
        async with open_world(tmp_path, Client(fake.issuer, CLIENT_ID, SECRET, CONSOLE)) as world:
            yield world, fake


async def link_of(world: World, name: str = "Ada") -> str:
    made = await world.deployment.invite(Invite(name=name, sign_in_name=name.lower()))
    return f"/join?code={made.code}"


async def came_back(browser: httpx.AsyncClient, fake: FakeProvider, path: str, sub: str = "ada") -> httpx.Response:
    """What a browser sees that follows a link to the provider, agrees there, and is back."""
    sent = await browser.get(path)
    assert (sent.status_code, urlsplit(sent.headers["location"]).path) == (303, "/authorize"), says(sent)
    return await browser.get(fake.back(sent.headers["location"], sub))


async def ada(world: World) -> OperatorDetail:
    return next(one for one in await world.deployment.list_operators() if one.name == "Ada")


async def test_somebody_joins_with_the_provider_and_comes_back_to_where_they_were_going(
    vouched: tuple[World, FakeProvider],
) -> None:
    world, fake = vouched
    link = await link_of(world)
    async with world.browser() as browser:
        shown = await browser.get(link)
        assert "Join with Example ID" in says(shown)
        joined = await came_back(browser, fake, f"/signin/provider?{urlsplit(link).query}")
        assert (joined.status_code, joined.headers["location"]) == (303, "/")
        account = says(await browser.get("/account"))
        assert "Signs in with single sign-on" in account
        assert "Ada" in account
    lure = f"/signin/provider?{urlsplit(await link_of(world, 'Mallory')).query}"
    async with world.browser() as browser:  # somebody else's link, on another site
        led = await browser.get(lure, headers={"Sec-Fetch-Site": "cross-site"})
        assert led.headers["location"] == lure.replace("/signin/provider", "/join")
    async with world.browser() as browser:
        asked = await browser.get("/account?tab=1")
        page = await browser.get(asked.headers["location"])
        assert "/signin/provider?next=/account%3Ftab%3D1" in page.text or "next=%2Faccount%3Ftab%3D1" in page.text
        back = await came_back(browser, fake, "/signin/provider?next=/account%3Ftab%3D1")
        assert (back.status_code, back.headers["location"]) == (303, "/account?tab=1")
        assert "_trip" not in str(browser.cookies)
        for elsewhere in ("https://evil.example/", "//evil.example", "/\\evil.example", "/%0d%0aX:y", "/" + "x" * 5000):
            there = await came_back(browser, fake, f"/signin/provider?next={elsewhere}")
            assert (there.status_code, there.headers["location"]) == (303, "/")
        person = await ada(world)
        assert (person.has_provider, person.has_password) == (True, False)
        await world.deployment.disable_deployment_worker(person.operator_id)
        out = await came_back(browser, fake, "/signin/provider")
        assert (out.status_code, "is disabled" in says(out)) == (422, True)


async def test_what_the_provider_or_somebody_else_sends_lets_nobody_in_and_fails_in_plain_words(
    vouched: tuple[World, FakeProvider],
) -> None:
    world, fake = vouched
    link = await link_of(world)
    async with world.browser() as browser, world.browser() as victim:
        stranger = await came_back(browser, fake, "/signin/provider", "stranger")
        assert (stranger.status_code, "ask an administrator" in says(stranger)) == (422, True)
        assert (await came_back(browser, fake, f"/signin/provider?{urlsplit(link).query}")).status_code == 303
        sent = await browser.get("/signin/provider")
        back = fake.back(sent.headers["location"])
        lured = await victim.get(back)  # somebody else's way back, in a browser that never set out
        assert (lured.status_code, "another browser" in says(lured)) == (422, True)
        await victim.get("/signin/provider")
        assert (await victim.get(back)).status_code == 422
        for query in (
            "",
            "?error=access_denied&error_description=<b>",
            "?code=x",
            "?code=%00&state=%0a",
            "?code=%ff&state=1",
        ):
            await victim.get("/signin/provider")
            answer = await victim.get(CALLBACK + query)
            assert (answer.status_code, "<b>" in answer.text and "description" in answer.text) == (422, False), query
        assert (await victim.get("/account")).status_code == 303
        forged = victim.cookies
        victim.cookies = httpx.Cookies({name: value + "x" for name, value in forged.items()})
        assert (await victim.get(back)).status_code == 422
        assert len(await world.deployment.list_sessions((await ada(world)).operator_id)) == 1
        for _ in range(2):  # the second time it is somebody who is in already, and gets nothing new
            assert (await browser.get(back)).headers["location"] == "/"
        assert len(await world.deployment.list_sessions((await ada(world)).operator_id)) == 2


async def test_somebody_who_is_signed_in_links_the_provider_with_their_password_and_unlinks_it(
    vouched: tuple[World, FakeProvider],
) -> None:
    world, fake = vouched
    browser = await world.person("Ada", "operator")
    assert "Link Example ID…" in says(await browser.get("/account"))
    password = {"sign_in_name": "ada", "password": "ten of them words", "again": "ten of them words"}
    assert (await browser.post("/account/password", data=password)).status_code == 303

    async def back_from_there(sub: str = "ada") -> httpx.Response:
        sent = await browser.get("/account/provider/go")
        fake.codes.clear()
        back = fake.back(sent.headers["location"], sub)
        (code,) = fake.codes
        fake.codes[code * 125] = fake.codes.pop(code)  # as long as published providers have them
        assert (await browser.get(back.replace(code, code * 125))).headers["location"] == "/account/provider"
        return await browser.get("/account/provider")

    asked = await back_from_there()
    assert max(len(value) for value in browser.cookies.values()) < 4000
    assert "comes in here as Ada from now on" in says(asked)
    (code,) = fake.codes
    assert code not in asked.text
    assert not (await ada(world)).has_provider
    wrong = await browser.post("/account/provider/link", data={"current": "something else"})
    assert (wrong.status_code, "not your password" in says(wrong)) == (422, True)
    done = await browser.post("/account/provider/link", data={"current": "ten of them words"})
    assert done.headers["location"] == "/account"
    assert "From now on Example ID signs you in here" in says(await browser.get("/account"))
    assert (await ada(world)).has_provider
    async with world.browser() as other:
        assert (await came_back(other, fake, "/signin/provider")).headers["location"] == "/"
    again = await browser.post("/account/provider/link", data={"current": "ten of them words"})
    assert again.headers["location"] == "/account"
    assert "Begin again" in says(await browser.get("/account"))
    assert (await browser.post("/account/provider/unlink")).status_code == 303
    assert "not linked any more" in says(await browser.get("/account"))
    assert not (await ada(world)).has_provider
    found = await world.deployment.find_deployment_events(EventQuery(text="operator.provider"))
    assert [event.type for event in found.events] == ["operator.provider_unlinked", "operator.provider_linked"]


async def test_nobody_is_led_to_link_by_another_site(vouched: tuple[World, FakeProvider]) -> None:
    world, fake = vouched
    browser = await world.person("Ada", "operator")
    for site in ("cross-site", "same-site", "none"):
        led = await browser.get("/account/provider/go", headers={"Sec-Fetch-Site": site})
        assert led.headers["location"] == "/account"
    del browser.headers["sec-fetch-site"]
    for headers, is_led_on in ({}, False), ({"Referer": "https://evil.example/"}, False), ({"Referer": CONSOLE}, True):
        led = await browser.get("/account/provider/go", headers=headers)  # a browser that does not say
        assert led.headers["location"].startswith(fake.issuer) is is_led_on


async def test_what_is_linked_already_or_alone_and_what_was_begun_elsewhere_is_told(
    vouched: tuple[World, FakeProvider],
) -> None:
    world, fake = vouched
    async with world.browser() as first:
        assert (await came_back(first, fake, f"/signin/provider?{urlsplit(await link_of(world)).query}")).is_redirect
        refused = await first.post("/account/provider/unlink")
        assert refused.headers["location"] == "/account"
        assert "Set a password first" in says(await first.get("/account"))
        assert (await ada(world)).has_provider
    bo = await world.person("Bo", "operator")
    sent = await bo.get("/account/provider/go")
    await bo.get(fake.back(sent.headers["location"]))
    await bo.post("/account/provider/link")
    assert "belongs to somebody else here" in says(await bo.get("/account"))
    await bo.get("/account/provider/go")
    await bo.get(f"{CALLBACK}?error=access_denied")
    assert (await bo.get("/account/provider")).headers["location"] == "/account"
    assert "Example ID did not sign you in there" in says(await bo.get("/account"))
    sent = await bo.get("/account/provider/go")
    cy = await world.person("Cy", "operator")
    cy.cookies.update({name: value for name, value in bo.cookies.items() if name.endswith("_link")})
    await cy.get(fake.back(sent.headers["location"], "cy"))
    assert (await cy.get("/account/provider")).headers["location"] == "/account"
    assert "for somebody else" in says(await cy.get("/account"))


async def test_while_the_provider_or_the_control_plane_is_away_the_form_says_so_and_keeps_the_way(
    vouched: tuple[World, FakeProvider],
) -> None:
    world, fake = vouched
    link = await link_of(world)
    async with world.browser() as browser:
        sent = (await browser.get("/signin/provider?next=/queue")).headers["location"]
        fake.answers = {"/token": (500, b"")}
        answer = await browser.get(fake.back(sent))
        assert (answer.status_code, "no usable answer" in says(answer)) == (503, True)
        assert 'name="next" value="/queue"' in answer.text
        sent = (await browser.get(f"/signin/provider?{urlsplit(link).query}")).headers["location"]
        joining = await browser.get(fake.back(sent))
        assert (joining.status_code, "Welcome, Ada" in says(joining)) == (422, True)
        world.line.is_cut = True
        for path in ("/signin/provider", f"/signin/provider?{urlsplit(link).query}"):
            away = await browser.get(path)
            assert (away.status_code, "control plane does not answer" in says(away)) == (503, True)


async def test_without_a_provider_nothing_leads_to_one(world: World) -> None:
    async with world.browser() as browser:
        assert "/signin/provider" not in (await browser.get("/signin")).text
        assert (await browser.get("/signin/provider")).headers["location"] == "/signin"
        assert (await browser.get(CALLBACK + "?code=x&state=y")).status_code == 422
    async with world.browser(await world.another_console(provider="Example ID")) as browser:
        assert "No such provider is set up here" in says(await browser.get("/signin/provider"))
