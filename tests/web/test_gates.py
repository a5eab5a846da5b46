"""What stands before every page: nothing is open by accident, and no other site can act here."""

import shutil
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import httpx
import pytest
from starlette.datastructures import Headers
from starlette.routing import BaseRoute, Mount, Route

from store_client import ExperimentDetail
from tests.web.reading import page, says
from tests.web.world import World
from web_ui.gates import FORM_BYTES, HEADERS, is_same_origin
from web_ui.routes import OPEN_PATHS

OPEN = {
    "/signin", "/signin/password", "/signin/provider", "/signin/provider/callback", "/join", "/static", "/health",
}  # fmt: skip


def table(routes: Sequence[BaseRoute], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every (method, path) of the console, with `hello` as the experiment and `x` for any other parameter."""
    for route in routes:
        if isinstance(route, Mount) and route.routes:
            yield from table(route.routes, prefix + route.path.replace("{experiment}", "hello"))
        elif isinstance(route, Mount):
            yield "GET", prefix + route.path
        elif isinstance(route, Route):
            path = "/".join("x" if part.startswith("{") else part for part in route.path.split("/"))
            yield from ((method, prefix + path) for method in sorted(route.methods or ()))


async def test_every_address_but_the_open_ones_leads_a_stranger_to_the_sign_in_page(world: World) -> None:
    addresses = list(table(world.app.routes))
    assert len(addresses) > 60
    async with world.browser() as stranger:
        for method, path in addresses:
            answer = await stranger.request(method, path)
            if path in OPEN:
                assert answer.status_code < 500, path
            else:
                assert answer.status_code == 303, (method, path)
                assert answer.headers["location"].startswith("/signin"), (method, path)
    assert {one.rstrip("/") for one in OPEN_PATHS} == OPEN


@pytest.mark.parametrize("path", ["/no/such/page", "/static/../queue", "//queue", "/signin/", "/signin/x", "/healthy"])
async def test_what_is_not_in_the_table_is_closed_as_well(world: World, path: str) -> None:
    async with world.browser() as stranger:
        answer = await stranger.get(httpx.URL("http://console", raw_path=path.encode()))
        assert answer.status_code in {303, 404}
        assert "Queue" not in answer.text


@pytest.mark.parametrize(
    ("headers", "is_ours"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://console", "Host": "console"}, False),
        ({}, False),
        ({"Host": "console"}, False),
        ({"Origin": "http://console", "Host": "console"}, True),
        ({"Origin": "https://console:8443", "Host": "console:8443"}, True),
        ({"Origin": "http://console:8090", "Host": "console:9999"}, False),
        ({"Origin": "http://evil.example", "Host": "console"}, False),
        ({"Origin": "null", "Host": "console"}, False),
        ({"Origin": "", "Host": ""}, False),
        ({"Origin": "http://[", "Host": "console"}, False),
        ({"Origin": "ftp://console", "Host": "console"}, False),
        ({"Referer": "http://console/queue", "Host": "console"}, False),
    ],
)
def test_the_browser_says_where_an_act_comes_from(headers: dict[str, str], is_ours: bool) -> None:
    assert is_same_origin(Headers(headers)) is is_ours


async def test_no_act_of_the_table_can_be_caused_by_another_site(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    acts = [path for method, path in table(world.app.routes) if method == "POST"]
    assert len(acts) > 20
    sources = [{"Sec-Fetch-Site": site} for site in ("cross-site", "same-site", "none")]
    sources.append({"Origin": "https://evil.example"})
    async with world.browser() as other:
        other.cookies = browser_of_admin.cookies
        for path in acts:
            for source in [*sources, {}]:
                del other.headers["Sec-Fetch-Site"]
                other.headers.update(source)
                answer = await other.post(path, data={"role": "ideator", "mode": "automatic"})
                assert answer.status_code == 403, (path, source)
                assert "not sent from this console" in says(answer)
                other.headers.pop("Origin", None)
                other.headers["Sec-Fetch-Site"] = "same-origin"
    again = await world.store(hello.experiment_id).read_experiment_detail()
    assert (again.status, again.automation, again.updated_at) == (hello.status, hello.automation, hello.updated_at)


async def test_every_answer_carries_the_security_headers_and_a_request_id_of_its_own(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    paths = ["/", "/e/hello/", "/signin?code=x", "/health", "/no-such-page", "/e/nothing/", "/e/hello/select"]
    answers = [await browser_of_admin.get(path) for path in paths]
    sheet = page(answers[0]).find("link", rel="stylesheet")
    assert sheet is not None
    answers.append(await browser_of_admin.get(str(sheet["href"])))
    answers.append(await browser_of_admin.get("/static/0/no-such-file"))
    answers.append(await browser_of_admin.options("/"))
    answers.append(await browser_of_admin.post("/signout", headers={"Sec-Fetch-Site": "cross-site"}))
    async with world.browser() as stranger:
        answers.append(await stranger.get("/"))
    assert {200, 303, 403, 404, 405} <= {answer.status_code for answer in answers}
    for answer in answers:
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, answer.url
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store" or "/static/" in str(answer.url)
    assert len({answer.headers["x-request-id"] for answer in answers}) == len(answers)


async def test_the_page_of_a_fault_carries_the_headers_too_and_says_nothing_about_its_inside(
    world: World, browser_of_admin: httpx.AsyncClient, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(world.settings.templates, broken)
    (broken / "home" / "index.html").write_text("{{ page.no_such_field }}")
    console = await world.another_console(templates=broken)
    transport = httpx.ASGITransport(console, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://console") as browser:
        browser.cookies = browser_of_admin.cookies
        answer = await browser.get("/")
    assert answer.status_code == 500
    assert set(map(str.lower, HEADERS)) <= set(answer.headers)
    assert "no_such_field" not in answer.text
    assert answer.headers["x-request-id"] in says(answer)
    assert answer.headers["x-request-id"] in caplog.text
    assert "no_such_field" in caplog.text


async def test_static_files_may_be_kept_for_ever_and_pages_never(
    world: World, browser_of_admin: httpx.AsyncClient
) -> None:
    home = await browser_of_admin.get("/")
    sheet = page(home).find("link", rel="stylesheet")
    assert sheet is not None
    assert "immutable" in (await browser_of_admin.get(str(sheet["href"]))).headers["cache-control"]
    assert home.headers["cache-control"] == "no-store"


async def test_a_form_that_grows_beyond_measure_is_refused_while_it_arrives(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 65_536
            yield b"x" * 65_536

    for path in ("/e/hello/automation", "/signin"):
        sent = 0
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = await browser_of_admin.post(path, content=body(), headers=headers)
        assert answer.status_code in {400, 413}
        assert "too large" in says(answer) or "exceeded" in says(answer)
        assert sent <= FORM_BYTES + 200_000


async def test_a_stranger_cannot_make_the_console_hold_an_upload(world: World) -> None:
    async with world.browser() as stranger:
        answer = await stranger.post("/e/hello/executor/x/submit", files={"file": b"x" * 1_000_000})
        assert answer.status_code == 303


MALFORMED = {
    "no boundary": ("multipart/form-data", b"--x\r\n\r\n--x--"),
    "another boundary": (
        "multipart/form-data; boundary=y",
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1',
    ),
    "no disposition": ("multipart/form-data; boundary=x", b"--x\r\n\r\n1\r\n--x--"),
    "cut off": ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="na'),
    "lone surrogates": (
        "multipart/form-data; boundary=x; charset=utf-7",
        b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\n+2AA-\r\n--x--\r\n',
    ),
    "unknown charset": (
        "multipart/form-data; boundary=x; charset=klingon",
        b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\n\xff\r\n--x--\r\n',
    ),
    "json": ("application/json", b'{"name": "a"}'),
    "nothing": ("", b""),
    "not utf-8": ("application/x-www-form-urlencoded", b"name=%ff%fe&code=%ED%A0%80"),
}


@pytest.mark.parametrize("kind", MALFORMED)
async def test_a_malformed_form_gets_a_page_that_says_so(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient, kind: str
) -> None:
    content_type, body = MALFORMED[kind]
    for path in ("/signin", "/e/hello/automation", "/e/hello/admin/workers/register", "/e/hello/admin/groups/create"):
        answer = await browser_of_admin.post(path, content=body, headers={"Content-Type": content_type})
        assert answer.status_code < 500, path
        assert answer.status_code != 200 or page(answer).find("h1") is not None


async def test_head_and_options_are_answered(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    for path in ("/", "/e/hello/", "/live", f"/live?of={hello.experiment_id}:0", "/signin?code=x", "/health"):
        assert (await browser_of_admin.head(path)).status_code == 200, path
    answer = await browser_of_admin.options("/")
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}
    assert (await browser_of_admin.delete("/e/hello/")).status_code == 405
