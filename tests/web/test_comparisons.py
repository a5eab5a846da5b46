"""What variants changed: diffs against anything, comparisons of several, and the files of a commit."""

import asyncio
import shutil

import httpx
import pytest

from tests.web.desk import Desk
from tests.web.reading import page, part, says, words
from tests.web.work import Worker
from web_ui.filters import MINUS

ODD = {"a b": "1\n", "q?#&.py": "x = 1\n", "über/ß.txt": "ä\n", "<i>.html": "<script>alert(1)</script>\n"}


@pytest.fixture
async def made(desk_with_git: Desk) -> tuple[Desk, Worker, list[str]]:
    """A better and a worse variant, made in the experiment's repository; their ids."""
    world, one = desk_with_git.world, desk_with_git.experiment
    ada = await Worker.of(world, one)
    await ada.evaluate(error=1.0)
    ids = [await ada.variant("better", 1.4, error=0.25), await ada.variant("worse", 1.9, error=1.5)]
    return desk_with_git, ada, ids


async def test_a_variant_is_compared_with_its_parent_or_any_other(made: tuple[Desk, Worker, list[str]]) -> None:
    desk, ada, (better, worse) = made
    path = f"/e/hello/variants/{worse}/diff"
    whole = await desk.browser.get(path)
    assert "1 file" in says(whole)
    assert "against baseline" in says(whole)
    assert "1.9" in words(page(whole).select_one(".is-added"))
    for other in (better, "2"):
        shown = page(await desk.browser.get(path, params={"other": other}))
        assert words(shown.select_one(".is-removed")) == "-1.4"
        assert words(shown.select_one(".is-added")) == "+1.9"
    base = (await ada.store.read_variant_detail(worse)).parents[0].commit_sha
    assert "1.9" in words(page(await desk.browser.get(path, params={"against": base})).select_one(".is-added"))
    unknown = await desk.browser.get(path, params={"other": "99"})
    assert unknown.status_code == 422
    assert "No variant here has the number or id 99" in says(unknown)


async def test_the_overview_says_how_much_the_best_changed(made: tuple[Desk, Worker, list[str]]) -> None:
    desk, _, (better, _) = made

    link = f"p:has(a[href^='/e/hello/variants/{better}/diff?against='])"
    async with asyncio.timeout(60):  # the repository is read beside the page, which waits a moment for it
        while words(size := part(await desk.get("/"), "best").select_one(link)) == "What it changed":
            pass
    assert words(size) == f"1 file, +1 {MINUS}1 · What it changed"


async def test_long_renamed_and_binary_files_are_told_and_the_rest_is_a_link_away(
    made: tuple[Desk, Worker, list[str]],
) -> None:
    desk, ada, _ = made
    await ada.propose("long")
    variant = await ada.execute(guess__txt="".join(f"{n}\n" for n in range(1200)), picture__png=b"\x89PNG\x00\x01" * 50)
    answer = await desk.browser.get(f"/e/hello/variants/{variant}/diff")
    assert "A binary file: its content is not shown." in says(answer)
    assert len(answer.content) < 150_000
    (rest,) = [one["href"] for one in page(answer).select("main a") if "rest of this file" in words(one)]
    second = await desk.browser.get(str(rest))
    assert len(page(second).select(".diff")) == 1
    (more,) = [one["href"] for one in page(second).select("main a") if "rest of this file" in words(one)]
    third = await desk.browser.get(str(more))
    assert words(page(third).select(".is-added")[-1]) == "+1199"
    assert not [one for one in page(third).select("main a") if "rest of this file" in words(one)]


