"""The queue: what runs, what waits and why, what ended, and the slots it all runs on."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response

from store_client import ExperimentSummary, Fleet, Job, SlotInfo
from web_ui.active import Here, find
from web_ui.filters import Moment, size
from web_ui.frame import deployment_frame, experiment_frame
from web_ui.job_words import lasted, needs, status_text, what_for, why
from web_ui.listing import Pager, Place
from web_ui.templating import Frame, Tab
from web_ui.visit import Visit

MOST_OPEN = 200
ENDED = 25


@dataclass(frozen=True)
class JobRow:
    """One job in a table; `moment` is when it began to be what it is, `lasted` how long an ended one ran."""

    job_id: str
    number: int
    name: str
    href: str
    where: str
    needs: str
    priority: int
    status: str
    status_text: str
    why: str
    moment: Moment
    lasted: str


@dataclass(frozen=True)
class SlotRow:
    """One GPU, with what its driver reads."""

    name: str
    model: str
    status: str
    facts: str
    load: float | None
    memory: float | None
    job_number: int | None
    job_href: str | None


@dataclass(frozen=True)
class Slots:
    """The slots card: each GPU by itself, CPU slots as one figure."""

    gpus: tuple[SlotRow, ...]
    cpus_busy: int
    cpus_total: int
    cpu_jobs: tuple[tuple[int, str], ...]
    """The number and address of each job on a CPU slot."""


@dataclass(frozen=True)
class Queue:
    """The page at /queue, and at /e/{experiment}/jobs for one experiment."""

    template: ClassVar[str] = "queue/index.html"

    frame: Frame
    title: str
    sentence: str
    filters: tuple[Tab, ...]
    open_jobs: tuple[JobRow, ...]
    more_open: int
    ended: tuple[JobRow, ...]
    pager: Pager
    slots: Slots
    is_of_experiment: bool


async def show(visit: Visit) -> Response:
    """Every experiment's jobs, or those of the one that the address names."""
    place = Place.of(visit.request, "experiment")
    experiments = await visit.client.list_experiment_summaries()
    chosen = find(experiments, place.fields.get("experiment", ""))
    scope = chosen.experiment_id if chosen else None
    open_page, ended_page, fleet = await asyncio.gather(
        visit.client.list_jobs(scope, is_open=True, limit=MOST_OPEN),
        visit.client.list_jobs(scope, is_open=False, after=place.after, limit=ENDED),
        visit.client.read_fleet(),
    )
    rows = Rows(visit, experiments)
    return visit.show(
        Queue(
            frame=deployment_frame(visit, experiments, "Queue", "queue", fleet),
            title="Queue",
            sentence=sentence(open_page.items),
            filters=_filters(place, experiments, chosen),
            open_jobs=rows.of(open_page.items),
            more_open=(open_page.total or 0) - len(open_page.items),
            ended=rows.of(ended_page.items),
            pager=place.pager(len(ended_page.items), ended_page.next, ended_page.total, size=ENDED),
            slots=slots(visit, fleet),
            is_of_experiment=False,
        )
    )


async def of_experiment(here: Here) -> Response:
    """One experiment's jobs."""
    visit, place = here.visit, Place.of(here.visit.request)
    open_page, ended_page, fleet = await asyncio.gather(
        here.store.list_experiment_jobs(is_open=True, limit=MOST_OPEN),
        here.store.list_experiment_jobs(is_open=False, after=place.after, limit=ENDED),
        visit.client.read_fleet(),
    )
    rows = Rows(visit, ())
    return visit.show(
        Queue(
            frame=experiment_frame(here, "Jobs", "experiment_jobs", fleet),
            title="Jobs",
            sentence=sentence(open_page.items),
            filters=(),
            open_jobs=rows.of(open_page.items),
            more_open=(open_page.total or 0) - len(open_page.items),
            ended=rows.of(ended_page.items),
            pager=place.pager(len(ended_page.items), ended_page.next, ended_page.total, size=ENDED),
            slots=slots(visit, fleet),
            is_of_experiment=True,
        )
    )


