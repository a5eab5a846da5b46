"""Pages as tests read them."""

import httpx
from bs4 import BeautifulSoup, Tag


def page(answer: httpx.Response) -> BeautifulSoup:
    """The parsed page of an answer."""
    return BeautifulSoup(answer.text, "html.parser")


def words(node: BeautifulSoup | Tag | None) -> str:
    """The text of a node with single spaces; a node that is not there has none."""
    return " ".join(node.get_text(" ").split()) if node is not None else ""


def part(answer: httpx.Response, name: str) -> Tag:
    """A live part of a page."""
    found = page(answer).select_one(f'[data-live="{name}"]')
    assert found is not None, f"no part {name} in {words(page(answer))}"
    return found


def says(answer: httpx.Response) -> str:
    """What the content of a page says, messages included."""
    soup = page(answer)
    return " ".join(words(node) for node in soup.select(".messages, main"))


def rows(node: Tag) -> list[list[str]]:
    """The body of the first table of a node."""
    return [[words(cell) for cell in row.find_all("td")] for row in node.select("tbody tr")]
