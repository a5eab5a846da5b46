"""A deployment with something of everything, and every address of the console with something real behind it."""

import shutil
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import httpx
from sqlalchemy import insert
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

import web_ui.app
from control_plane.scheduler.gpus import Gpu
from control_plane.scheduler.operations import attempts, views
from control_plane.scheduler.operations.views import View
from control_plane.scheduler.rules.board import GPU_UNITS, Grant, Placement, Slot
from control_plane.scheduler.rules.standing import Held, Seen
from control_plane.scheduler.tables import progress
from control_plane.task_store.checkpoints.ring import Ring
from store_client import BeginBulkAct, ChooseTasks, FetchSource, StoreClient, SubmitJob, TaskChoice, TaskState
from tests.web.desk import Desk, fields_of, served
from tests.web.reading import page
from tests.web.work import worked
from tests.web.world import HELLO, World, entered, open_world

GIB = 1 << 30
GPU = Gpu("GPU-one", 0, "550.54", "H200", 141 * GIB, 1 * GIB, 7, 51, 123.4)
SLOTS = (Slot("GPU-one", "gpu", units=GPU_UNITS, index=0), Slot("cpu:0", "cpu"))
LONG = "an-idea-with-a-name-as-long-as-people-give-when-nobody-stops-them-" + "x" * 50
STREAMS = {"live"}
"""Addresses that answer as long as somebody listens."""


@dataclass(frozen=True)
class Form:
    """A form as it stands: where it is sent, its fields with their values, and the names of its files."""

    action: str
    fields: list[tuple[str, str]]
    files: list[str]


@dataclass(frozen=True)
class Furnished:
    """A world in which everything has happened once, its console with a way to the repositories, and its addresses."""

    world: World
    app: Starlette
    console: ASGIApp
    browser: httpx.AsyncClient
    addresses: dict[str, str]

    async def forms(self) -> list[Form]:
        """Every form of every page that sends something, once for each address that a button of it leads to."""
        found: dict[str, Form] = {}
        for path in self.addresses.values():
            for form in page(await self.browser.get(path)).select("form[method=post]"):
                files = [str(one["name"]) for one in form.select("input[type=file][name]")]
                fields = list(fields_of(form).items())
                actions = [form, *form.select("button[formaction]")]
                for action in (str(one.get("formaction") or one["action"]) for one in actions):
                    found[action] = Form(action, fields, files)
        return list(found.values())


@asynccontextmanager
async def furnished(data: Path) -> AsyncIterator[Furnished]:
    """The deployment with everything in it."""
    async with open_world(data) as world:
        plane = world.line.inner
        assert isinstance(plane, httpx.ASGITransport)
        async with served(plane.app) as address:
            app = web_ui.app.build(replace(world.settings, store_url=address), world.line)
            async with entered(app) as console:
                browser = await world.signed_in(console=console)
                real = await _happen(world, browser)
                yield Furnished(world, app, console, browser, _addresses(app.routes, real))


async def _happen(world: World, browser: httpx.AsyncClient) -> dict[str, str]:
    """Let everything happen once; the words that stand for the parameters of addresses."""
    one = await world.experiment(directory=_source(world.data / "source"))
    for name in ("Sketch", LONG):
        await world.experiment(name, is_draft=name == "Sketch")
    desk = await Desk.of(world, one, browser)
    ada = desk.ada = await worked(world, one)
    await ada.variant("noted", 1.6, error=0.5, note="said of it " * 20)
    tasks = await _claims(desk)
    job = await _jobs(desk)
    act = await _given_away(world.store(one.experiment_id))
    await world.person("Bo")
    await browser.post("/admin/operators/invite", data={"name": "Cy", "username": "cy@example.org", "role": "viewer"})
    bo = next(one for one in await world.deployment.list_operators() if one.name == "Bo")
    variants = (await desk.store.list_variant_page(order="best")).items
    idea = (await desk.store.list_ideas())[0]
    log = await desk.store.read_log(limit=1, is_newest_first=True)
    assert world.parts.indexer is not None
    while world.parts.indexer.round():
        pass
    return {
        **tasks,
        "experiment": "hello",
        "job": str(job),
        "act": act,
        "operator": bo.operator_id,
        "idea": idea.idea_id,
        "uri": idea.artifacts_uri,
        "variant": variants[0].variant_id,
        "other": variants[1].variant_id,
        "commit": str(variants[0].commit_sha),
        "worker": ada.worker_id,
        **await _groups(world, world.store(one.experiment_id), ada.worker_id),
        "position": str(log.events[0].position),
        **await _laid_out(world, one.experiment_id),
    }


async def _laid_out(world: World, experiment_id: str) -> dict[str, str]:
    """An archive of the experiment, and the files of one that is not made yet."""
    ring = Ring(world.data / "checkpoints")
    archive = ring.keep(experiment_id, lambda file: file.write(b"x"), 1e9, is_final=False)
    source = await world.deployment.fetch_source(FetchSource(example="hello"))
    return {"archive": archive.name, "source": source.source_id}


