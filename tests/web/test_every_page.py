"""What holds of every page: it answers, keeps to the policy, tells no secret, and names all that one can act on."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from bs4 import BeautifulSoup, Tag

from tests.web.furnished import Furnished, furnished
from tests.web.reading import page, words
from tests.web.world import ADMIN_TOKEN
from web_ui.gates import HEADERS, POLICY

ODD = {
    **dict.fromkeys(("signin", "serve", "set_out", "come_back", "linking", "set_out_to_link"), 303),
    **dict.fromkeys(("join_page", "token", "deployment_token"), 410),
    "artifact_picture": 404,
}
"""What answers otherwise than 200: who is in needs no door, links are used up, and a text is no picture."""
SILENT = {"hidden", "submit", "button"}
LOADED = "script[src], link[href], img[src], iframe, object, embed, audio, video, source"
SHORTEST_SECRET = 16


def inline(soup: BeautifulSoup) -> Iterator[str]:
    """What the policy would not let run or be painted, or what is loaded from elsewhere."""
    for one in soup.select("script:not([src]), style, [style], base, meta[http-equiv]"):
        yield f"inline {str(one)[:120]}"
    for one in soup.find_all(True):
        yield from (f"{name} of {one.name}" for name in one.attrs if name.startswith("on"))
        if str(one.get("href", "")).strip().lower().startswith(("javascript:", "data:", "vbscript:")):
            yield f"href {one['href']}"
    for one in soup.select(LOADED):
        address = urlsplit(str(one.get("src") or one.get("href") or "//nothing"))
        if address.netloc or address.scheme not in {"", "data"}:
            yield f"loads {str(one)[:120]}"


def unnamed(soup: BeautifulSoup) -> Iterator[str]:
    """Controls without a name, identifiers that stand twice, and headings that do not say what is below what."""
    for one in soup.select("input, select, textarea, button"):
        if one.get("type") not in SILENT and not _name(soup, one):
            yield f"no label: {str(one)[:120]}"
    ids = [str(one["id"]) for one in soup.select("[id]")]
    yield from {f"twice: {one}" for one in ids if ids.count(one) > 1}
    if len(soup.select("h1")) != 1:
        yield f"{len(soup.select('h1'))} h1"
    levels = [int(one.name[1]) for one in soup.find_all(re.compile(r"^h[1-6]$"))]
    yield from (f"h{below} below h{above}" for above, below in pairwise(levels) if below > above + 1)
    yield from (f"no caption: {str(one)[:120]}" for one in soup.select("main table") if not _is_told(one))
    for form in soup.select("form"):
        if not str(form.get("action", "/")).startswith(("/", "#")) or str(form.get("action")).startswith("//"):
            yield f"form to {form.get('action')}"


def _name(soup: BeautifulSoup, one: Tag) -> str:
    label = soup.select_one(f'label[for="{one["id"]}"]') if one.get("id") else None
    around = one.find_parent("label")
    own = one if one.name == "button" else None
    return words(label) or words(around) or words(own) or str(one.get("aria-label") or one.get("aria-labelledby") or "")


def _is_told(table: Tag) -> bool:
    return bool(table.caption or table.get("aria-label") or table.get("aria-labelledby") or not table.find("th"))


def secrets(house: Furnished) -> set[str]:
    """Every secret of the deployment, and every one that the console has used."""
    found = {ADMIN_TOKEN, house.world.settings.cookie_key, *house.browser.cookies.values()}
    for file in ("pepper", "console-token", "cookie-key", "admin-token", "runner-tokens.json"):
        if (path := house.world.data / file).exists():
            found |= {one for one in re.findall(r"[\w-]{24,}", path.read_text()) if not one.startswith("wkr_")}
    for _, bearer in house.world.line.bearers:
        found.add(bearer.rpartition(":")[2])
    return {one for one in found if len(one) >= SHORTEST_SECRET or one == ADMIN_TOKEN}


OWN = re.compile(r"/signout|/e/[^/]+/select|/account/.*|/sessions/.*")
"""Where a viewer may send something: for themselves alone."""
ACTS = {"Propose an idea", "Build on this", "Open desk", "Continue", "Claim"}
"""Links and buttons that lead to what a viewer may not do."""


async def offered(house: Furnished, viewer: httpx.AsyncClient) -> dict[str, set[str]]:
    """What pages offer a viewer that the server would refuse."""
    found: dict[str, set[str]] = {}
    for name, path in house.addresses.items():
        answer = await viewer.get(path)
        if "text/html" not in answer.headers.get("content-type", ""):
            continue
        soup = page(answer)
        actions = (str(one["action"]) for one in soup.select("form[method=post]"))
        refused = {one for one in actions if not OWN.fullmatch(one.partition("?")[0])}
        refused |= {words(one) for one in soup.select("a.btn, button")} & ACTS
        found |= {name: refused} if refused else {}
    return found


async def test_every_page_keeps_to_the_policy_tells_no_secret_and_names_its_controls(
    tmp_path: Path, sqlite_url: str
) -> None:
    faults: dict[str, set[str]] = {}
    async with furnished(tmp_path) as house:
        answers = {name: await house.browser.get(path) for name, path in house.addresses.items()}
        for name in ("signin", "join_page"):
            async with house.world.browser(house.console) as stranger:
                answers[f"{name} of a stranger"] = await stranger.get(house.addresses[name])
        kept = secrets(house)
        assert len(kept) > 5
        for name, answer in answers.items():
            wanted = 303 if name.startswith("/") else ODD.get(name, answer.status_code if " " in name else 200)
            found = set() if answer.status_code == wanted else {f"answered {answer.status_code}"}
            found |= {f"no {one}" for one in HEADERS if not answer.headers.get(one)}
            if "text/html" in answer.headers.get("content-type", ""):
                soup = page(answer)
                found |= {*inline(soup), *unnamed(soup)}
                if answer.headers["content-security-policy"] != POLICY:
                    found.add("another policy")
            found |= {f"tells {one[:4]}…" for one in kept if one in answer.text or one in str(answer.headers)}
            faults |= {name: found} if found else {}
        async with house.world.browser(house.console) as viewer:
            viewer.cookies.update((await house.world.person("Vera", "viewer")).cookies)
            assert await offered(house, viewer) == {}
    assert faults == {}
