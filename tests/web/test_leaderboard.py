"""The leaderboard and the plots: any order, narrowed, with chosen columns, as a file, and nothing that a sheet runs."""

import csv
import io

import httpx
import pytest

from store_client import ExperimentDetail
from tests.web.reading import page, part, rows, says, words
from tests.web.work import Worker
from tests.web.world import World
from web_ui.filters import MINUS
from web_ui.pages.variants_csv import safe

PATH = "/e/two-metrics/variants"


@pytest.fixture
async def ada(world: World, two_metrics: ExperimentDetail) -> Worker:
    """Three variants and a baseline; the one named `odd` says something that a spreadsheet would compute."""
    worker = await Worker.of(world, two_metrics)
    await worker.evaluate(error=1.0, seconds=3.0, note="seed")
    await worker.variant("good", 1.4, error=0.25, seconds=9.0, note="=1+1")
    await worker.variant("odd", 1.9, error=0.5, seconds=1.5)
    return worker


async def names(browser: httpx.AsyncClient, query: str = "") -> list[str]:
    shown = rows(part(await browser.get(f"{PATH}{query}"), "variants"))
    return [row[0].split()[1] for row in shown]


async def test_every_column_sorts_and_a_second_look_turns_it_round(
    ada: Worker, browser_of_admin: httpx.AsyncClient
) -> None:
    assert await names(browser_of_admin) == ["odd", "good", "baseline"]
    assert await names(browser_of_admin, "?sort=objective") == ["good", "odd", "baseline"]
    assert await names(browser_of_admin, "?sort=metric:seconds") == ["good", "baseline", "odd"]
    shown = await browser_of_admin.get(f"{PATH}?sort=metric:seconds")
    head = page(shown).select_one("th[aria-sort]")
    assert head is not None
    assert (words(head), head["aria-sort"]) == ("seconds ↓", "descending")
    link = head.find("a")
    assert link is not None
    turned = await browser_of_admin.get(str(link["href"]))
    assert [row[0].split()[1] for row in rows(part(turned, "variants"))] == ["odd", "baseline", "good"]


async def test_rows_tell_the_distance_to_the_baseline_and_to_the_parent(
    ada: Worker, browser_of_admin: httpx.AsyncClient
) -> None:
    best = rows(part(await browser_of_admin.get(f"{PATH}?sort=objective"), "variants"))[0]
    assert best[2] == f"0.2500 {MINUS}0.7500"
    assert best[3] == f"{MINUS}0.7500 baseline"
    assert best[4:6] == ["9.000", "=1+1"]


async def test_the_list_is_narrowed_by_words_and_by_the_range_of_a_metric(
    ada: Worker, browser_of_admin: httpx.AsyncClient
) -> None:
    assert await names(browser_of_admin, "?q=GOOD") == ["good"]
    assert await names(browser_of_admin, "?metric=seconds&at_least=2&at_most=5") == ["baseline"]
    assert await names(browser_of_admin, f"?worker={ada.worker_id}") == ["odd", "good"]
    assert "No variant is like that" in says(await browser_of_admin.get(f"{PATH}?q=nothing"))
    assert await names(browser_of_admin, "?q=status:success seconds>1.5") == ["good", "baseline"]
    assert await names(browser_of_admin, "?q=seconds>=1.5 seconds<9 worker:Ada") == ["odd"]
    for text, said in (
        ("colour:red", "cannot be narrowed"),
        ("speed>1", "metric called “speed”"),
        ("worker:X", "Nobody"),
    ):
        answer = await browser_of_admin.get(f"{PATH}?q={text}")
        assert said in words(page(answer).select_one("#variant-problem"))
        assert await names(browser_of_admin, f"?q={text}") == []
    tabs = page(await browser_of_admin.get(f"{PATH}?q=good status:error")).select('nav[aria-label="Status"] a')
    assert [str(tab["href"]) for tab in tabs][:2] == [f"{PATH}?q=good", f"{PATH}?q=good&status=success"]
    odd = await browser_of_admin.get(f"{PATH}?metric=seconds&at_least=many")
    assert "“many” is not a number, so the range is not used." in says(odd)
    assert "Choose the metric that the range is for." in says(await browser_of_admin.get(f"{PATH}?at_least=2"))