async def _groups(world: World, store: StoreClient, worker_id: str) -> dict[str, str]:
    """A group in a group, and one of the deployment."""
    shift = await store.register_group("night shift", (worker_id,))
    await store.register_group(LONG, (worker_id, (await store.register_worker(LONG)).worker_id))
    night = await store.register_group("night", (shift.group_id,))
    (admins,) = (await world.deployment.list_deployment_groups("admins")).groups
    return {"group": night.group_id, "group of the deployment": admins.group_id}


def _source(folder: Path) -> Path:
    """The hello experiment with more metrics and several variants at once."""
    shutil.copytree(HELLO, folder)
    config = folder / ".eden" / "config.yaml"
    text = config.read_text().replace("parallel_variants: 1", "parallel_variants: 3")
    config.write_text(text.replace("{error: real}", "{error: real, steps: integer, note: text}"))
    return folder


async def _given_away(store: StoreClient) -> str:
    """An act on every task that waits."""
    chosen = TaskChoice(state=TaskState.PENDING)
    seen = await store.preview_bulk_act(ChooseTasks(act="reassign", filter=chosen))
    body = BeginBulkAct(act="reassign", filter=chosen, reason="again", expected_count=seen.matched, up_to=seen.up_to)
    return (await store.begin_bulk_act(body)).act_id


async def _claims(desk: Desk) -> dict[str, str]:
    """One claim of the person's at each desk, and one task that is done."""
    await desk.ada.propose("at-the-desk")
    await desk.ada.execute(guess__txt="1.5\n")
    evaluation, _ = await desk.claim("evaluation")
    await desk.ada.propose(LONG, content="# Why\n\n" + "word " * 200 + "\n\n```\n" + "x" * 300 + "\n```\n")
    execution, _ = await desk.claim("execution")
    ideation, path = await desk.claim("ideation")
    sent = await desk.send(await desk.get(path), "submit", **{"content-1": "Use 1.41.", "name-1": "closer"})
    again, _ = await desk.claim("ideation")
    assert sent.status_code == 303, sent.text
    return {
        "evaluator": evaluation.task_id,
        "executor": execution.task_id,
        "ideator": again.task_id,
        "desk": ideation.task_id,
        "task": ideation.task_id,
    }


async def _jobs(desk: Desk) -> int:
    """A job that runs on a GPU and reports, and one that waits; the number of the first."""
    house = desk.world.parts.house
    store = desk.world.store(desk.experiment.experiment_id)

    async def submit(**spec: Any) -> Any:
        return await store.submit_job(SubmitJob.model_validate({"command": ("true",), **spec}))

    job = await submit(name="train")
    await submit(name="sweep", resources={"gpus": 2}, tags=["night"])
    placement = Placement(job.job_id, (Grant("GPU-one", tuple(range(4))),))
    await house.write(lambda tx: attempts.place(tx, placement))
    await house.write(lambda tx: attempts.start(tx, job.job_id, 1))
    said = {"at": job.created_at, "fraction": 0.62, "message": "epoch 62"}
    row = {"job_id": job.job_id, "attempt": 1, "at": job.created_at, "said": said}
    await house.write(lambda tx: tx.connection.execute(insert(progress).values(**row)).close())
    seen = {"GPU-one": Seen("usable", processes=(Held(4711, 20 * GIB, ((job.job_id, 1),), "bob", "python"),))}
    await house.write(lambda tx: views.save(tx, View("", SLOTS, (GPU,), seen)))
    return int(job.number)


def _addresses(routes: Sequence[BaseRoute], real: dict[str, str]) -> dict[str, str]:
    """The address of every GET route by its name."""
    queries: dict[str, dict[str, Any]] = {
        "search": {"q": "better"},
        "preview_cancel": {"name": "sweep"},
        "bulk_preview": {"act": "reassign", "state": "pending"},
        "compare": {"variant": [real["variant"], real["other"]]},
        "raw": {"path": "guess.txt"},
        **{name: {"uri": real["uri"]} for name in ("artifact", "artifact_view", "artifact_picture")},
    }
    found = {}
    for pattern, name in _patterns(routes):
        room = pattern.removeprefix("/e/{experiment}/").split("/")[0]
        group = "group of the deployment" if name.startswith("deployment_") else "group"
        words = {**real, "task": real.get(room, real["task"]), "group": real[group]}
        parts = [
            quote(words[part.strip("{}")], safe="") if part.startswith("{") else part for part in pattern.split("/")
        ]
        query = urlencode(queries.get(name, {}), doseq=True)
        found[pattern if name == "serve" else name] = "/".join(parts) + (f"?{query}" if query else "")
    return found


def _patterns(routes: Sequence[BaseRoute], prefix: str = "") -> Iterator[tuple[str, str]]:
    for route in routes:
        if isinstance(route, Mount) and route.routes:
            yield from _patterns(route.routes, prefix + route.path)
        elif isinstance(route, Route) and "GET" in (route.methods or ()) and route.name not in STREAMS:
            yield prefix + route.path, route.name
