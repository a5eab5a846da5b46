"""Workers of an experiment or of the deployment: when they were seen, and what lets them in and keeps them out."""

import asyncio
from dataclasses import dataclass, replace
from typing import ClassVar

from starlette.responses import Response

from store_client import InvalidName, ReservedIdentifier, WorkerDetail, WorkerQuery
from web_ui.failures import sentence
from web_ui.filters import Moment
from web_ui.forms.field import text
from web_ui.forms.labels import WrongLine, read_labels
from web_ui.listing import PAGE, Pager, Place
from web_ui.pages.admin_token import lead_to
from web_ui.registries import Registry, part_of
from web_ui.templating import Frame

SENTENCES = {
    "experiment": "Every person and program that may claim work in this experiment. Each has a token of its own.",
    "deployment": "Every person, host and service. In each experiment they get a worker of their own.",
}
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
    is_service: bool
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
    """`/e/{experiment}/admin/workers`, and `/admin/workers` of the deployment."""

    template: ClassVar[str] = "admin_workers/index.html"

    frame: Frame
    sentence: str
    is_of_deployment: bool
    workers: tuple[WorkerRow, ...]
    may_change: bool
    why_not: str
    knows_last_seen: bool
    register_href: str
    searched: str
    all_href: str
    pager: Pager
    entered: Entered


async def index(registry: Registry) -> Response:
    """The workers, or those with some words in their name, id or labels."""
    return await _page(registry)


async def register(registry: Registry) -> Response:
    """Register a worker and show its token, once."""
    form = await registry.visit.request.form()
    entered = Entered(text(form, "name"), text(form, "labels"))
    labels = read_labels(entered.labels)
    if not entered.name:
        return await _page(registry, replace(entered, problem=NAMELESS))
    if isinstance(labels, WrongLine):
        return await _page(registry, replace(entered, labels_problem=labels.sentence))
    try:
        made = await registry.register(entered.name, labels or None)
    except (InvalidName, ReservedIdentifier) as error:
        return await _page(registry, replace(entered, problem=fault_of(error)))
    return lead_to(registry, made)


async def reissue(registry: Registry) -> Response:
    """Replace a worker's token and show the new one, once; the old one is dead from now on."""
    return lead_to(registry, await registry.reissue(part_of(registry, "worker")))


async def disable(registry: Registry) -> Response:
    """Take no credential of a worker any more."""
    switched = await registry.disable(part_of(registry, "worker"))
    told = f"{switched.name or switched.worker_id} is disabled: its tokens are refused from now on."
    return registry.visit.go(registry.url("workers"), ("done", told))


async def enable(registry: Registry) -> Response:
    """Take a worker's token again."""
    switched = await registry.enable(part_of(registry, "worker"))
    told = f"{switched.name or switched.worker_id} is enabled: its token works again."
    return registry.visit.go(registry.url("workers"), ("done", told))


def fault_of(error: InvalidName | ReservedIdentifier) -> str:
    """What is wrong with a name, in a sentence."""
    if isinstance(error, ReservedIdentifier):
        return "This name stands for the system itself. Choose another one."
    return sentence(error.detail)


async def _page(registry: Registry, entered: Entered | None = None) -> Response:
    place = Place.of(registry.visit.request, "q")
    words = place.fields.get("q", "").replace("\x00", "")[:200]
    query = WorkerQuery(q=words or None, limit=PAGE, after=(place.after or "")[:200] or None)
    found, frame = await asyncio.gather(registry.workers(query), registry.frame("Workers", "workers"))
    page = Workers(
        frame=frame,
        sentence=SENTENCES[registry.scope],
        is_of_deployment=registry.scope == "deployment",
        workers=tuple(_row(registry, worker) for worker in found.workers),
        may_change=not registry.why_not,
        why_not=sentence(registry.why_not) if registry.why_not else "",
        knows_last_seen=registry.visit.offers.is_ours,
        register_href=registry.url("register_worker"),
        searched=words,
        all_href=registry.url("workers"),
        pager=place.pager(len(found.workers), found.next, found.total, is_more=found.is_more),
        entered=entered or Entered(),
    )
    return registry.visit.show(page, 422 if entered is not None else 200)


def _row(registry: Registry, worker: WorkerDetail) -> WorkerRow:
    """A service of the deployment gets its token when the deployment starts, and is never switched off."""
    switch = "enable_worker" if worker.disabled_at is not None else "disable_worker"
    may_switch = not registry.why_not and registry.visit.offers.is_ours and not worker.is_service
    may_reissue = not registry.why_not and not (worker.is_service and registry.scope == "deployment")
    return WorkerRow(
        worker_id=worker.worker_id,
        name=worker.name or worker.worker_id,
        href=registry.href_of(worker.worker_id),
        groups=worker.groups,
        last_seen_at=worker.last_seen_at,
        registered_at=worker.registered_at,
        open_claims=worker.open_claims,
        is_disabled=worker.disabled_at is not None,
        is_service=worker.is_service,
        reissue_href=registry.url("reissue", worker=worker.worker_id) if may_reissue else None,
        switch_href=registry.url(switch, worker=worker.worker_id) if may_switch else None,
    )
