"""What people and workers handed in is shown as far as it can be, and nothing of it is ever run."""

import gzip
import io
import json
import tarfile
import zipfile

import httpx
import pytest

from store_client import (
    CreateIdea,
    CreateVariant,
    EvaluationResult,
    ExecutionResult,
    ExperimentDetail,
    Upload,
    VariantStatus,
)
from tests.web.reading import page, says, words
from tests.web.work import Worker, now
from tests.web.world import World
from web_ui import bundles

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 40
HOSTILE = "<script>alert(1)</script>"


def zipped(**files: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "."), text)
    return content.getvalue()


def tarred(**files: bytes) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name.replace("__", "."))
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text))
    return content.getvalue()


FILES = {
    "notes.md": (f"# Title\n\n**bold** {HOSTILE}\n".encode(), "h3, .prose", "bold"),
    "code.py": (b"import os  # why\n", ".t-c", "# why"),
    "table.csv": (b"step,loss\n1,0.5\n2,<b>0.4</b>\n", "td", "1"),
    "data.json": (json.dumps({"a": [1, HOSTILE]}).encode(), ".file", '"a" : ['),
    "page.html": (HOSTILE.encode(), ".file", "alert("),
    "picture.svg": (f"<svg xmlns='http://www.w3.org/2000/svg'>{HOSTILE}</svg>".encode(), ".file", "svg"),
    "picture.png": (PNG, "img", ""),
    "lies.png": (HOSTILE.encode(), ".file", HOSTILE),
    "paper.pdf": (b"%PDF-1.7 x", "p.sub", "A PDF: download it"),
    "weights.bin": (b"\x00\x01", "p.sub", "A binary file"),
    "empty.txt": (b" "[:0] + b"\n", ".file", ""),
    "broken.zip": (b"PK nonsense", "p.sub", "cannot be read as one"),
    "files.zip": (zipped(a__txt=b"in the zip"), "td a", "a.txt"),
    "files.tar.gz": (tarred(b__txt=b"in the tar"), "td a", "b.txt"),
}


async def cited(ada: Worker, name: str, content: bytes) -> str:
    """The address of a file that an idea cites."""
    uri = (await ada.store.deposit_artifact(Upload(name, content))).artifacts_uri
    body = {"idea_id": f"i-{name}", "experiment_id": ada.experiment.experiment_id, "slug": "file", "priority": 1}
    parents = (ada.experiment.base_commit_sha,)
    rest = {"parent_commits": parents, "artifacts_uri": uri, "state": "drafting", "created_at": now()}
    await ada.store.create_idea(CreateIdea.model_validate(body | rest))
    return uri


async def test_every_kind_of_file_is_shown_or_said_to_be_for_download(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    ada = await Worker.of(world, hello)
    for name, (content, where, said) in FILES.items():
        uri = await cited(ada, name, content)
        answer = await browser_of_admin.get("/e/hello/artifacts/view", params={"uri": uri})
        assert answer.status_code == 200, name
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        shown = page(answer).select_one("main .card")
        assert shown is not None
        assert said in " ".join(words(one) for one in shown.select(where)), (name, words(shown))
        trail = page(answer).select_one("nav.crumbs a")
        assert trail is not None
        assert (words(trail), trail["href"]) == ("Idea file", f"/e/hello/ideas/i-{name}")
        assert HOSTILE not in answer.text, name
        assert not page(answer).select("main :is(script, iframe, object, embed)"), name
        for one in (*shown.select("td a"), *shown.select("img")):
            inner = await browser_of_admin.get(str(one.get("href") or one["src"]))
            assert inner.status_code == 200, name
            if one.name == "a":
                assert "in the" in says(inner)
            else:
                assert (inner.headers["content-type"], inner.content) == ("image/png", PNG)
                assert "sandbox" in inner.headers["content-security-policy"]


async def test_a_file_that_is_not_there_says_so_on_its_page(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    answer = await browser_of_admin.get("/e/hello/artifacts/view", params={"uri": "eden://artifacts/" + "0" * 32})
    assert (answer.status_code, "The file cannot be read" in says(answer)) == (200, True)


async def test_only_pictures_are_given_out_to_be_shown(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    ada = await Worker.of(world, hello)
    for name in ("page.html", "picture.svg", "lies.png", "broken.zip"):
        uri = await cited(ada, name, FILES[name][0])
        answer = await browser_of_admin.get("/e/hello/artifacts/picture", params={"uri": uri})
        assert (answer.status_code, HOSTILE in answer.text) == (404, False), name
    uri = await cited(ada, "files.zip", FILES["files.zip"][0])
    for entry in ("../etc/passwd", "b.txt"):
        answer = await browser_of_admin.get("/e/hello/artifacts/view", params={"uri": uri, "entry": entry})
        assert "holds no such file" in says(answer)


def test_a_bundle_that_unpacks_to_too_much_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "MOST_UNPACKED", 1_000_000)
    bomb = tarred(zeros=b"\x00" * 4_000_000)
    assert len(bomb) < 10_000
    for read in (lambda: bundles.entries("x.tgz", bomb), lambda: bundles.read_entry("x.tgz", bomb, "after", 10)):
        with pytest.raises(bundles.Unreadable):
            read()
    for content in (b"", b"PK", gzip.compress(b"x"), bomb[:40]):
        for name in ("x.zip", "x.tar.gz"):
            with pytest.raises(bundles.Unreadable):
                bundles.read_entry(name, content, "a", 10)


async def test_what_every_role_left_behind_is_on_the_page_of_the_variant(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    ada = await Worker.of(world, hello)
    await ada.evaluate(error=1.0)
    await ada.propose("told", content="What the **idea** says.")
    task = await ada.claim("execution")
    made = (await ada.store.deposit_artifact(Upload("made.md", b"What the *executor* left."))).artifacts_uri
    variant_id = await started(ada, task.subject_id, task.parent_commits)
    commit = ada.push(f"work/{ada.worker_id}/{variant_id}", task.parent_commits[0], guess__txt="1.2\n")
    done = ExecutionResult(variant_id=variant_id, status="success", commit_sha=commit, artifacts_uri=made)
    await ada.store.submit_task(task.task_id, done)
    measured = await ada.claim("evaluation")
    desk = says(await browser_of_admin.get(f"/e/hello/evaluator/{measured.task_id}"))
    assert "What the executor kept made.md" in desk
    assert "What the executor left." in desk
    seen = (await ada.store.deposit_artifact(Upload("curve.csv", b"step,loss\n1,0.25\n"))).artifacts_uri
    scored = EvaluationResult(variant_id=variant_id, status="success", evaluation={"error": 0.5}, artifacts_uri=seen)
    await ada.store.submit_task(measured.task_id, scored)
    await world.decide()
    said = says(await browser_of_admin.get(f"/e/hello/variants/{variant_id}"))
    for part in ("The idea", "What the idea says.", "From the execution", "What the executor left.", "made.md",
                 "From the evaluation", "curve.csv", "0.25"):  # fmt: skip
        assert part in said, part


async def started(ada: Worker, idea_id: str | None, parents: tuple[str, ...]) -> str:
    """A variant that is being made."""
    body = CreateVariant(
        variant_id="v-told", experiment_id=ada.experiment.experiment_id, idea_id=idea_id,
        status=VariantStatus.STARTING, parent_commits=parents, branch=f"work/{ada.worker_id}/v-told", started_at=now(),
    )  # fmt: skip
    return (await ada.store.create_variant(body)).variant_id
