"""What a desk lists: its order, what it leaves out, by whom; all in the address, and nothing else of it."""

import re
from pathlib import Path

import pytest

from store_client import ExperimentDetail, Target
from tests.web.desk import Desk
from tests.web.reading import page, part, says, words
from tests.web.world import HELLO, World


@pytest.fixture
async def hello(world: World, tmp_path: Path) -> ExperimentDetail:
    """The hello experiment with room for several variants at once."""
    folder = tmp_path / "roomy"
    (folder / ".eden").mkdir(parents=True)
    config = (HELLO / ".eden" / "config.yaml").read_text()
    (folder / ".eden" / "config.yaml").write_text(re.sub("parallel_variants: .*", "parallel_variants: 4", config))
    (folder / "guess.txt").write_text("1.0\n")
    return await world.experiment(directory=folder)


async def titles(desk: Desk, query: str = "") -> list[str]:
    found = part(await desk.get(f"/executor{query}"), "pending").select("tbody tr a.key")
    return [words(link) for link in found]


async def test_the_list_is_turned_narrowed_and_grouped_by_its_address(desk: Desk) -> None:
    world, experiment_id = desk.world, desk.experiment.experiment_id
    await desk.ada.propose("first")
    await desk.ada.propose("second")
    await world.decide()
    pending = await desk.store.list_task_page("execution", sort="age")
    admins = next(one for one in (await world.store(experiment_id).list_groups()).groups if one.name == "admins")
    await world.store(experiment_id).add_to_group(admins.group_id, desk.ada.worker_id)
    ada = Target(kind="worker", id=desk.ada.worker_id)
    await desk.store.reassign_task(pending.items[0].task_id, ada, "she knows it")
    assert await titles(desk) == ["second"]
    assert await titles(desk, "?eligible=0") == ["first", "second"]
    assert await titles(desk, "?eligible=0&sort=age&dir=desc") == ["second", "first"]
    assert await titles(desk, "?eligible=0&target=targeted") == ["first"]
    assert await titles(desk, "?target=targeted") == []
    assert "Nothing here is for you" in says(await desk.get("/executor?target=targeted"))
    assert await titles(desk, "?q=SEC") == ["second"]
    assert await titles(desk, "?eligible=0&q=r+fi") == ["first"]
    nothing = await desk.get("/executor?q=second+first")
    assert "Nothing that waits has that name" in says(nothing)
    box = page(nothing).select_one("details[open] input[name=q]")
    assert box is not None
    assert box["value"] == "second first"
    shown = await desk.get("/executor?eligible=0&group=1&sort=age")
    assert [words(one) for one in page(shown).select("details > summary b")][-1:] == ["Ada"]
    assert page(shown).select_one('th[aria-sort="ascending"] a[href*="dir=desc"]') is not None


@pytest.mark.parametrize("query", ["?sort=<b>&dir=x&eligible=2&target=nobody&group=9", "?sort=slug", "?after=%00"])
async def test_what_an_address_says_wrongly_is_passed_over(desk: Desk, query: str) -> None:
    await desk.ada.pending("ideation")
    shown = await desk.get(f"/ideator{query}")
    assert shown.status_code in {200, 400, 422}
    assert "<b>&dir" not in shown.text
