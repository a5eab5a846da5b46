"""Two consoles behind one name: whichever answers, the session, the forms and the messages are the same."""

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send

from store_client import ExperimentDetail
from tests.web.reading import page, says, words
from tests.web.world import World


class Alternating:
    """One name: every request goes to the other console than the one before."""

    def __init__(self, *consoles: ASGIApp) -> None:
        self.consoles, self.served = consoles, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.served += 1
        await self.consoles[self.served % len(self.consoles)](scope, receive, send)


async def test_session_selection_messages_forms_and_tokens_are_the_same_at_both(
    world: World, hello: ExperimentDetail
) -> None:
    await world.experiment("Second")
    browser = await world.signed_in(console=Alternating(world.console, await world.another_console()))
    for _ in range(2):
        await browser.post("/e/hello/select?next=tasks")
        assert (await browser.get("/variants")).headers["location"] == "/e/hello/variants"
        await browser.get("/e/second/")
    assert (await browser.post("/e/hello/pause")).status_code == 303
    told = await browser.get("/e/hello/")
    assert "Hello is paused" in says(told)
    assert "paused" in words(page(told).select_one("[data-live=switcher-summary]"))
    assert "Hello is paused" not in says(await browser.get("/e/hello/"))
    await browser.post("/e/hello/resume")
    await browser.get("/")  # so that the console which makes the token is not the one that shows it

    async def token_of(name: str) -> str:
        made = await browser.post("/e/hello/admin/workers/register", data={"name": name})
        shown = await browser.get(made.headers["location"])
        assert (shown.status_code, name in says(shown)) == (200, True)
        assert (await browser.get(made.headers["location"])).status_code == 410
        return says(shown)

    assert await token_of("Ada") != await token_of("Bo")
    assert (await browser.post("/signout")).status_code == 303
    for _ in range(2):
        assert (await browser.get("/")).headers["location"].startswith("/signin")


async def test_a_token_is_in_neither_half_and_nobody_elses_page_shows_it(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    made = await browser_of_admin.post("/e/hello/admin/workers/register", data={"name": "Ada"})
    address = made.headers["location"]
    other = await world.person("Bo", "administrator")
    other.cookies.update({name: value for name, value in browser_of_admin.cookies.items() if name.endswith("_once")})
    assert (await other.get(address)).status_code == 410
    for spoilt in (address[:-2], address + "00", address[:-2] + "zz", address.partition("?")[0]):
        assert (await browser_of_admin.get(spoilt)).status_code == 410
    assert (await browser_of_admin.get(address)).status_code == 200