def sentence(jobs: Iterable[Job]) -> str:
    """How many wait and run, in words."""
    on_slots = [job.state.is_on_a_slot for job in jobs]
    running, waiting = sum(on_slots), len(on_slots) - sum(on_slots)
    if not on_slots:
        return "Nothing runs or waits."
    first = f"{waiting} {'job waits' if waiting == 1 else 'jobs wait'}" if waiting else "No job waits"
    return f"{first}, {running} {'runs' if running == 1 else 'run'}."


class Rows:
    """Jobs as rows, each with the name of its experiment where several may stand together."""

    def __init__(self, visit: Visit, experiments: Iterable[ExperimentSummary]) -> None:
        self._visit = visit
        self._names = {one.experiment_id: one.name for one in experiments}

    def of(self, jobs: Iterable[Job]) -> tuple[JobRow, ...]:
        return tuple(self._row(job) for job in jobs)

    def _row(self, job: Job) -> JobRow:
        name = self._names.get(job.experiment_id)
        return JobRow(
            job_id=job.job_id,
            number=job.number,
            name=job.name,
            href=self._visit.url("job", job=job.job_id),
            where=f"{name} · {what_for(job)}" if name else what_for(job),
            needs=needs(job.resources),
            priority=job.priority,
            status=job.state.value,
            status_text=status_text(job),
            why=why(job),
            moment=job.ended_at or job.started_at or job.created_at,
            lasted=lasted(job),
        )


def slots(visit: Visit, fleet: Fleet) -> Slots:
    """The slots as their card shows them."""
    cpus = [slot for slot in fleet.slots if slot.kind == "cpu"]
    held = {slot.job_number: slot.job_id for slot in cpus if slot.job_number is not None}
    gpus = (slot for slot in fleet.slots if slot.kind == "gpu")
    return Slots(
        gpus=tuple(_gpu(visit, place, slot) for place, slot in enumerate(gpus)),
        cpus_busy=sum(1 for slot in cpus if slot.job_id is not None),
        cpus_total=len(cpus),
        cpu_jobs=tuple((number, visit.url("job", job=job_id)) for number, job_id in sorted(held.items())),
    )


def _gpu(visit: Visit, place: int, slot: SlotInfo) -> SlotRow:
    status = "lost" if slot.is_lost else "foreign" if slot.is_foreign else "ours" if slot.job_id else "free"
    memory = None
    if slot.memory_total_bytes and slot.memory_used_bytes is not None:
        memory = slot.memory_used_bytes / slot.memory_total_bytes
    return SlotRow(
        name=f"GPU {place}",
        model=slot.name,
        status=status,
        facts=" · ".join(_readings(slot)),
        load=slot.utilisation_percent / 100 if slot.utilisation_percent is not None else None,
        memory=memory,
        job_number=slot.job_number,
        job_href=visit.url("job", job=slot.job_id) if slot.job_id else None,
    )


def _readings(slot: SlotInfo) -> Iterable[str]:
    if slot.is_lost:
        yield "the driver does not answer for it"
    if slot.is_foreign:
        yield "used by a process that is not ours; not given out"
    if slot.utilisation_percent is not None:
        yield f"{slot.utilisation_percent} %"
    if slot.memory_used_bytes is not None and slot.memory_total_bytes:
        yield f"{size(slot.memory_used_bytes)} of {size(slot.memory_total_bytes)}"
    if slot.temperature_celsius is not None:
        yield f"{slot.temperature_celsius} °C"
    if slot.power_watts is not None:
        yield f"{slot.power_watts:.0f} W"


def _filters(
    place: Place, experiments: tuple[ExperimentSummary, ...], chosen: ExperimentSummary | None
) -> tuple[Tab, ...]:
    if len(experiments) < 2:
        return ()
    everything = Tab("All experiments", place.having(experiment=None), is_current=chosen is None)
    each = (Tab(one.name, place.having(experiment=one.slug), is_current=one is chosen) for one in experiments)
    return (everything, *each)
