"""A person at the desks of one experiment: opens pages, sends their forms as a browser would, and pushes commits."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn
from bs4 import Tag
from starlette.types import ASGIApp

from control_plane import wiring
from control_plane.scheduler.engines.local import LocalEngine
from control_plane.scheduler.inventory import Inventory
from control_plane.scheduler.loop import Scheduler
from store_client import ExperimentDetail, JobDetail, StoreClient, TaskDetail, TaskKind
from tests.web.reading import page
from tests.web.work import Worker
from tests.web.world import World

JOB_SECONDS = 120


@dataclass
class Desk:
    """One person's browser on one experiment, and a worker, Ada, who brings tasks about."""

    world: World
    experiment: ExperimentDetail
    browser: httpx.AsyncClient
    ada: Worker

    @classmethod
    async def of(cls, world: World, experiment: ExperimentDetail, browser: httpx.AsyncClient) -> "Desk":
        return cls(world, experiment, browser, await Worker.of(world, experiment))

    @property
    def root(self) -> str:
        return f"/e/{self.experiment.slug}"

    @property
    def store(self) -> StoreClient:
        """The experiment as Ada sees it."""
        return self.ada.store

    async def get(self, path: str) -> httpx.Response:
        """A page of the experiment."""
        return await self.browser.get(self.root + path)

    async def post(self, path: str, data: dict[str, Any] | None = None, **more: Any) -> httpx.Response:
        """An act in the experiment."""
        return await self.browser.post(self.root + path, data=data or {}, **more)

    async def follow(self, answer: httpx.Response) -> httpx.Response:
        """The page that an act leads to."""
        assert answer.status_code == 303, answer.text
        return await self.browser.get(answer.headers["location"])

    async def claim(self, kind: TaskKind) -> tuple[TaskDetail, str]:
        """A task claimed by this person, and the address of its page."""
        task = await self.ada.pending(kind)
        answer = await self.post(f"/desk/{task.task_id}/claim")
        assert answer.status_code == 303, answer.text
        return await self.store.read_task_detail(task.task_id), answer.headers["location"].removeprefix(self.root)

    async def claim_execution(self, slug: str = "try-it", content: str = "Try it.") -> tuple[TaskDetail, str]:
        """An execution task of a new idea, claimed."""
        await self.ada.propose(slug, content=content)
        return await self.claim("execution")

    async def send(self, answer: httpx.Response, act: str = "", **entered: str) -> httpx.Response:
        """Send the form of a page with some fields filled in, by the button of an act."""
        form = work_form(answer)
        fields = fields_of(form) | entered | ({"act": act} if act else {})
        return await self.browser.post(str(form["action"]), data=fields)

    async def send_to(self, answer: httpx.Response, path: str, **entered: str) -> httpx.Response:
        """Send the form of a page by a button that leads elsewhere."""
        return await self.post(path, fields_of(work_form(answer)) | entered)

    async def submitted(self, task_id: str) -> dict[str, Any]:
        return await self.store.read_submission(task_id)

    def push(self, branch: str, parent: str, **files: str) -> str:
        """A commit at the tip of a branch."""
        return self.ada.push(branch, parent, **files)


def work_form(answer: httpx.Response) -> Tag:
    """The form of a desk's page."""
    form = page(answer).find("form", id="work")
    assert isinstance(form, Tag), answer.text
    return form


def fields_of(form: Tag) -> dict[str, str]:
    """What a browser would send for a form as it stands, but for its buttons and files."""
    fields = {
        str(one["name"]): str(one.get("value", "")) for one in form.select("input[name]") if one.get("type") != "file"
    }
    fields |= {str(one["name"]): one.get_text().removeprefix("\n") for one in form.select("textarea[name]")}
    for choice in form.select("select[name]"):
        chosen = choice.select_one("option[selected]") or choice.select_one("option")
        if chosen is not None:
            fields[str(choice["name"])] = str(chosen.get("value", chosen.get_text()))
    return fields


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[str]:
    """An application on a real port, so that git can reach it; its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving
        listener.close()


@contextmanager
def scheduling(world: World) -> Iterator[None]:
    """A scheduler that runs the jobs of a world as long as this lasts."""
    engine = LocalEngine(world.data / "attempts", world.parts.repositories, inventory=Inventory(1))
    scheduler = Scheduler(world.parts.house, engine, wiring.ClaimsForScheduler())
    scheduler.start()
    try:
        yield
    finally:
        scheduler.stop(ends_attempts=True)


async def reached(store: StoreClient, job_id: str, is_so: Callable[[JobDetail], bool]) -> JobDetail:
    """The job as soon as something holds of it."""
    cursor = (await store.read_log(limit=1, is_newest_first=True)).cursor
    async with asyncio.timeout(JOB_SECONDS):
        while not is_so(job := await store.read_experiment_job(job_id)):
            cursor = (await store.read_log(cursor, wait_seconds=0.5)).cursor
    return job


async def ended(desk: Desk, task_id: str) -> JobDetail:
    """The job of a task, when it has ended."""
    job_id = (await desk.store.read_task_detail(task_id)).latest_job_id
    assert job_id is not None
    return await reached(desk.store, job_id, lambda job: job.state.is_final)
