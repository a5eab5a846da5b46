"""Templates mirror pages, and carry no script, style or address of another machine."""

import ast
import re
from collections.abc import Iterable, Iterator

import pytest

from tests.house.tree import Source, keeps

LAYOUT = "layout.html"
FOREIGN = re.compile(r"(?:https?:)?//(?!www\.w3\.org/)[\w-]+\.[\w.-]+")
INLINE = re.compile(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", re.IGNORECASE)
PARTIAL = re.compile(r"""(?:include|import|extends|from)\s+["']([^"']+)["']""")


def named_by_pages(product: Iterable[Source]) -> set[str]:
    """The templates that page classes name in their `template`."""
    return {
        each.value.value
        for source in product
        if source.package == "web_ui"
        for node in source.walk(ast.ClassDef)
        if isinstance(node, ast.ClassDef)
        for each in node.body
        if isinstance(each, ast.AnnAssign | ast.Assign)
        and ast.unparse(each.target if isinstance(each, ast.AnnAssign) else each.targets[0]) == "template"
        and isinstance(each.value, ast.Constant)
        and isinstance(each.value.value, str)
    }


def orphans(templates: list[Source], pages: set[str]) -> Iterator[str]:
    """Templates that no page and no template uses, and pages whose template is missing."""
    present = {source.path.removeprefix("templates/") for source in templates}
    used = {name for source in templates for name in PARTIAL.findall(source.text)}
    yield from (f"templates/{name}: no page shows it" for name in sorted(present - pages - used - {LAYOUT}))
    yield from (f"templates/{name} is missing" for name in sorted((pages | used) - present))


def impurities(sources: Iterable[Source]) -> Iterator[str]:
    for source in sources:
        for line, text in enumerate(source.lines, 1):
            if found := FOREIGN.search(text):
                yield source.at(line, f"{found[0]}: nothing is loaded from or linked to elsewhere")
            if source.path.endswith(".html") and (found := INLINE.search(text)):
                yield source.at(line, f"{found[0].strip()}: the content security policy refuses it")


def test_every_template_has_a_page_and_every_page_a_template(templates: list[Source], product: list[Source]) -> None:
    keeps(orphans(templates, named_by_pages(product)))


def test_templates_and_static_files_are_self_contained(tree: list[Source]) -> None:
    keeps(impurities(source for source in tree if source.package in {"templates", "static"}))


def test_an_orphan_is_noticed_on_either_side() -> None:
    page = Source("web_ui/pages/tasks.py", "class Tasks:\n    template: ClassVar[str] = 'tasks/list.html'")
    offences = list(orphans([Source("templates/tasks/old.html", "")], named_by_pages([page])))
    assert offences == ["templates/tasks/old.html: no page shows it", "templates/tasks/list.html is missing"]


@pytest.mark.parametrize(
    "text",
    ["<script>go()</script>", "<p style='color: red'>", "<a onclick='go()'>", "<img src='https://cdn.example/x.png'>"],
)
def test_an_impure_template_is_noticed(text: str) -> None:
    assert len(list(impurities([Source("templates/x.html", text)]))) == 1
