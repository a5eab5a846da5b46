"""What others wrote, as pages show it: safe prose, diffs of every shape, and places in long lists."""

import pytest
from bs4 import BeautifulSoup

from web_ui.diffs import Room, changes, summary
from web_ui.filters import MINUS
from web_ui.listing import Place
from web_ui.prose import gist, prose
from web_ui.repos import Change, Diff
from web_ui.syntax import coloured

HEAD = "diff --git a/{0} b/{0}\nindex 1..2 100644\n--- a/{0}\n+++ b/{0}\n"


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![x](https://example.org/x.png)",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html,hi)",
        "[x](/signout)",
        "[x](//example.org/)",
        "<a href='https://example.org' onclick='x()'>x</a>",
        "[x]: javascript:alert(1)\n[x]",
    ],
)
def test_prose_holds_no_markup_of_others_no_pictures_and_no_ways_inwards(text: str) -> None:
    soup = BeautifulSoup(prose(text), "html.parser")
    assert soup.find(["script", "img", "iframe", "style"]) is None
    for link in soup.find_all("a"):
        assert str(link["href"]).startswith("https://example.org/")
        assert not any(name.startswith("on") for name in link.attrs)


def test_prose_reads_markdown_and_puts_its_headings_below_the_pages_own() -> None:
    soup = BeautifulSoup(
        prose("# Big\n\nA *word*, `code`, [out](https://example.org/).\n\n| a |\n|---|\n| 1 |\n"), "html.parser"
    )
    assert [tag.name for tag in soup.find_all(["h1", "h2", "h3", "em", "code", "table"])] == [
        "h3",
        "em",
        "code",
        "table",
    ]
    link = soup.find("a")
    assert link is not None
    assert link["rel"] == ["noopener", "noreferrer", "nofollow"]


def test_a_deep_or_endless_text_is_still_a_page() -> None:
    assert len(prose(">" * 5000 + " deep")) < 1_000_000
    assert len(prose("x" * 1_000_000)) < 300_000


def test_a_diff_keeps_signs_apart_from_text_and_leaves_out_gits_own_lines() -> None:
    text = (
        HEAD.format("a.py")
        + "@@ -1,2 +1,2 @@ def f():\n same\n--- not a header\n+++ nor this\n\\ No newline at end of file\n"
    )
    shown = changes(Diff((Change("a.py", 1, 1),), text, is_cut=False))
    assert [(line.kind, line.text) for line in shown.files[0].lines] == [
        ("hunk", "@@ -1,2 +1,2 @@ def f():"),
        ("same", "same"),
        ("removed", "-- not a header"),
        ("added", "++ nor this"),
    ]
    assert not shown.is_cut
    assert shown.summary == f"1 file, +1 {MINUS}1"


def test_binary_new_and_renamed_files_say_so() -> None:
    parts = (
        "diff --git a/x.png b/x.png\nnew file mode 100644\nBinary files /dev/null and b/x.png differ\n",
        "diff --git a/old.py b/new.py\nsimilarity index 100%\nrename from old.py\nrename to new.py\n",
    )
    shown = changes(Diff((Change("x.png", None, None), Change("new.py", 0, 0, "old.py")), "".join(parts), is_cut=False))
    assert [file.path for file in shown.files] == ["x.png", "old.py → new.py"]
    assert shown.files[0].summary == "binary"
    assert "binary file" in shown.files[0].lines[1].text


def test_a_diff_longer_than_a_page_is_cut_and_says_where_it_goes_on() -> None:
    text = HEAD.format("long") + "@@ -0,0 +1 @@\n" + "+x\n" * 300
    diff = Diff((Change("long", 300, 0), Change("next", 1, 0)), text, is_cut=False)
    shown = changes(diff, Room(lines=150, of_file=100))
    assert [(len(file.lines), file.following) for file in shown.files] == [(100, 100), (0, 0)]
    assert shown.is_cut
    rest = changes(diff, Room(lines=250, of_file=250, start=100))
    assert (len(rest.files[0].lines), rest.files[0].following) == (201, None)
    assert summary(()) == "no file"


def test_code_is_coloured_by_classes_and_never_written_as_markup() -> None:
    text = HEAD.format("a.py") + "@@ -1,2 +1,2 @@\n import os\n-x = '<b>'\n+x = \"<script>\"  # it & more\n"
    lines = changes(Diff((Change("a.py", 1, 1),), text, is_cut=False)).files[0].lines
    assert lines[1].shown == '<i class="t-k">import</i> os'
    assert lines[2].shown == 'x = <i class="t-s">&#39;&lt;b&gt;&#39;</i>'
    assert "&lt;script&gt;" in lines[3].shown
    assert lines[3].shown.endswith('<i class="t-c"># it &amp; more</i>')
    assert [str(line) for line in coloured("a.bin", ["<i>"])] == ["&lt;i&gt;"]


def test_a_list_goes_back_over_the_pages_that_led_here() -> None:
    place = Place("/ideas", {"state": "ready"}, ("a b", "c"))
    pager = place.pager(50, "d", 160)
    assert pager.shown == "101 to 150 of 160"
    assert pager.later == "/ideas?state=ready&after=a+b&after=c&after=d"
    assert pager.earlier == "/ideas?state=ready&after=a+b"
    assert place.having(state=None) == "/ideas"
    assert Place("/ideas", {}).pager(0, None, 0).shown == "none of 0"


def test_the_gist_of_a_text_is_what_it_says_in_plain_words() -> None:
    text = "# Why\n\nUse **bold** and `x`,\n[out](https://a.example).\n\n```py\nprint()\n```\n- one\n- two <b>"
    assert gist(text, 280) == "Use bold and x, out. one two <b>"
    assert gist(text, 14) == "Use bold and …"
    assert gist("```\nonly this\n```", 280) == "only this"
    assert gist("# Only a head", 280) == "Only a head"
    assert gist("", 280) == ""
    assert len(gist("> " * 90_000 + "x", 280)) <= 280
