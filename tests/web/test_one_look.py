"""What is the same on several pages looks and reads the same on each of them."""

import re
from pathlib import Path

import httpx
import pytest

from store_client import ExperimentDetail
from tests.web.reading import page
from tests.web.world import World

TEMPLATES = Path(__file__).parents[2] / "templates"
LIKE_NUMBERS = ("Age", "Last activity", "Size", "Priority", "Members", "Variants")
"""Heads of columns that stand on the right, above what is compared."""


def found(pattern: str) -> dict[str, list[str]]:
    """What of the templates a pattern finds, by file."""
    all_of_it = {
        str(file.relative_to(TEMPLATES)): re.findall(pattern, file.read_text()) for file in TEMPLATES.rglob("*.html")
    }
    return {name: hits for name, hits in all_of_it.items() if hits}


def test_ages_and_sizes_stand_on_the_right_in_every_table() -> None:
    heads = found(rf'<th scope="col"([^>]*)>(?:{"|".join(LIKE_NUMBERS)})</th>')
    assert len(heads) > 5
    assert {name: hits for name, hits in heads.items() if not all("num" in one for one in hits)} == {}


def test_the_words_of_a_trail_begin_with_a_capital() -> None:
    assert found(r'class="crumbs".*<(?:span|a [^>]*)>([a-z][a-z ]+)[<{ ]') == {}


def test_the_way_on_from_an_empty_list_has_one_size() -> None:
    calls = found(r"(?s)call marks\.empty\((?:(?!endcall).)*?(btn is-small)")
    assert calls == {}


@pytest.mark.parametrize("name", ["workers", "groups", "leases"])
async def test_a_narrowed_list_of_the_registry_leads_back_to_all_of_it(
    name: str, world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    path = f"/admin/{name}"
    assert page(await browser_of_admin.get(path)).find("a", string="Show all") is None
    for words in ("nobody-is-called-so", "a"):
        back = page(await browser_of_admin.get(path, params={"q": words})).find_all("a", string="Show all")
        assert back
        assert {str(one["href"]) for one in back} == {path}
