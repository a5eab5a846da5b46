"""Downloads: whole, as attachments whatever they hold, and only what the experiment cites."""

import httpx
import pytest

from store_client import ExperimentDetail, Upload
from tests.web.reading import page, says, words
from tests.web.work import Worker
from tests.web.world import World


async def cited(world: World, one: ExperimentDetail, content: str) -> str:
    """The address of an idea's text."""
    ada = await Worker.of(world, one)
    (idea_id,) = await ada.propose("one", content=content)
    return (await ada.store.read_idea(idea_id)).artifacts_uri


async def test_a_cited_file_comes_whole_and_never_as_a_page(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    content = "<script>alert(1)</script>\n" * 20_000
    uri = await cited(world, hello, content)
    answer = await browser_of_admin.get("/e/hello/artifacts", params={"uri": uri})
    assert answer.status_code == 200
    assert answer.text == content
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == 'attachment; filename="content.md"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert int(answer.headers["content-length"]) == len(content)


async def test_a_file_of_one_experiment_is_not_given_out_in_another(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    await world.experiment("Other")
    uri = await cited(world, hello, "secret")
    answer = await browser_of_admin.get("/e/other/artifacts", params={"uri": uri})
    assert answer.status_code in {403, 404}
    assert "secret" not in answer.text


async def test_a_name_cannot_break_out_of_its_header(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    ada = await Worker.of(world, hello)
    uri = (await ada.store.deposit_artifact(Upload('x".html', b"1"))).artifacts_uri
    answer = await browser_of_admin.get("/e/hello/artifacts", params={"uri": uri})
    if answer.status_code == 200:
        assert answer.headers["content-disposition"].count('"') == 2


@pytest.mark.parametrize("uri", ["", "x", "artifact:nothing", "http://127.0.0.1:9/", "file:///etc/passwd", "\x00"])
async def test_an_address_of_nothing_says_so(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient, uri: str
) -> None:
    answer = await browser_of_admin.get("/e/hello/artifacts", params={"uri": uri})
    assert answer.status_code in {400, 403, 404}
    assert "<h1" in answer.text


async def test_the_answer_to_a_head_has_no_body(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    uri = await cited(world, hello, "text")
    answer = await browser_of_admin.head("/e/hello/artifacts", params={"uri": uri})
    assert answer.status_code == 200
    assert answer.headers["content-length"] == "4"


async def test_administrators_find_every_file_with_what_it_belongs_to(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    path, ada = "/e/hello/admin/files", await Worker.of(world, hello)
    assert "No files yet" in says(await browser_of_admin.get(path))
    loose = (await ada.store.deposit_artifact(Upload("<b>.html", b"<script>", "text/html"))).artifacts_uri
    await ada.evaluate(error=1.0)
    await ada.propose("better")
    (idea,) = await ada.store.list_ideas()
    shown = await browser_of_admin.get(path)
    (row,) = page(shown).select(f'[data-key="{idea.artifacts_uri}"]')
    named = row.select_one(f'a[href="/e/hello/ideas/{idea.idea_id}"]')
    assert named is not None
    assert words(named) == "better"
    assert [words(link) for link in row.select('a[href*="/workers/"]')] == ["Ada"]
    (other,) = page(shown).select(f'[data-key="{loose}"]')
    assert ("nothing names it" in words(other), "<b>.html" in words(other)) == (True, True)
    for link in row.select("a") + other.select("a"):
        assert (await browser_of_admin.get(str(link["href"]))).status_code == 200, link
    assert page(shown).select_one(f'a[href="{path}"]') is not None
    assert (await browser_of_admin.get(path, params={"after": "x"})).status_code == 400
    bo = await world.person("Bo")
    hidden = await bo.get(path)
    assert ("Only administrators" in says(hidden), idea.artifacts_uri in hidden.text) == (True, False)
