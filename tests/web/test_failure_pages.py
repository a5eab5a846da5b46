"""What a page cannot be drawn for, each with a page of its own: who is silent or refuses, and the way on."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import httpx

import web_ui.app
from store_client import ExperimentDetail, RegisterExperiment
from tests.web.foreign import Foreign, slug
from tests.web.reading import page, says
from tests.web.world import CONTROL_PLANE, World, entered
from web_ui.session import Cookies, SignedIn

STORE = "http://task-store"
Answer = Callable[[httpx.Request], httpx.Response | Exception | None]


@dataclass
class Detour(httpx.AsyncBaseTransport):
    """A line of which some requests get another answer, or none."""

    inner: httpx.AsyncBaseTransport
    instead: Answer = lambda _request: None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        other = self.instead(request)
        if isinstance(other, Exception):
            raise other
        return other if other is not None else await self.inner.handle_async_request(request)


def detour(world: World, instead: Answer) -> Detour:
    """The line of a world from now on."""
    line = Detour(world.line.inner, instead)
    world.line.inner = line
    return line


def problem(status: int, kind: str) -> httpx.Response:
    headers = {"content-type": "application/problem+json"}
    return httpx.Response(status, json={"type": f"eden://error/{kind}", "status": status}, headers=headers)


def on_tasks(answer: Callable[[], httpx.Response | Exception]) -> Answer:
    """Another answer to a call that the page of tasks makes once, and no other page does."""

    def instead(request: httpx.Request) -> httpx.Response | Exception | None:
        is_meant = request.url.path.endswith("/tasks") and request.url.params.get("state") == "submitted"
        return answer() if is_meant else None

    return instead


FAILURES: tuple[tuple[Callable[[], httpx.Response | Exception], int, str], ...] = (
    (lambda: httpx.ReadTimeout("slow"), 503, "The control plane does not answer in time"),
    (lambda: httpx.ReadError("broken"), 503, "The control plane does not answer"),
    (lambda: httpx.Response(500, text="oh"), 503, "The control plane cannot serve this now"),
    (lambda: problem(403, "forbidden"), 403, "You may not do that"),
    (lambda: problem(403, "worker-not-registered"), 403, "You are not registered in this experiment"),
    (lambda: problem(400, "experiment-id-mismatch"), 502, "The task store took this for another experiment"),
    (lambda: httpx.Response(200, text="<html>"), 502, "gave an answer we do not understand"),
)


async def test_each_failure_of_a_server_has_a_page_with_a_way_on(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    line = detour(world, lambda _request: None)
    for answer, status, told in FAILURES:
        line.instead = on_tasks(answer)
        shown = await browser_of_admin.get("/e/hello/tasks")
        assert (shown.status_code, told in says(shown)) == (status, True), says(shown)
        way_on = page(shown).select_one("main a.btn")
        assert way_on is not None
        if status == 503:
            assert way_on["href"] == "/e/hello/tasks"
        else:
            assert (await browser_of_admin.get(str(way_on["href"]))).status_code == 200


async def test_a_selection_that_is_gone_is_told_once_and_forgotten(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    cookies = Cookies(world.settings.cookie_key, is_https=False)
    ((name, value),) = browser_of_admin.cookies.items()
    kept = SignedIn(**cookies._sessions.loads(value))
    gone = replace(kept, experiment_id="exp_" + "0" * 26)
    browser_of_admin.cookies.set(name, cookies._sessions.dumps(gone.__dict__), domain="console.local", path="/")
    answer = await browser_of_admin.get("/variants")
    assert answer.status_code == 404
    assert "The experiment you had selected is gone" in says(answer)
    assert page(answer).select_one("#switcher form[action^='/e/hello/']") is not None
    assert (await browser_of_admin.get("/variants")).headers["location"] == "/e/hello/variants"


async def test_a_fresh_credential_that_is_refused_just_the_same_signs_nobody_out(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    refused: list[int] = []

    def refuse() -> httpx.Response:
        refused.append(401)
        return problem(401, "unauthorized")

    detour(world, on_tasks(refuse))
    world.line.calls.clear()
    answer = await browser_of_admin.get("/e/hello/tasks")
    assert (answer.status_code, "Your credential was refused" in says(answer)) == (502, True)
    minted = world.line.calls.count("POST /api/exchange")
    assert minted <= 4  # for the deployment, in the experiment, there once more, and to see whether the session goes on
    assert len(refused) == 2  # with the credential that there was, and once more with a new one
    assert (await browser_of_admin.get("/")).status_code == 200


async def test_of_two_servers_the_page_says_which_is_silent_and_the_store_serves_what_is_known(
    world: World, hello: ExperimentDetail
) -> None:
    silent = {"host": ""}

    def instead(request: httpx.Request) -> httpx.Response | Exception | None:
        return httpx.ConnectError("refused") if f"http://{request.url.host}" == silent["host"] else None

    line = Detour(world.line.inner, instead)
    app = web_ui.app.build(replace(world.settings, store_url=STORE), line)
    async with entered(app) as console:
        browser = await world.signed_in(console=console)
        for path in ("/e/hello/", "/e/hello/tasks"):
            assert (await browser.get(path)).status_code == 200
        silent["host"] = STORE
        away = await browser.get("/e/hello/tasks")
        assert (away.status_code, "The task store does not answer" in says(away)) == (503, True)
        assert (await browser.get("/")).status_code == 200
        silent["host"] = CONTROL_PLANE
        assert (await browser.get("/e/hello/tasks")).status_code == 200
        away = await browser.get("/")
        assert (away.status_code, "The control plane does not answer" in says(away)) == (503, True)


async def test_what_is_registered_and_not_in_the_store_says_so_and_takes_no_other_page_down(foreign: Foreign) -> None:
    first = await foreign.world.experiment("First")
    bare = "exp_" + "0" * 25 + "7"
    await foreign.world.deployment.register_experiment(RegisterExperiment(experiment_id=bare, config_uri="file:///x"))
    browser = await foreign.signed_in(await foreign.console(admin_token_file=foreign.admin_token()))
    answer = await browser.get(f"/e/{bare}/")
    assert (answer.status_code, "This experiment has no data yet" in says(answer)) == (409, True), says(answer)
    assert page(answer).select_one(f"main a[href='/e/{bare}/']") is not None
    assert (await browser.get("/")).status_code == 200
    assert (await browser.get(f"/e/{slug(first)}/")).status_code == 200


async def test_a_config_that_is_missing_or_cannot_be_read_is_told_on_its_own_experiments_page_until_it_is_mended(
    foreign: Foreign,
) -> None:
    first, second = await foreign.world.experiment("First"), await foreign.world.experiment("Second")
    configs = foreign.world.data / "configs"
    configs.mkdir()
    foreign.config(second).rename(configs / f"{second.experiment_id}.yaml")
    browser = await foreign.signed_in(await foreign.console(admin_token_file=foreign.admin_token(), config=configs))
    file, overview = configs / f"{first.experiment_id}.yaml", f"/e/{first.experiment_id}/"
    for text, told in (
        (None, "The config of this experiment is missing"),
        ("objective: [", "The config of this experiment cannot be read"),
    ):
        if text is not None:
            file.write_text(text)
        answer = await browser.get(overview)
        assert (answer.status_code, told in says(answer), str(file.name) in says(answer)) == (409, True, True)
        assert page(answer).select_one(f"main a[href='{overview}']") is not None
        for path in ("/", f"/e/{slug(second)}/"):
            assert (await browser.get(path)).status_code == 200
    foreign.config(first).rename(file)
    mended = await browser.get(overview)
    assert (mended.status_code, "which this console was not given" in says(mended)) == (200, False)


async def test_a_missing_credential_and_a_refused_one_and_a_refused_admin_token_are_three_pages(
    foreign: Foreign,
) -> None:
    first, second = await foreign.world.experiment("First"), await foreign.world.experiment("Second")
    worker = await foreign.worker(second)
    held = foreign.credentials({second.experiment_id: worker})
    alone = await foreign.console("alone", experiment_id=first.experiment_id, credential_file=held)
    browser = await foreign.signed_in(alone)
    assert "This console has no credential for this experiment" in says(await browser.get(f"/e/{slug(first)}/"))
    wrong = foreign.admin_token()
    wrong.write_text("not the token")
    mistaken = await foreign.console("wrong", admin_token_file=wrong, credential_file=held)
    browser = await foreign.signed_in(mistaken)
    home = await browser.get("/")
    assert (home.status_code, "does not take the admin token" in says(home)) == (403, True)
    assert (await browser.get(f"/e/{slug(second)}/")).status_code == 200
    await foreign.world.store(second.experiment_id).reissue_credential(worker.worker_id)
    browser = await foreign.signed_in(await foreign.console("kept", credential_file=held))
    refused = await browser.get(f"/e/{slug(second)}/")
    assert (refused.status_code, "does not take this console's credential" in says(refused)) == (403, True)


async def test_a_console_of_one_experiment_says_when_its_server_has_none_of_that_id(foreign: Foreign) -> None:
    await foreign.world.experiment("First")
    console = await foreign.console(experiment_id="exp_" + "0" * 26, admin_token_file=foreign.admin_token())
    browser = await foreign.signed_in(console)
    answer = await browser.get("/")
    assert (answer.status_code, "There is no such experiment" in says(answer)) == (404, True)