async def test_two_to_four_are_side_by_side(made: tuple[Desk, Worker, list[str]]) -> None:
    desk, _, (better, worse) = made
    answer = await desk.browser.get("/e/hello/compare", params={"variant": [better, "3", ""]})
    soup = page(answer)
    assert answer.status_code == 200
    rows = {words(row.th): [words(cell) for cell in row.select("td")] for row in soup.select(".compare tbody tr")}
    assert rows["error lower is better"] == ["0.2500", "1.5000 +1.2500"]
    assert rows["Built on"] == ["baseline 1.0000", "baseline 1.0000"]
    assert soup.select_one(".compare .down") is not None
    assert [words(one) for one in soup.select(".side-by-side .is-added")] == ["+1.4", "+1.9"]
    assert "Try it." in words(soup.select_one(".side-by-side .prose"))
    links = {words(one): str(one["href"]) for one in soup.select(".compare a")}
    assert links["Build on this"].startswith("/e/hello/ideator?parent=")
    assert links["Leave out 3 worse"] == f"/e/hello/compare?variant={better}"
    one = await desk.browser.get("/e/hello/compare", params={"variant": worse})
    assert one.status_code == 200
    assert [field["value"] for field in page(one).select("input[name=variant][type=hidden]")] == [worse]
    wrong = await desk.browser.get("/e/hello/compare", params={"variant": [worse, "nobody"]})
    assert wrong.status_code == 422
    assert "nobody" in says(wrong)


async def test_the_files_of_a_commit_are_read_whatever_they_are_called(
    made: tuple[Desk, Worker, list[str]],
) -> None:
    desk, ada, _ = made
    commit = push_odd(ada)
    top = f"/e/hello/code/{commit}"
    listed = {words(one): str(one["href"]) for one in page(await desk.browser.get(top)).select("table a")}
    assert {"über/", "a b", "q?#&.py", "<i>.html", "guess.txt"} <= set(listed)
    shown = page(await desk.browser.get(listed["q?#&.py"]))
    assert words(shown.select_one("#L1 + span")) == "x = 1"
    assert words(shown.select_one(".t-n")) == "1"
    inner = page(await desk.browser.get(listed["über/"])).select("table a")
    assert words(page(await desk.browser.get(str(inner[0]["href"]))).select_one("#L1 + span")) == "ä"
    hostile = await desk.browser.get(listed["<i>.html"])
    assert "<script>alert" not in hostile.text
    (raw,) = [one["href"] for one in page(hostile).select("a[download]")]
    sent = await desk.browser.get(str(raw))
    assert sent.content == b"<script>alert(1)</script>\n"
    assert sent.headers["content-type"] == "application/octet-stream"
    assert sent.headers["content-disposition"] == 'attachment; filename="i.html"'
    assert "sandbox" in sent.headers["content-security-policy"]


def push_odd(ada: Worker) -> str:
    base = ada.experiment.base_commit_sha
    assert base is not None
    return ada.push(f"work/{ada.worker_id}/odd", base, **ODD)


async def test_a_path_that_is_not_there_says_so(made: tuple[Desk, Worker, list[str]]) -> None:
    desk, ada, _ = made
    top = f"/e/hello/code/{ada.experiment.base_commit_sha}"
    for inner in ("nothing", "../guess.txt", "guess.txt/x", ":(glob)*", "\x00", "x" * 5000):
        for path in (top, f"{top}/raw"):
            assert (await desk.browser.get(path, params={"path": inner})).status_code in {400, 404}, (path, inner)
    for commit in ("HEAD", "main", "0" * 40, "abc"):
        assert (await desk.browser.get(f"/e/hello/code/{commit}")).status_code == 404


async def test_a_clone_is_fetched_only_for_what_is_missing_and_the_rest_needs_none(
    made: tuple[Desk, Worker, list[str]], browser_of_admin: httpx.AsyncClient
) -> None:
    desk, _, (better, worse) = made
    chosen = {"variant": [better, worse]}
    await desk.browser.get("/e/hello/compare", params=chosen)
    clone = next((desk.world.data / "clones").glob("*.git"))
    fetched = (clone / "FETCH_HEAD").stat().st_mtime_ns
    await desk.browser.get("/e/hello/compare", params=chosen)
    await desk.browser.get(f"/e/hello/variants/{worse}/diff")
    assert (clone / "FETCH_HEAD").stat().st_mtime_ns == fetched
    shutil.rmtree(clone)
    answer = await browser_of_admin.get("/e/hello/compare", params=chosen)  # this console reaches no repository
    assert answer.status_code == 200
    assert "does not answer now" in says(answer)
    assert "0.2500" in says(answer)
