"""Workers of an experiment: who they are, when they were seen, and their tokens, each shown once."""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response

from store_client import InvalidName, RegisteredWorker, ReservedIdentifier, WorkerDetail
from web_ui.active import Here
from web_ui.failures import sentence
from web_ui.filters import Moment
from web_ui.forms.field import text
from web_ui.frame import experiment_frame
from web_ui.templating import Frame


@dataclass(frozen=True)
class WorkerRow:
    """One worker in the table."""

    worker_id: str
    name: str
    groups: tuple[str, ...]
    last_seen_at: Moment | None
    registered_at: Moment
    open_claims: int
    is_disabled: bool
    reissue_href: str | None


@dataclass(frozen=True)
class Token:
    """A new token, on the one page that ever shows it."""

    worker_id: str
    name: str
    bearer: str


@dataclass(frozen=True)
class Workers:
    """`/e/{experiment}/admin/workers`."""

    template: ClassVar[str] = "admin_workers/index.html"

    frame: Frame
    workers: tuple[WorkerRow, ...]
    may_change: bool
    workers_href: str
    register_href: str
    name: str = ""
    problem: str = ""
    token: Token | None = None


async def index(here: Here) -> Response:
    return await _page(here)


async def register(here: Here) -> Response:
    """Register a worker and show its token, once."""
    name = text(await here.visit.request.form(), "name")
    if not name:
        return await _page(here, problem="A name tells people who does the work. Give the worker one.")
    try:
        made = await here.store.register_experiment_worker(name=name)
    except (InvalidName, ReservedIdentifier) as error:
        return await _page(here, name=name, problem=fault_of(error))
    return await _page(here, token=_token(made))


async def reissue(here: Here) -> Response:
    """Replace a worker's token and show the new one, once; the old one is dead from now on."""
    made = await here.store.reissue_experiment_credential(here.visit.request.path_params["worker"])
    return await _page(here, token=_token(made))


def fault_of(error: InvalidName | ReservedIdentifier) -> str:
    """What is wrong with a name, in a sentence."""
    if isinstance(error, ReservedIdentifier):
        return "This name stands for the system itself. Choose another one."
    return sentence(error.detail)


def _token(made: RegisteredWorker) -> Token:
    return Token(made.worker_id, made.name or made.worker_id, f"{made.worker_id}:{made.registration_token}")


async def _page(here: Here, name: str = "", problem: str = "", token: Token | None = None) -> Response:
    found, fleet = await asyncio.gather(here.store.list_worker_details(), here.visit.client.read_fleet())
    may_change = here.visit.is_administrator
    page = Workers(
        frame=experiment_frame(here, "Workers", "workers", fleet),
        workers=tuple(_row(here, worker, may_change=may_change) for worker in found.workers),
        may_change=may_change,
        workers_href=here.url("workers"),
        register_href=here.url("register_worker"),
        name=name,
        problem=problem,
        token=token,
    )
    return here.visit.show(page, 422 if problem else 200)


def _row(here: Here, worker: WorkerDetail, *, may_change: bool) -> WorkerRow:
    return WorkerRow(
        worker_id=worker.worker_id,
        name=worker.name or worker.worker_id,
        groups=worker.groups,
        last_seen_at=worker.last_seen_at,
        registered_at=worker.registered_at,
        open_claims=worker.open_claims,
        is_disabled=worker.disabled_at is not None,
        reissue_href=here.url("reissue", worker=worker.worker_id) if may_change else None,
    )
