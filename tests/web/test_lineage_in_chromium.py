"""The graph in a real browser: by keys, by mouse and without script; it grows and nothing in it moves."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from store_client import ExperimentDetail
from tests.browsers import OpenPage
from tests.web.serving import Served, served_world
from tests.web.work import Worker, worked
from web_ui.lineage_layout import Layout

pytestmark = pytest.mark.browser
SAID = "[data-graph-said]"
PLACES = """async (address) => {
  const { Layout } = await import(address);
  const parents = %s;
  const layout = new Layout();
  const places = parents.map((one, number) => layout.add(number, one));
  return places.map(({ generation, strip, lane }) => [generation, strip, lane]);
}"""

LATE = """const Observer = ResizeObserver;
window.ResizeObserver = class extends Observer {
  constructor(seen) { super((...all) => setTimeout(() => seen(...all), 500)); }
};"""
EDGE = """(canvas) => new Set(
  new Uint32Array(canvas.getContext('2d').getImageData(0, 0, 2, canvas.height).data.buffer)).size"""


@pytest.fixture
def served(tmp_path: Path, sqlite_url: str) -> Iterator[Served]:
    with served_world(tmp_path) as running:
        yield running


async def tried(served: Served) -> Worker:
    """A baseline with a better, a worse and two failed variants, and one that was built on the better."""
    ada = await worked(served.world, await served.world.experiment())
    better = next(one for one in (await ada.store.list_variant_page()).items if one.label == "better")
    await ada.propose("best", parents=(better.commit_sha or "",))
    await ada.execute(guess__txt="1.41\n")
    await ada.evaluate(error=0.01)
    return ada


def graph(page: Page) -> Page:
    """The page once its graph is there."""
    page.locator("[data-graph][data-ready]").wait_for()
    return page


def faults(page: Page) -> set[str]:
    found = Axe().run(page).response["violations"]
    return {f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found}


def test_the_graph_is_walked_by_keys_and_grows_without_moving(served: Served, open_page: OpenPage) -> None:
    ada = served.run(partial(tried, served))
    page = graph(served.sign_in(open_page(viewport={"width": 1280, "height": 900}), "/e/hello/lineage"))
    assert faults(page) == set()
    walk(page)
    narrow(page)
    before = picture(page)
    assert len(before) == 6
    served.run(partial(third, ada))
    expect(page.locator("[data-graph-count]")).to_have_text("7 variants")
    assert picture(page)[: len(before)] == before
    compare(page)
    assert faults(page) == set()
    page.go_back()
    graph(page).locator("canvas").focus()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("best")
    assert faults(page) == set()


def test_the_whole_graph_is_in_sight_also_where_its_variants_are_there_before_its_place(
    served: Served, open_page: OpenPage
) -> None:
    served.run(partial(tried, served))
    page = open_page(viewport={"width": 1280, "height": 900})
    page.add_init_script(LATE)
    graph(served.sign_in(page, "/e/hello/lineage"))
    canvas = page.locator("[data-graph] canvas")
    assert canvas.evaluate("(one) => one.width === one.clientWidth * devicePixelRatio"), "it was not measured yet"
    assert canvas.evaluate(EDGE) == 1, "something is drawn over the left edge"


def walk(page: Page) -> None:
    """Along the edges and back."""
    said, panel = page.locator(SAID), page.locator("[data-graph-panel]")
    expect(panel).to_contain_text("the best so far")
    page.locator("canvas").focus()
    page.keyboard.press("ArrowLeft")
    expect(said).to_contain_text("2 better; integrated; error 0.25; on the way to the best; built on 1 baseline")
    page.keyboard.press("ArrowDown")
    expect(said).to_contain_text("unbuilt")
    page.keyboard.press("Escape")
    expect(panel).to_contain_text("2 better")
    page.keyboard.press("ArrowRight")
    expect(said).to_contain_text("6 best")


def narrow(page: Page) -> None:
    """To ancestors, to what leads somewhere, to what is looked for."""
    page.get_by_role("button", name="Its ancestors").click()
    expect(page.locator("[data-graph-count]")).to_have_text("3 of 6 variants")
    page.get_by_role("button", name="Everything").click()
    page.get_by_label("Hide dead ends").check()
    expect(page.locator("[data-graph-count]")).to_have_text("3 of 6 variants")
    page.get_by_label("Hide dead ends").uncheck()
    page.get_by_label("Find in the graph").fill("wors")
    page.keyboard.press("Enter")
    expect(page.locator(SAID)).to_contain_text("3 worse")


def compare(page: Page) -> None:
    """What was found with the best."""
    page.get_by_role("button", name="Compare…").click()
    page.locator("canvas").focus()
    page.keyboard.press("End")
    page.get_by_role("button", name="Compare…").click()
    page.get_by_role("link", name="Compare 3 worse, 6 best").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Compare")


async def third(ada: Worker) -> None:
    await ada.propose("third")
    await ada.execute(guess__txt="1.3\n")


def picture(page: Page) -> list[str]:
    """The places of all variants, as the file would have them."""
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as SVG").click()
    drawn = Path(saved.value.path()).read_text(encoding="utf-8")
    return [line.split('d="')[1].split('"')[0] for line in drawn.splitlines() if line.startswith("<g>")]


def test_both_layouts_give_the_same_places(served: Served, open_page: OpenPage) -> None:
    random = Random(7)  # noqa: S311 - no secret, only a graph
    parents = [
        sorted({random.randrange(number) for _ in range(random.choice((1, 1, 2)))}) if number else []
        for number in range(1500)
    ]
    layout = Layout()
    ours = [layout.add(number, one) for number, one in enumerate(parents)]
    served.run(partial(a_baseline, served))
    page = served.sign_in(open_page(), "/e/hello/lineage")
    address = page.evaluate("document.querySelector('script[type=module]').src.replace('console', 'graph_layout')")
    theirs: list[list[int]] = page.evaluate(PLACES % json.dumps(parents), address)
    assert theirs == [[spot.generation, spot.strip, spot.lane] for spot in ours]


async def a_baseline(served: Served) -> ExperimentDetail:
    one = await served.world.experiment()
    await (await Worker.of(served.world, one)).evaluate(error=1.0)
    return one


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1920, "light")])
def test_it_is_whole_without_script_and_fits_every_width(
    served: Served, open_page: OpenPage, width: int, scheme: Any
) -> None:
    served.run(partial(tried, served))
    size = {"width": width, "height": 900}
    page = served.sign_in(open_page(viewport=size, color_scheme=scheme, java_script_enabled=False), "/e/hello/lineage")
    expect(page.locator("canvas")).not_to_be_visible()
    page.get_by_label("Around", exact=True).select_option(label="2 better, 0.2500")
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".graph-still [aria-current] title")).to_have_text("2 better: 0.2500")
    scripted = graph(served.sign_in(open_page(viewport=size, color_scheme=scheme), "/e/hello/lineage"))
    assert scripted.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert faults(scripted) == set()
