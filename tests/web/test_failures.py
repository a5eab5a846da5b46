"""Errors as pages: what happened, who said so, what to do, and a way out."""

import httpx
import pytest

import store_client
from store_client import (
    ExperimentDetail,
    IllegalTransition,
    InvalidName,
    ProtocolBroken,
    SwitchyardError,
    Unauthorized,
    Unavailable,
    WrongClaimant,
)
from tests.web.reading import page, part, says, words
from tests.web.world import World
from web_ui.failure_words import TABLE
from web_ui.failures import sentence


async def test_an_unknown_page_says_so_and_leads_home(world: World, browser_of_admin: httpx.AsyncClient) -> None:
    answer = await browser_of_admin.get("/no/such/page")
    assert answer.status_code == 404
    assert "There is no such page" in says(answer)
    assert answer.headers["x-request-id"] in says(answer)
    assert page(answer).select_one("main a[href='/']") is not None
    assert page(answer).select_one(".operator form") is not None


async def test_an_unknown_experiment_offers_those_that_there_are(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    for path in ("/e/hallo/", "/e/exp_00000000000000000000000000/tasks", "/e/%00/", "/e/" + "x" * 5000 + "/"):
        answer = await browser_of_admin.get(path)
        assert answer.status_code == 404
        assert "There is no such experiment" in says(answer)
        assert "Hello" in words(part(answer, "switcher"))


async def test_before_there_is_any_experiment_an_address_without_one_says_that(
    world: World, browser_of_admin: httpx.AsyncClient
) -> None:
    answer = await browser_of_admin.get("/ideator")
    assert answer.status_code == 404
    assert "No experiment has been created yet" in says(answer)


async def test_something_unknown_inside_an_experiment_leads_back_to_its_overview(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    answer = await browser_of_admin.get("/e/hello/variants/no-such-variant")
    assert answer.status_code == 404
    assert page(answer).select_one("main a[href='/e/hello/']") is not None


async def test_while_the_control_plane_is_away_a_page_says_so_and_afterwards_works_again(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    world.line.is_cut = True
    answer = await browser_of_admin.get("/e/hello/variants?order=best")
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert "The control plane does not answer" in says(answer)
    assert page(answer).select_one("main a[href='/e/hello/variants?order=best']") is not None
    world.line.is_cut = False
    assert (await browser_of_admin.get("/e/hello/variants?order=best")).status_code == 200


async def test_an_act_while_the_control_plane_is_away_does_not_offer_to_repeat_itself(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    world.line.is_cut = True
    answer = await browser_of_admin.post("/e/hello/pause")
    assert answer.status_code == 503
    assert page(answer).select_one("main a[href='/']") is not None


async def test_a_refusal_is_told_in_its_own_words(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    await world.store(hello.experiment_id).end_experiment()
    answer = await browser_of_admin.post("/e/hello/pause")
    assert answer.status_code == 409
    assert "That cannot be done now" in says(answer)
    assert "completed" in says(answer)


async def test_who_may_not_do_something_is_told_whom_to_ask(world: World, hello: ExperimentDetail) -> None:
    bo = await world.person("Bo", "operator")
    answer = await bo.post("/e/hello/pause")
    assert answer.status_code == 403
    assert "You may not do that" in says(answer)
    assert "administrator" in says(answer)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (IllegalTransition(), 409),
        (InvalidName(), 422),
        (WrongClaimant(), 403),
        (Unavailable(), 503),
        (ProtocolBroken(), 502),
    ],
)
def test_the_first_row_that_fits_tells_an_error(error: SwitchyardError, status: int) -> None:
    assert next(words for kind, words in TABLE if isinstance(error, kind)).status == status


def test_every_error_that_the_client_raises_has_a_row() -> None:
    offered = [getattr(store_client, name) for name in store_client.__all__]
    kinds = [kind for kind in offered if isinstance(kind, type) and issubclass(kind, Exception)]
    assert len(kinds) > 20
    told = {row for row, _ in TABLE} | {Unauthorized}
    assert [kind for kind in kinds if kind is not SwitchyardError and not issubclass(kind, tuple(told))] == []


@pytest.mark.parametrize(
    ("said", "told"), [("", ""), ("no such task", "No such task."), ("Really?", "Really?"), ("Done.", "Done.")]
)
def test_what_a_service_says_becomes_a_sentence(said: str, told: str) -> None:
    assert sentence(said) == told
