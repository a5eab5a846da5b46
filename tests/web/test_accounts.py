"""Signing in with a password, joining by a link, one's own account, and the operators' pages."""

import asyncio
import re

import httpx
import pytest
from sqlalchemy import update

from control_plane.registry.tables import guesses
from store_client import ExperimentDetail
from tests.web.reading import page, says
from tests.web.world import World

PASSWORD = "correct horse battery"
CHOSEN = {"password": PASSWORD, "again": PASSWORD}


async def invited(browser: httpx.AsyncClient, name: str, role: str = "operator", **more: str) -> str:
    """The path of the link that an administrator gets for somebody new."""
    form = {"name": name, "sign_in_name": name.lower(), "role": role, **more}
    answer = await browser.post("/admin/operators/invite", data=form)
    assert answer.status_code == 200, says(answer)
    assert answer.headers["cache-control"] == "no-store"
    found = re.search(r"http://console(/join\?code=[\w-]+)", answer.text)
    assert found is not None
    return found[1]


async def joined(world: World, link: str) -> httpx.AsyncClient:
    """The browser of somebody who used a link."""
    browser = await world.stack.enter_async_context(world.browser())
    assert "Choose a password" in says(await browser.get(link))
    answer = await browser.post("/join", data={"code": link.partition("=")[2], **CHOSEN})
    assert answer.status_code == 303, says(answer)
    return browser


async def shows(browser: httpx.AsyncClient, path: str, words: str, *, is_there: bool = True) -> None:
    """Look until a page has words, or has them no more: the console hears of a changed role by its stream."""
    async with asyncio.timeout(60):
        while (words in says(await browser.get(path))) is not is_there:  # noqa: ASYNC110 - a page tells no event
            await asyncio.sleep(0.02)


