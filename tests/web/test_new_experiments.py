"""Experiments made in the console: files brought, looked at and made one, cloned, and all of them listed."""

import io
import tarfile
import zipfile

import httpx
import yaml

from store_client import ExperimentDetail, RegisterExperiment
from tests.web.reading import page, part, rows, says
from tests.web.world import HELLO, World

PATH = "/admin/experiments"
CONFIG = {
    "name": "Brought",
    "parallel_variants": 1,
    "evaluation_schema": {"error": "real"},
    "objective": {"expr": "error", "direction": "minimize"},
}
FILES = {"mine/experiment.yaml": yaml.safe_dump(CONFIG).encode(), "mine/run.sh": b"#!/bin/sh\n", "mine/a/b.txt": b"b"}


def zipped(**files: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as packed:
        for name, content in files.items():
            packed.writestr(name.replace("__", "/"), content)
    return made.getvalue()


def tarred() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for name, content in FILES.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return made.getvalue()


async def send(browser: httpx.AsyncClient, files: dict[str, bytes], **data: str) -> httpx.Response:
    sent = [("files", (name, content, "application/octet-stream")) for name, content in files.items()]
    return await browser.post(f"{PATH}/new/upload", data=data, files=sent)


async def look(browser: httpx.AsyncClient, brought: httpx.Response) -> httpx.Response:
    assert brought.status_code == 303, says(brought)
    return await browser.get(brought.headers["location"])


async def names(world: World) -> list[str]:
    return sorted(one.name for one in await world.deployment.list_experiment_summaries())


async def test_a_folder_is_looked_at_and_then_made_an_experiment(
    world: World, browser_of_admin: httpx.AsyncClient
) -> None:
    for number, files in enumerate((FILES, {"files.tar.gz": tarred()})):
        seen = await look(browser_of_admin, await send(browser_of_admin, files))
        assert "This is what the experiment would be" in says(seen)
        assert "minimise error" in says(seen)
        assert await names(world) == ["Brought", "Brought"][:number]
        made = await browser_of_admin.post(f"{seen.url.path}/create", data={"name": "Brought", "start": "draft"})
        shown = await browser_of_admin.get(made.headers["location"])
        assert "Brought is made as a draft" in says(shown)
        assert (await browser_of_admin.get(seen.url.path)).status_code == 404
    second, first = await world.deployment.list_experiment_summaries()
    assert (first.slug, second.slug, first.status) == ("brought", "brought-2", "draft")
    tree = world.git(
        "ls-tree", "-r", "--format=%(objectmode) %(path)", "main", cwd=world.repository(first.experiment_id)
    )
    assert tree.split("\n") == ["100644 a/b.txt", "100644 experiment.yaml", "100755 run.sh"]
    assert not list((world.data / "sources").iterdir())


async def test_an_example_becomes_an_experiment_of_ones_own(world: World, browser_of_admin: httpx.AsyncClient) -> None:
    begun = await browser_of_admin.get(f"{PATH}/new")
    assert {one["value"] for one in page(begun).select("input[name=example]")} == {"digits", "hello", "packing"}
    brought = await browser_of_admin.post(f"{PATH}/new/fetch", data={"example": "hello"})
    seen = await look(browser_of_admin, brought)
    assert "the example hello" in says(seen)
    await browser_of_admin.post(f"{seen.url.path}/create", data={"name": "My own", "start": "now"})
    (one,) = await world.deployment.list_experiment_summaries()
    assert (one.name, one.status) == ("My own", "running")
    config = await world.store(one.experiment_id).read_config()
    assert config.text == (HELLO / ".eden" / "config.yaml").read_text()


async def test_files_that_make_no_experiment_say_why_and_make_none(
    world: World, browser_of_admin: httpx.AsyncClient
) -> None:
    odd = {**FILES, "mine/experiment.yaml": b"parallel_variants: 0\nobjective: {expr: x}\n"}
    seen = await look(browser_of_admin, await send(browser_of_admin, odd))
    assert "experiment.yaml, line 1: parallel_variants" in says(seen)
    assert "evaluation_schema is missing" in says(seen)
    assert not page(seen).select("form[action$=create]")
    forced = await browser_of_admin.post(f"{seen.url.path}/create", data={"name": "x"})
    assert (forced.status_code, "Nothing was made:" in says(forced)) == (422, True)
    bare = await look(browser_of_admin, await send(browser_of_admin, {"a.txt": b"a"}))
    assert "the files have neither .eden/config.yaml nor experiment.yaml" in says(bare)
    refused = {
        "Choose a folder": {},
        "is no path of a file": {"x.zip": zipped(**{"..__..__etc__passwd": b"x"})},
        "damaged": {"x.tar.gz": b"\x1f\x8bnothing"},
        "Send one archive": {"x.zip": b"PK", "a.txt": b"a"},
    }
    for why, files in refused.items():
        answer = await send(browser_of_admin, files)
        assert (answer.status_code, why in says(answer)) == (422, True), says(answer)
    await browser_of_admin.post(f"{seen.url.path}/drop")
    assert await names(world) == []


async def test_repositories_are_fetched_from_outside_alone(browser_of_admin: httpx.AsyncClient) -> None:
    for address, why in (
        ("file:///etc", "begins with https://"),
        ("/etc", "begins with https://"),
        ("https://127.0.0.1/x.git", "leads to a machine inside"),
        ("https://localhost/x.git", "leads to a machine inside"),
        ("https://[::ffff:127.0.0.1]/x.git", "leads to a machine inside"),
        ("https://169.254.169.254/latest", "leads to a machine inside"),
        ("https://ada:secret@example.org/x.git", "leave names and passwords out"),
        ("https://" + "x" * 3_000, "too long"),
    ):
        answer = await browser_of_admin.post(f"{PATH}/new/fetch", data={"git_url": address})
        assert answer.status_code == 422
        assert why in says(answer) or why.capitalize() in says(answer), says(answer)


async def test_a_registered_id_gets_its_experiment(world: World, browser_of_admin: httpx.AsyncClient) -> None:
    entry = await world.deployment.register_experiment(RegisterExperiment(name="Promised", config_uri="file:/x"))
    listed = await browser_of_admin.get(PATH)
    link = page(listed).select_one("#unmade ~ a, [aria-labelledby=unmade] a")
    assert link is not None
    begun = await browser_of_admin.get(str(link["href"]))
    assert entry.experiment_id in says(begun)
    brought = await send(browser_of_admin, FILES, **{"as": entry.experiment_id})
    seen = await look(browser_of_admin, brought)
    data = {"name": "Kept promise", "start": "now", "as": entry.experiment_id}
    await browser_of_admin.post(f"{seen.url.path}/create", data=data)
    (one,) = await world.deployment.list_experiment_summaries()
    assert (one.experiment_id, one.name) == (entry.experiment_id, "Kept promise")
    assert not page(await browser_of_admin.get(PATH)).select("[aria-labelledby=unmade]")


async def test_a_clone_begins_with_the_same_config_and_commit(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    text = (await world.store(hello.experiment_id).read_config()).text + "# tuned\n"
    await world.store(hello.experiment_id).change_config(text, 1)
    begun = await browser_of_admin.get(f"{PATH}/new", params={"clone_of": hello.experiment_id})
    name = page(begun).select_one("#clone-name")
    assert name is not None
    assert name["value"] == "Hello, again"
    data = {"clone_of": hello.experiment_id, "name": "Twin", "start": "draft"}
    made = await browser_of_admin.post(f"{PATH}/clone", data=data)
    assert made.headers["location"] == "/e/twin/"
    (twin,) = await world.deployment.list_experiment_summaries(slug="twin")
    store = world.store(twin.experiment_id)
    assert (await store.read_config()).text == text
    assert (await store.read_experiment_detail()).base_commit_sha == hello.base_commit_sha
    assert (await browser_of_admin.post(f"{PATH}/clone", data={**data, "clone_of": "x"})).status_code == 422
    nowhere = await browser_of_admin.post(f"{PATH}/clone", data={**data, "clone_of": "exp_" + "0" * 26})
    assert (nowhere.status_code, "there is no experiment" in says(nowhere).lower()) == (422, True)


async def test_the_list_says_what_each_does_and_is_searched(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    await world.experiment("Sketch", is_draft=True)
    await world.store(hello.experiment_id).end_experiment()
    await world.store(hello.experiment_id).archive_experiment()
    listed = rows(part(await browser_of_admin.get(PATH), "experiments"))
    assert [row[:2] for row in listed] == [["Sketch sketch", "draft"]]
    found = await browser_of_admin.get(PATH, params={"archived": "true", "q": "HELL"})
    assert [row[:2] for row in rows(part(found, "experiments"))] == [["Hello hello", "completed"]]
    assert "No experiment is like that" in says(await browser_of_admin.get(PATH, params={"q": "hell"}))


async def test_only_administrators_of_the_deployment_make_experiments(world: World, hello: ExperimentDetail) -> None:
    bo = await world.person("Bo")
    (person,) = [one for one in await world.deployment.list_operators() if one.name == "Bo"]
    await world.deployment.grant_role(person.operator_id, hello.experiment_id, "administrator")
    for path in (PATH, f"{PATH}/new", f"{PATH}/new/src_{'0' * 26}"):
        assert (await bo.get(path)).status_code == 403, path
    for act in ("clone", "new/upload", "new/fetch", f"new/src_{'0' * 26}/create", f"new/src_{'0' * 26}/drop"):
        data = {"clone_of": hello.experiment_id, "name": "Mine", "example": "hello"}
        assert (await bo.post(f"{PATH}/{act}", data=data)).status_code == 403, act
    assert PATH not in (await bo.get("/")).text
    assert await names(world) == ["Hello"]
