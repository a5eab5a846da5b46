"""Whatever is thrown at any form of any page, the answer is a page of ours or a way to one."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.web.furnished import Form, Furnished, furnished
from tests.web.reading import page
from tests.web.world import CONSOLE
from web_ui.gates import own_path

ENDS = ("/signout", "/sessions/end", "/e/hello/end", "/account/password")
"""Acts after which there would be nothing left to try the others on."""
AWAY = (
    "//evil.example",
    "https://evil.example/",
    "/\\evil.example",
    "/\r\nX-Evil: 1",
    "javascript:alert(1)",
    "\t//evil",
)
ODD = (
    *("", " ", "x", "0", "-1", "1e999", "NaN", "9" * 400, "../../etc/passwd", "\x00", "a\x00b", "\u202e", "\ufffe"),
    *("<script>alert(1)</script>", "{{ 7 * 7 }}", "null", "[]", "é" * 3_000, "x" * 20_000, "wkr_" + "0" * 26, *AWAY),
)
Fields = list[tuple[str, str]]
VALUES = st.one_of(st.sampled_from(ODD), st.text(max_size=40))


@dataclass(frozen=True)
class Throw:
    """What is sent: which form, what becomes of its fields, and what is said beside it."""

    form: int
    changes: tuple[tuple[int, str, str], ...]
    extra: tuple[tuple[str, str], ...]
    back: str


THROWS = st.builds(
    Throw,
    st.integers(0, 10_000),
    st.lists(st.tuples(st.integers(0, 40), st.sampled_from(["set", "drop", "twice"]), VALUES), max_size=6).map(tuple),
    st.lists(st.tuples(st.sampled_from(["next", "back", "act", "after", "parent"]), VALUES), max_size=2).map(tuple),
    st.sampled_from(AWAY),
)


@dataclass(frozen=True)
class Range:
    """Where things are thrown: a furnished deployment in a loop of its own, and its forms."""

    portal: BlockingPortal
    house: Furnished
    forms: list[Form]

    def throw(self, thrown: Throw) -> tuple[str, httpx.Response]:
        """Send one form, changed."""
        form = self.forms[thrown.form % len(self.forms)]
        fields = changed(form.fields, thrown.changes) + list(thrown.extra)
        return form.action, self.portal.call(self._send, form, fields, thrown.back)

    async def _send(self, form: Form, fields: Fields, back: str) -> httpx.Response:
        data: dict[str, list[str]] = {}
        for name, value in fields:
            data.setdefault(name, []).append(value)
        files = [(name, ("../../x\r\n", b"\x00\xff" * 50, "text/html")) for name in form.files] or None
        sent = httpx.URL(form.action).copy_merge_params({"next": back, "back": back})
        headers = {"Referer": f"{CONSOLE}//evil.example"}
        return await self.house.browser.post(sent, data=data, files=files, headers=headers)


def changed(fields: Fields, changes: tuple[tuple[int, str, str], ...]) -> Fields:
    """Fields of which some have another value, are missing or stand there twice."""
    made = list(fields)
    for place, how, value in changes:
        if made:
            at = place % len(made)
            name = made[at][0]
            made[at : at + 1] = {"set": [(name, value)], "drop": [], "twice": [made[at], (name, value)]}[how]
    return made


@contextmanager
def thrown_at(data: Path) -> Iterator[Range]:
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(furnished(data)) as house:
        forms = [one for one in portal.call(house.forms) if not one.action.partition("?")[0].endswith(ENDS)]
        assert len({one.action for one in forms}) > 40
        yield Range(portal, house, forms)


def is_well(path: str, answer: httpx.Response) -> None:
    assert answer.status_code < 500, path
    assert "x-evil" not in answer.headers, path
    assert "Traceback" not in answer.text, path
    if "text/html" in answer.headers.get("content-type", ""):
        assert page(answer).find("h1") is not None, path
        assert "<script>alert" not in answer.text, path
    if "location" in answer.headers:
        to = urlsplit(urljoin(CONSOLE, answer.headers["location"]))
        assert (to.scheme, to.netloc) == ("http", "console"), path
        assert not to.path.startswith(("//", "/signin")), path


def every_form(data: Path, examples: int) -> None:
    """Throw so many things at the forms, each form at least once."""
    with thrown_at(data) as house:
        chance = random.Random(5)  # noqa: S311 - the same nonsense in every run
        for number in range(len(house.forms)):
            changes = tuple((chance.randrange(40), "set", chance.choice(ODD)) for _ in range(3))
            is_well(*house.throw(Throw(number, changes, (), chance.choice(AWAY))))

        @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(THROWS)
        def throw(thrown: Throw) -> None:
            is_well(*house.throw(thrown))

        throw()


def test_no_form_brings_a_fault_about_or_leads_away(tmp_path: Path, sqlite_url: str) -> None:
    every_form(tmp_path, 60)


@pytest.mark.long
def test_no_form_brings_a_fault_about_or_leads_away_however_often(tmp_path: Path, sqlite_url: str) -> None:
    every_form(tmp_path, 5_000)


@given(st.one_of(st.sampled_from(AWAY), st.text(alphabet="/\\:.@ ?#e\t\r\n"), st.text().map("/".__add__)))
def test_a_way_back_stays_on_this_console(wanted: str) -> None:
    assert urlsplit(urljoin(CONSOLE, own_path(wanted))).netloc == "console"
