"""The reference of the calls, for people who are signed in."""

import httpx

from store_client import CALLS, openapi_document
from tests.web.reading import page, words
from tests.web.world import World


async def test_the_reference_has_every_call_with_its_gate_parts_answer_and_refusals(
    browser_of_admin: httpx.AsyncClient,
) -> None:
    answer = await browser_of_admin.get("/docs")
    assert answer.status_code == 200
    soup = page(answer)
    assert {str(one["id"]) for one in soup.select("main details[id]")} == {call.name for call in CALLS}
    claim = words(soup.select_one("#claim_task"))
    assert "POST /v0/experiments/{experiment_id}/tasks/{task_id}/claim" in claim
    for said in ("a registered worker", "200 Claim", "expires_at", "optional", "403 worker-not-eligible"):
        assert said in claim, said
    assert soup.select("script:not([src])") == []


async def test_the_operators_menu_leads_to_the_reference(browser_of_admin: httpx.AsyncClient) -> None:
    link = page(await browser_of_admin.get("/")).select_one(".operator a[href='/docs']")
    assert link is not None


async def test_programs_get_the_same_as_openapi(browser_of_admin: httpx.AsyncClient) -> None:
    assert (await browser_of_admin.get("/docs/openapi.json")).json() == openapi_document(CALLS)


async def test_strangers_are_led_to_the_door(world: World) -> None:
    for path in ("/docs", "/docs/openapi.json"):
        answer = await world.browser().get(path)
        assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/signin")