async def test_chosen_columns_are_kept_for_the_next_visit(ada: Worker, browser_of_admin: httpx.AsyncClient) -> None:
    def heads(answer: httpx.Response) -> str:
        return words(page(answer).select_one(".board thead"))

    assert "seconds note" in heads(await browser_of_admin.get(PATH))
    assert "seconds" not in heads(await browser_of_admin.get(f"{PATH}?columns=&columns=note"))
    assert "seconds" not in heads(await browser_of_admin.get(PATH))
    assert "note" not in heads(await browser_of_admin.get(f"{PATH}?columns="))
    assert "seconds note" in heads(await browser_of_admin.get(f"{PATH}?columns=seconds&columns=note&columns=nothing"))


async def test_the_whole_narrowed_list_can_be_saved_for_a_spreadsheet(
    ada: Worker, browser_of_admin: httpx.AsyncClient
) -> None:
    answer = await browser_of_admin.get("/e/two-metrics/variants.csv?sort=objective")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="two-metrics-variants.csv"'
    table = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["name"], row["objective"], row["seconds"], row["note"]) for row in table] == [
        ("good", "0.25", "9.0", "'=1+1"), ("odd", "0.5", "1.5", ""), ("baseline", "1.0", "3.0", "seed"),
    ]  # fmt: skip
    narrowed = await browser_of_admin.get("/e/two-metrics/variants.csv?q=odd")
    assert [row["name"] for row in csv.DictReader(io.StringIO(narrowed.text))] == ["odd"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_no_text_becomes_a_formula(text: str) -> None:
    assert safe(text) == f"'{text}"
    assert (safe("plain"), safe(-1.5), safe(None)) == ("plain", -1.5, None)


async def test_metrics_are_plotted_over_time_against_each_other_and_side_by_side(
    ada: Worker, browser_of_admin: httpx.AsyncClient
) -> None:
    shown = await browser_of_admin.get("/e/two-metrics/metrics")
    over_time = part(shown, "over-time")
    assert [words(title) for title in over_time.select("title")] == [
        "baseline: error 1.0000", "good: error 0.2500", "odd: error 0.5000",
    ]  # fmt: skip
    assert all("/variants/" in str(link["href"]) for link in over_time.select("svg a"))
    assert [words(title) for title in part(shown, "against").select("title")] == [
        "baseline: seconds 3.0000, error 1.0000", "good: seconds 9.0000, error 0.2500",
        "odd: seconds 1.5000, error 0.5000",
    ]  # fmt: skip
    assert len(part(shown, "side-by-side").select("path.run-line")) == 3
    assert len(part(shown, "side-by-side").select("path.is-fifth-0")) == 1
    assert rows(part(shown, "values"))[0] == ["3 odd", "0.500", "1.500"]
    turned = part(await browser_of_admin.get("/e/two-metrics/metrics?y=seconds&x=error"), "against")
    assert "good: error 0.2500, seconds 9.0000" in words(turned)
    assert not page(shown).select("[style]")


async def test_a_metric_that_only_counts_reads_as_a_count(
    world: World, two_metrics: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    worker = await Worker.of(world, two_metrics)
    await worker.evaluate(error=1.5, seconds=650.0)
    await worker.variant("more", 1.4, error=0.25, seconds=1370.0)
    shown = await browser_of_admin.get("/e/two-metrics/metrics")
    assert [row[1:] for row in rows(part(shown, "values"))] == [["0.250", "1,370"], ["1.500", "650"]]


async def test_plots_of_nothing_say_what_will_be_there(
    world: World, two_metrics: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    assert "Nothing measured yet" in says(await browser_of_admin.get("/e/two-metrics/metrics?y=x&x=%00"))


async def test_a_viewer_sees_leaderboard_plots_and_file(ada: Worker) -> None:
    bo = await ada.world.person("Bo", "viewer")
    for path in (PATH, "/e/two-metrics/metrics", "/e/two-metrics/variants.csv"):
        assert (await bo.get(path)).status_code == 200
