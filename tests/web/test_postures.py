"""Where a console's credentials come from, in each of the four ways: started, signed in, and a click further."""

import httpx

from tests.web.foreign import Foreign, slug
from tests.web.reading import page, says


async def test_a_one_credential_for_one_experiment_asks_nothing_beyond_it(foreign: Foreign) -> None:
    one = await foreign.world.experiment()
    held = foreign.credentials({one.experiment_id: await foreign.worker(one)})
    browser = await foreign.signed_in(await foreign.console(experiment_id=one.experiment_id, credential_file=held))
    await browser.get(f"/e/{slug(one)}/")
    foreign.fence.asked.clear()
    assert (await browser.get(f"/e/{slug(one)}/tasks")).status_code == 200
    asked = [path for _, path, _ in foreign.fence.asked]
    assert all(path.startswith(f"/v0/experiments/{one.experiment_id}") for path in asked)
    assert asked.count(f"/v0/experiments/{one.experiment_id}") <= 1  # its state is part of the page, and the only cost


async def clicked(browser: httpx.AsyncClient, start: str, name: str) -> httpx.Response:
    """The page that the switcher leads to."""
    shown = page(await browser.get(start))
    (entry,) = [form for form in shown.select("#switcher li form") if name in form.get_text()]
    answer = await browser.post(str(entry["action"]))
    return await browser.get(answer.headers["location"])


async def test_b_the_admin_token_makes_what_is_missing_on_the_first_visit(foreign: Foreign) -> None:
    await foreign.world.experiment("First")
    await foreign.world.experiment("Second")
    browser = await foreign.signed_in(await foreign.console(admin_token_file=foreign.admin_token()))
    for name in ("First", "Second"):
        assert (await clicked(browser, "/", name)).status_code == 200


async def test_c_what_was_made_once_goes_on_and_nothing_else_is_offered(foreign: Foreign) -> None:
    first, second = await foreign.world.experiment("First"), await foreign.world.experiment("Second")
    held = foreign.credentials({first.experiment_id: await foreign.worker(first)})
    browser = await foreign.signed_in(await foreign.console(credential_file=held))
    assert (await clicked(browser, "/", "First")).status_code == 200
    assert (await browser.get(f"/e/{second.experiment_id}/")).status_code == 404


async def test_d_without_any_credential_the_console_starts_and_says_that_it_has_none(foreign: Foreign) -> None:
    one = await foreign.world.experiment()
    browser = await foreign.signed_in(await foreign.console())
    assert (await browser.get("/")).status_code == 200
    answer = await browser.get(f"/e/{one.experiment_id}/")
    assert (answer.status_code, "There is no such experiment" in says(answer)) == (404, True)
    alone = await foreign.signed_in(await foreign.console("alone", experiment_id=one.experiment_id))
    answer = await alone.get("/")
    assert "This console has no credential for this experiment" in says(answer)
