"""Checkpoints in the console: saved, listed, fetched, deleted, checked and brought back, by those who may."""

import io
import tarfile
import time

import httpx

from control_plane.task_store.checkpoints.ring import Ring
from store_client import ExperimentDetail
from tests.web.reading import page, part, rows, says, words
from tests.web.work import worked
from tests.web.world import World

PATH = "/e/hello/admin/checkpoints"


def ring(world: World) -> Ring:
    return Ring(world.data / "checkpoints")


def keep(world: World, one: ExperimentDetail, *, is_final: bool = False) -> str:
    """An archive that the server wrote by itself; its name."""
    kept = ring(world).keep(one.experiment_id, lambda file: file.write(b"an archive"), time.time(), is_final=is_final)
    return kept.name


async def hand_in(browser: httpx.AsyncClient, content: bytes, act: str) -> httpx.Response:
    files = {"archive": ("hello.tar", content, "application/x-tar")}
    return await browser.post(f"{PATH}/import", data={"act": act}, files=files)


async def test_an_experiment_is_saved_checked_and_brought_back_in_the_browser(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    await worked(world, hello)
    saved = await browser_of_admin.post(f"{PATH}/save")
    assert saved.status_code == 200
    assert saved.headers["content-disposition"].startswith('attachment; filename="hello-')
    with tarfile.open(fileobj=io.BytesIO(saved.content)) as archive:
        assert any(name.endswith("variants.jsonl") for name in archive.getnames())
    checked = await hand_in(browser_of_admin, saved.content, "check")
    assert "This archive can be imported" in says(checked)
    assert "Variants 5" in says(checked)
    assert len(await world.deployment.list_experiment_summaries()) == 1
    brought = await hand_in(browser_of_admin, saved.content, "import")
    assert "Imported as a new experiment" in says(brought)
    link = page(brought).select_one("#report ~ a")
    assert link is not None
    opened = await browser_of_admin.get(str(link["href"]))
    assert opened.status_code == 200
    assert len(await world.deployment.list_experiment_summaries()) == 2


async def test_what_is_no_archive_is_refused_with_what_is_wrong_and_makes_nothing(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    for act in ("check", "import"):
        refused = await hand_in(browser_of_admin, b"not a tar at all", act)
        assert refused.status_code == 422
        assert "Nothing was made:" in says(refused)
    empty = await browser_of_admin.post(f"{PATH}/import", data={"act": "import"})
    assert empty.status_code == 422
    assert "Choose the archive" in says(empty)
    assert [one.experiment_id for one in await world.deployment.list_experiment_summaries()] == [hello.experiment_id]


async def test_kept_archives_are_listed_with_age_and_size_fetched_and_deleted(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    assert "not enabled" in says(await browser_of_admin.get(PATH))
    first, last = keep(world, hello), keep(world, hello, is_final=True)
    listed = rows(part(await browser_of_admin.get(PATH), "kept"))
    assert [row[0] for row in listed] == [f"{last} of the end, kept for good", f"{first} automatic"]
    assert [row[1] for row in listed] == ["10 B", "10 B"]
    assert (await browser_of_admin.get(f"{PATH}/{first}")).content == b"an archive"
    gone = await browser_of_admin.post(f"{PATH}/{first}/delete")
    assert f"{first} is deleted." in says(await browser_of_admin.get(gone.headers["location"]))
    assert (await browser_of_admin.get(f"{PATH}/{first}")).status_code == 404
    assert (await browser_of_admin.post(f"{PATH}/{first}/delete")).status_code == 404
    assert (await browser_of_admin.post(f"{PATH}/..%2f..%2fpepper/delete")).status_code == 404
    assert [one.name for one in ring(world).of(hello.experiment_id)] == [last]


async def test_others_than_administrators_are_told_why_there_is_nothing_for_them(
    world: World, hello: ExperimentDetail
) -> None:
    name, bo = keep(world, hello), await world.person("Bo")
    answer = await bo.get(PATH)
    assert "Only administrators of this experiment" in says(answer)
    assert name not in answer.text
    assert not page(answer).select("main form")
    assert (await bo.get(f"{PATH}/{name}")).status_code == 403
    assert (await bo.post(f"{PATH}/{name}/delete")).status_code == 403
    assert (await bo.post(f"{PATH}/save")).status_code == 403
    assert (await hand_in(bo, b"x", "import")).status_code == 403
    assert ring(world).of(hello.experiment_id)


async def test_the_schedule_says_how_often_and_when_the_next_is_due(
    world: World, browser_of_admin: httpx.AsyncClient
) -> None:
    config = {
        "parallel_variants": 1,
        "evaluation_schema": {"error": "real"},
        "objective": {"expr": "error", "direction": "minimize"},
        "auto_checkpoint": {"enabled": True, "interval_seconds": 600, "retention_count": 2},
    }
    one = await world.experiment("Kept", config=config, automation=None)
    keep(world, one)
    answer = await browser_of_admin.get("/e/kept/admin/checkpoints")
    said = words(page(answer).select_one("[aria-labelledby=schedule]"))
    assert "One is written every 10 min, the newest 2 archives are kept" in said
    assert "The next is due at" in said