async def test_somebody_is_invited_joins_and_signs_in_where_they_were_going(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    link = await invited(browser_of_admin, "Ada", experiment_id=hello.experiment_id, experiment_role="administrator")
    assert "Links that are out" in says(await browser_of_admin.get("/admin/operators"))
    async with world.browser() as preview:
        for _ in range(2):
            shown = await preview.get(link)
            assert "Welcome, Ada" in says(shown)
        for form, words in (
            ({"password": "short", "again": "short"}, "at least 10 characters"),
            ({"password": PASSWORD, "again": "another one"}, "not the same"),
        ):
            answer = await preview.post("/join", data={"code": link.partition("=")[2], **form})
            assert (answer.status_code, words in says(answer)) == (422, True)
            assert PASSWORD not in answer.text
    ada = await joined(world, link)
    assert (await ada.get("/")).status_code == 200
    async with world.browser() as other:
        other.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"
        assert (await other.get(link)).status_code == 410
        wanted = await other.get("/e/hello/variants?order=best")
        hidden = page(await other.get(wanted.headers["location"])).find("input", attrs={"name": "next"})
        assert hidden is not None
        form = {"name": "ADA", "password": "wrong", "next": str(hidden["value"])}
        wrong = await other.post("/signin/password", data=form)
        assert (wrong.status_code, "name or the password is wrong" in says(wrong)) == (422, True)
        assert 'value="ADA"' in wrong.text
        answer = await other.post("/signin/password", data={**form, "password": PASSWORD})
        assert (answer.status_code, answer.headers["location"]) == (303, "/e/hello/variants?order=best")
        mine = says(await other.get("/account"))
        assert "Firefox on Linux" in mine
        assert "this one" in mine
        assert "administrator" in mine


async def test_a_password_leads_nowhere_else_either(world: World, browser_of_admin: httpx.AsyncClient) -> None:
    await browser_of_admin.post("/account/password", data={**CHOSEN, "sign_in_name": "root"})
    for elsewhere in ("https://evil.example/", "//evil.example/", "/\\evil.example", "/\r\nX: y"):
        async with world.browser() as browser:
            form = {"name": "root", "password": PASSWORD, "next": elsewhere}
            answer = await browser.post("/signin/password", data=form)
            assert (answer.status_code, answer.headers["location"]) == (303, "/")
            assert "x" not in answer.headers


async def test_the_first_administrator_sets_a_password_and_changes_it(
    world: World, browser_of_admin: httpx.AsyncClient
) -> None:
    assert "Set a password" in says(await browser_of_admin.get("/account"))
    other = await world.signed_in()
    for form, words in (
        ({**CHOSEN, "sign_in_name": "a b"}, "e-mail address or a short name"),
        ({"password": "short", "again": "short"}, "at least 10"),
    ):
        answer = await browser_of_admin.post("/account/password", data=form)
        assert (answer.status_code, words in says(answer)) == (422, True)
    assert (
        await browser_of_admin.post("/account/password", data={**CHOSEN, "sign_in_name": "root"})
    ).status_code == 303
    assert (await other.get("/queue")).status_code == 303
    assert "Change your password" in says(await browser_of_admin.get("/account"))
    refused = await browser_of_admin.post("/account/password", data={**CHOSEN, "current": "wrong"})
    assert (refused.status_code, "not your current password" in says(refused)) == (422, True)
    async with world.browser() as browser:
        answer = await browser.post("/signin/password", data={"name": "root", "password": "wrong"})
        assert answer.status_code == 422
        await world.parts.house.write(lambda tx: tx.connection.execute(update(guesses).values(attempts=100)))
        answer = await browser.post("/signin/password", data={"name": "root", "password": PASSWORD})
        assert (answer.status_code, "too many passwords" in says(answer).lower()) == (429, True)


async def test_sessions_end_one_by_one_and_everywhere_and_every_console_sees_it(
    world: World, browser_of_admin: httpx.AsyncClient
) -> None:
    first, second = await world.signed_in(), await world.signed_in()
    elsewhere = await world.another_console()
    async with world.browser(elsewhere) as there:
        there.cookies = first.cookies
        assert (await there.get("/docs")).status_code == 200
        ends = re.findall(r"/account/sessions/\w+/end", (await browser_of_admin.get("/account")).text)
        own = await world.deployment.list_sessions(world.parts.identities.administrator)
        assert (len(ends), len(own)) == (2, 3)
        for path in ends:
            assert (await browser_of_admin.post(path)).headers["location"] == "/account"
        for browser in (first, second, there):
            assert (await browser.get("/queue")).headers["location"].startswith("/signin")
    assert (await browser_of_admin.get("/queue")).status_code == 200
    answer = await browser_of_admin.post("/account/sessions/end")
    assert answer.headers["location"] == "/signin"
    assert "signed out everywhere" in says(await browser_of_admin.get("/signin"))


async def test_an_administrator_changes_what_somebody_may_do_and_open_browsers_know_at_once(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    ada = await joined(world, await invited(browser_of_admin, "Ada", "member"))
    (person,) = [one for one in await world.deployment.list_operators() if one.name == "Ada"]
    path = f"/admin/operators/{person.operator_id}"
    home = says(await ada.get("/"))
    assert "Hello" not in home
    assert "Queue" not in home
    assert (await ada.get("/e/hello/")).status_code == 404
    assert (await ada.get("/queue")).status_code == 403
    form = {"experiment_id": hello.experiment_id, "role": "administrator"}
    assert (await browser_of_admin.post(f"{path}/grant", data=form)).status_code == 303
    await shows(ada, "/e/hello/", "Pause")
    assert (await ada.post("/e/hello/pause")).status_code == 303
    assert (await world.store(hello.experiment_id).read_experiment_detail()).status == "paused"
    await browser_of_admin.post(f"{path}/grant", data={**form, "role": "viewer"})
    await shows(ada, "/e/hello/", "Resume", is_there=False)
    assert (await ada.post("/e/hello/resume")).status_code == 403
    await browser_of_admin.post(f"{path}/withdraw", data=form)
    await browser_of_admin.post(f"{path}/change", data={"name": "Ada L", "role": "administrator"})
    await shows(ada, "/admin/operators", "Ada L")
    refused = await ada.post(f"{path}/change", data={"role": "viewer"})
    assert (refused.status_code, "their own role" in says(refused)) == (422, True)
    assert (await browser_of_admin.post(f"{path}/disable")).status_code == 303
    async with asyncio.timeout(60):
        while (answer := await ada.get("/docs")).status_code == 200:  # noqa: ASYNC110 - it asks nobody anything
            await asyncio.sleep(0.02)
    assert answer.headers["location"].startswith("/signin")
    assert "disabled" in says(await browser_of_admin.get(path)).lower()


async def test_a_reset_link_sets_a_new_password_and_a_revoked_one_nothing(
    world: World, browser_of_admin: httpx.AsyncClient
) -> None:
    ada = await joined(world, await invited(browser_of_admin, "Ada"))
    (person,) = [one for one in await world.deployment.list_operators() if one.name == "Ada"]
    answer = await browser_of_admin.post(f"/admin/operators/{person.operator_id}/reset")
    found = re.search(r"/join\?code=[\w-]+", answer.text)
    assert found is not None
    assert "new password for Ada" in says(await ada.get(found[0]))
    links = await browser_of_admin.get("/admin/operators")
    revoke = re.search(r"/admin/invitations/\w+/revoke", links.text)
    assert revoke is not None
    assert found[0] not in links.text
    assert (await browser_of_admin.post(revoke[0])).status_code == 303
    gone = await ada.get(found[0])
    assert (gone.status_code, "no longer works" in says(gone)) == (410, True)
    assert (await browser_of_admin.post(revoke[0])).status_code == 404


async def test_while_the_control_plane_is_away_the_doors_say_so(world: World) -> None:
    world.line.is_cut = True
    async with world.browser() as browser:
        answer = await browser.post("/signin/password", data={"name": "root", "password": PASSWORD})
        assert (answer.status_code, "does not answer" in says(answer)) == (503, True)
        answer = await browser.get("/join?code=x")
        assert (answer.status_code, "does not answer" in says(answer)) == (503, True)


@pytest.mark.parametrize("code", ["", "x", "\x00", "é" * 300, "<script>"])
async def test_a_link_that_is_none_is_told_so_plainly(world: World, code: str) -> None:
    async with world.browser() as browser:
        answer = await browser.get("/join", params={"code": code})
        assert (answer.status_code, "no longer works" in says(answer)) == (410, True)
        assert "<script>" not in answer.text
        again = await browser.post("/join", data={"code": code, **CHOSEN})
        assert again.status_code == 410
