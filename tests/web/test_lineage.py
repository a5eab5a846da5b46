"""The lineage: the graph as data and as a picture, where each variant leads, and what stands behind it."""

import gzip

import httpx
import pytest

from store_client import ExperimentDetail
from tests.web.reading import page, part, rows, says, words
from tests.web.work import Worker, worked
from tests.web.world import World
from web_ui.filters import NOTHING


@pytest.fixture
async def ada(world: World, hello: ExperimentDetail) -> Worker:
    """Who made a baseline, a better and a worse variant, and two that failed."""
    return await worked(world, hello)


async def test_the_page_answers_where_the_best_came_from(ada: Worker, browser_of_admin: httpx.AsyncClient) -> None:
    answer = await browser_of_admin.get("/e/hello/lineage")
    assert answer.status_code == 200
    assert "The best so far is 2 better" in says(answer)
    soup = page(answer)
    drawn = soup.select(".graph-still a")
    assert [words(one.select_one("title")) for one in drawn] == [
        "1 baseline: 1.0000", "2 better: 0.2500", "3 worse: 1.5000", "4 unbuilt: failed", "5 broken: failed",
    ]  # fmt: skip
    assert [bool(one.select_one("use.is-way")) for one in drawn] == [True, True, False, False, False]
    assert rows(part(answer, "table"))[0][:4] == ["5 broken", "failed", NOTHING, "baseline 1.0000"]
    assert words(soup.select_one("nav.tabs a[aria-current=page]")) == "Lineage"
    assert await drawn_around(browser_of_admin, drawn[2]["href"]) == "worse"


async def drawn_around(browser: httpx.AsyncClient, href: object) -> str:
    soup = page(await browser.get(str(href)))
    return words(soup.select_one(".graph-still a[aria-current]")).split(":")[0].split(" ", 1)[1]


async def test_a_graph_without_variants_says_how_it_begins(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    answer = await browser_of_admin.get("/e/hello/lineage")
    assert "The graph begins with the baseline" in says(answer)
    assert page(answer).select_one("canvas") is None


@pytest.mark.parametrize("around", ["nothing", "a/b", "\x00", "x" * 300, "../../v0"])
async def test_around_what_is_not_there_is_nothing(
    ada: Worker, browser_of_admin: httpx.AsyncClient, around: str
) -> None:
    answer = await browser_of_admin.get("/e/hello/lineage", params={"around": around})
    assert answer.status_code in {400, 404}
    assert "<h1" in answer.text


async def test_the_script_gets_columns_and_then_what_changed(ada: Worker, browser_of_admin: httpx.AsyncClient) -> None:
    answer = await browser_of_admin.get("/e/hello/lineage/data")
    assert answer.headers["content-encoding"] == "gzip"
    whole = answer.json()
    assert (whole["labels"], whole["statuses"]) == (["baseline", "better", "worse", "unbuilt", "broken"], "+**--")
    assert whole["parents"] == [[], [1], [1], [1], [1]]
    assert (whole["best"], whole["baseline"], whole["next"]) == (2, 1, None)
    plain = await browser_of_admin.get("/e/hello/lineage/data", headers={"Accept-Encoding": "identity"})
    assert gzip.decompress(gzip.compress(plain.content)) == plain.content
    assert plain.json() == whole
    await ada.propose("third")
    await ada.execute(guess__txt="1.3\n")
    since = {"since": str(whole["cursor"])}
    changed = (await browser_of_admin.get("/e/hello/lineage/data", params=since)).json()
    assert (changed["numbers"], changed["statuses"], changed["total"]) == ([6], ".", 6)
    odd = await browser_of_admin.get("/e/hello/lineage/data", params={"after": "-1", "since": "²"})
    assert odd.json()["numbers"] == [1, 2, 3, 4, 5, 6]


async def test_no_page_asks_more_the_more_there_is(ada: Worker, browser_of_admin: httpx.AsyncClient) -> None:
    await browser_of_admin.get("/e/hello/lineage")
    ada.world.line.calls.clear()
    await browser_of_admin.get("/e/hello/lineage")
    assert len(ada.world.line.calls) <= 7, ada.world.line.calls


async def test_a_variant_leads_on(ada: Worker, browser_of_admin: httpx.AsyncClient) -> None:
    (variant,) = [one for one in (await ada.store.list_variant_page()).items if one.label == "better"]
    path = f"/e/hello/variants/{variant.variant_id}"
    links = {words(one): one["href"] for one in page(await browser_of_admin.get(path)).select("main a[href]")}
    assert links["Build on this"] == f"/e/hello/ideator?parent={variant.variant_id}"
    assert links["In the lineage"] == f"/e/hello/lineage?around={variant.variant_id}"
    assert links["Its files"] == f"/e/hello/code/{variant.commit_sha}"
    listed = page(await browser_of_admin.get("/e/hello/variants"))
    chosen = [one["value"] for one in listed.select("input[form=compare][name=variant]")]
    assert variant.variant_id in chosen
    assert [form["action"] for form in listed.select("form#compare")] == ["/e/hello/compare"]
