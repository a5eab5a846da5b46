"""Workers of an experiment: who they are, when they were seen, and the acts that let them in and keep them out."""

import asyncio
from dataclasses import dataclass, replace
from typing import ClassVar

from starlette.responses import Response

from store_client import Forbidden, InvalidName, ReservedIdentifier, StoreClient, WorkerDetail, WorkerQuery
from web_ui.active import Here
from web_ui.failures import sentence
from web_ui.filters import Moment
from web_ui.forms.field import text
from web_ui.forms.labels import WrongLine, read_labels
from web_ui.frame import experiment_frame
from web_ui.listing import PAGE, Pager, Place
from web_ui.pages.admin_token import lead_to
from web_ui.templating import Frame

NAMELESS = "A name tells people who does the work. Give the worker one."


@dataclass(frozen=True)
class WorkerRow:
    """One worker in the table."""

    worker_id: str
    name: str
    href: str
    groups: tuple[str, ...]
    last_seen_at: Moment | None
    registered_at: Moment
    open_claims: int
    is_disabled: bool
    reissue_href: str | None
    switch_href: str | None
    """Where it is disabled or enabled; none where this cannot be done."""


@dataclass(frozen=True)
class Entered:
    """What was entered about a new worker, and what is wrong with it."""

    name: str = ""
    labels: str = ""
    problem: str = ""
    labels_problem: str = ""


@dataclass(frozen=True)
class Workers:
    """`/e/{experiment}/admin/workers`."""

    template: ClassVar[str] = "admin_workers/index.html"

    frame: Frame
    workers: tuple[WorkerRow, ...]
    may_change: bool
    why_not: str
    knows_last_seen: bool
    register_href: str
    searched: str
    pager: Pager
    entered: Entered


async def index(here: Here) -> Response:
    """The workers, or those with some words in their name, id or labels."""
    return await _page(here)


async def register(here: Here) -> Response:
    """Register a worker and show its token, once."""
    form = await here.visit.request.form()
    entered = Entered(text(form, "name"), text(form, "labels"))
    labels = read_labels(entered.labels)
    if not entered.name:
        return await _page(here, replace(entered, problem=NAMELESS))
    if isinstance(labels, WrongLine):
        return await _page(here, replace(entered, labels_problem=labels.sentence))
    try:
        made = await registry_of(here).register_experiment_worker(name=entered.name, labels=labels or None)
    except (InvalidName, ReservedIdentifier) as error:
        return await _page(here, replace(entered, problem=fault_of(error)))
    return lead_to(here, made)


async def reissue(here: Here) -> Response:
    """Replace a worker's token and show the new one, once; the old one is dead from now on."""
    return lead_to(here, await registry_of(here).reissue_experiment_credential(_worker(here)))


async def disable(here: Here) -> Response:
    """Take no credential of a worker any more."""
    switched = await registry_of(here).disable_experiment_worker(_worker(here))
    told = f"{switched.name or switched.worker_id} is disabled: its tokens are refused from now on."
    return here.visit.go(here.url("workers"), ("done", told))


async def enable(here: Here) -> Response:
    """Take a worker's token again."""
    switched = await registry_of(here).enable_experiment_worker(_worker(here))
    told = f"{switched.name or switched.worker_id} is enabled: its token works again."
    return here.visit.go(here.url("workers"), ("done", told))


def registry_of(here: Here) -> StoreClient:
    """The experiment as somebody who may change its workers and groups; Forbidden when this person may not."""
    if here.registry is None:
        raise Forbidden(why_not(here))
    return here.registry


def why_not(here: Here) -> str:
    """Why this person only looks."""
    if here.visit.offers.is_ours:
        return "only administrators change who is in an experiment"
    return "this console holds no admin token of the server, which alone may change who is in an experiment"


def _worker(here: Here) -> str:
    return str(here.visit.request.path_params["worker"])


def fault_of(error: InvalidName | ReservedIdentifier) -> str:
    """What is wrong with a name, in a sentence."""
    if isinstance(error, ReservedIdentifier):
        return "This name stands for the system itself. Choose another one."
    return sentence(error.detail)


async def _page(here: Here, entered: Entered | None = None) -> Response:
    place = Place.of(here.visit.request, "q")
    words = place.fields.get("q", "").replace("\x00", "")[:200]
    query = WorkerQuery(q=words or None, limit=PAGE, after=(place.after or "")[:200] or None)
    found, fleet = await asyncio.gather(here.store.list_worker_details(query), here.visit.fleet())
    may_change = here.registry is not None
    page = Workers(
        frame=experiment_frame(here, "Workers", "workers", fleet),
        workers=tuple(_row(here, worker, may_change=may_change) for worker in found.workers),
        may_change=may_change,
        why_not="" if may_change else sentence(why_not(here)),
        knows_last_seen=here.visit.offers.is_ours,
        register_href=here.url("register_worker"),
        searched=words,
        pager=place.pager(len(found.workers), found.next),
        entered=entered or Entered(),
    )
    return here.visit.show(page, 422 if entered is not None else 200)


def _row(here: Here, worker: WorkerDetail, *, may_change: bool) -> WorkerRow:
    switch = "enable_worker" if worker.disabled_at is not None else "disable_worker"
    may_switch = may_change and here.visit.offers.is_ours and not worker.is_service
    return WorkerRow(
        worker_id=worker.worker_id,
        name=worker.name or worker.worker_id,
        href=here.url("worker", worker=worker.worker_id),
        groups=worker.groups,
        last_seen_at=worker.last_seen_at,
        registered_at=worker.registered_at,
        open_claims=worker.open_claims,
        is_disabled=worker.disabled_at is not None,
        reissue_href=here.url("reissue", worker=worker.worker_id) if may_change else None,
        switch_href=here.url(switch, worker=worker.worker_id) if may_switch else None,
    )
