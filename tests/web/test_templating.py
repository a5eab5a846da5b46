"""Templates see a page and nothing else; static files change their address with their content."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import httpx
import pytest
from bs4 import BeautifulSoup
from jinja2 import UndefinedError
from starlette.applications import Starlette
from starlette.routing import Mount

from tests.web import sample_pages, sample_pieces
from tests.web.sample_site import ROOT, templates
from web_ui.static_files import ChecksummedFiles, checksum
from web_ui.templating import Flash, Frame, SwitcherEntry, Templates

NOWHERE = Frame("Not here", sample_pages.NOW, "req_7")


@dataclass(frozen=True)
class Note:
    """A page of one sentence."""

    template: ClassVar[str] = "note.html"

    frame: Frame
    text: str


@pytest.fixture
def notes(tmp_path: Path) -> Templates:
    (tmp_path / "note.html").write_text("<p>{{ page.text }}</p>", encoding="utf-8")
    return Templates(tmp_path, ROOT / "static", lambda name, **_: f"/{name}")


def drawn(frame: Frame) -> BeautifulSoup:
    """The home page inside this frame."""
    return BeautifulSoup(templates().text(replace(sample_pages.home(), frame=frame)), "html.parser")


def test_text_is_escaped(notes: Templates) -> None:
    assert notes.text(Note(NOWHERE, "<script>")) == "<p>&lt;script&gt;</p>"


def test_an_unknown_name_is_an_error_and_not_an_empty_place(notes: Templates, tmp_path: Path) -> None:
    (tmp_path / "note.html").write_text("{{ page.txet }}", encoding="utf-8")
    with pytest.raises(UndefinedError, match="txet"):
        notes.text(Note(NOWHERE, ""))


def test_a_page_answers_with_the_status_it_is_given(notes: Templates) -> None:
    answer = notes.render(Note(NOWHERE, "gone"), 410)
    assert (answer.status_code, answer.media_type, answer.body) == (410, "text/html", b"<p>gone</p>")


def test_a_page_without_anybody_signed_in_has_no_menus_and_no_stream() -> None:
    html = drawn(NOWHERE)
    assert html.select("details, .tabs, #live-state") == []
    assert html.body is not None
    assert html.body.get("data-live-url") is None


def test_the_title_names_the_page_then_the_experiment() -> None:
    title = drawn(sample_pages.frame("Executor")).title
    assert title is not None
    assert title.text == "Executor · digits · Switchyard"


def test_a_message_says_its_kind_by_shape_and_failure_is_announced() -> None:
    flashes = (Flash("done", "Paused."), Flash("failed", "Not paused."))
    done, failed = drawn(replace(sample_pages.frame("Home"), flashes=flashes)).select(".messages .banner")
    assert (done["role"], failed["role"]) == ("status", "alert")
    assert failed.select_one(".shape.is-bad") is not None


def test_an_entry_of_the_switcher_is_a_link_or_a_form_as_the_page_wishes() -> None:
    link = SwitcherEntry("digits", "digits", "running", "best 0.98", 2, "/e/digits/")
    html = drawn(replace(sample_pages.frame("Home"), switcher=(link, replace(link, select_href="/e/digits/select"))))
    rows = html.select("#switcher li")
    assert [rows[0].a is not None and rows[0].a["href"], rows[1].form is not None and rows[1].form["action"]] == [
        "/e/digits/",
        "/e/digits/select",
    ]
    assert rows[1].select_one("button.entry") is not None


def test_one_button_of_a_page_is_primary() -> None:
    for page in (sample_pages.home(), sample_pages.overview()):
        assert len(BeautifulSoup(templates().text(page), "html.parser").select(".is-primary")) <= 1


def test_nothing_in_a_page_needs_inline_style_or_script() -> None:
    for page in (sample_pages.home(), sample_pages.overview(), sample_pieces.pieces()):
        html = BeautifulSoup(templates().text(page), "html.parser")
        assert html.select("[style], style, script:not([src])") == []
        assert [name for tag in html.find_all() for name in tag.attrs if name.startswith("on")] == []


def test_every_static_address_of_a_page_is_a_file() -> None:
    html = BeautifulSoup(templates().text(sample_pieces.pieces()), "html.parser")
    named = {str(tag.get("href") or tag.get("src")) for tag in html.select("link, script, use")}
    assert all(address.startswith(f"/static/{checksum(ROOT / 'static')}/") for address in named)
    for address in named:
        path, _, part = address.split("/", 3)[3].partition("#")
        assert f'id="{part}"' in (ROOT / "static" / path).read_text(encoding="utf-8") if part else True
        assert (ROOT / "static" / path).is_file()


def test_the_checksum_follows_names_and_content(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("a", encoding="utf-8")
    first = checksum(tmp_path)
    assert checksum(tmp_path) == first
    (tmp_path / "a.css").write_text("b", encoding="utf-8")
    second = checksum(tmp_path)
    (tmp_path / "a.css").rename(tmp_path / "b.css")
    assert len({first, second, checksum(tmp_path)}) == 3


async def test_a_current_file_may_be_kept_for_ever_and_an_old_address_asks_again() -> None:
    app = Starlette(routes=[Mount("/static", ChecksummedFiles(ROOT / "static"), name="static")])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://console") as client:
        now = await client.get(f"/static/{checksum(ROOT / 'static')}/css/tokens.css")
        old = await client.get("/static/0000/css/tokens.css")
        none = await client.get("/static/0000/css/none.css")
    assert (now.status_code, old.status_code, none.status_code) == (200, 200, 404)
    assert "immutable" in now.headers["Cache-Control"]
    assert old.headers["Cache-Control"] == "no-cache"
