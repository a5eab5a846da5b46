"""The deployment home: what needs me, how the experiments do, what the queue does."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response

from store_client import ExperimentSummary, Fleet, JobPage, ProgressPoint, SwitchyardError
from web_ui.charts import ChartPoint, Sparkline, best_so_far, sparkline
from web_ui.filters import Direction, Moment, plural
from web_ui.frame import deployment_frame, needs
from web_ui.lines import Counts, JobLine, Need, counts_of, gain, in_flight, job_line, needs_of, objective_phrase
from web_ui.templating import Frame
from web_ui.visit import Visit

SPARKS = 24
"""So many experiments get a sparkline; the rest of a long list does without."""


@dataclass(frozen=True)
class ExperimentRow:
    """One experiment in the table; `objective` is a phrase ("maximise accuracy")."""

    slug: str
    name: str
    href: str
    status: str
    objective: str
    direction: Direction
    best: float | None
    best_name: str
    delta: float | None
    spark: Sparkline | None
    counts: Counts
    running: int
    waiting: int
    needs_you: int
    updated_at: Moment | None


@dataclass(frozen=True)
class QueueSummary:
    """The queue in two figures and its first jobs."""

    running: int
    waiting: int
    jobs: tuple[JobLine, ...]


@dataclass(frozen=True)
class Home:
    """The page at /."""

    template: ClassVar[str] = "home/index.html"

    frame: Frame
    sentence: str
    needs: tuple[Need, ...]
    experiments: tuple[ExperimentRow, ...]
    queue: QueueSummary | None


async def show(visit: Visit) -> Response:
    """The home page."""
    found, fleet, open_jobs = await asyncio.gather(
        visit.console.factory.experiments(visit.who, whole=SPARKS),
        visit.fleet(),
        _open_jobs(visit),
    )
    experiments = tuple(sorted(found, key=_rank))
    histories = await asyncio.gather(*(_history(visit, one) for one in experiments[:SPARKS]))
    needed = [need for one in experiments for need in needs_of(visit, one)]
    page = Home(
        frame=deployment_frame(visit, experiments, "Home", "home", fleet),
        sentence=_sentence(experiments, needed, fleet),
        needs=tuple(needed),
        experiments=tuple(
            _row(visit, one, histories[place] if place < len(histories) else ())
            for place, one in enumerate(experiments)
        ),
        queue=_queue(visit, open_jobs, experiments, fleet) if open_jobs and fleet else None,
    )
    return visit.show(page)


def _rank(one: ExperimentSummary) -> int:
    """What is under way comes first, then what waits for a start, then what has ended; the newest first in each."""
    return {"running": 0, "paused": 1, "draft": 2}.get(one.status, 3)


async def _history(visit: Visit, one: ExperimentSummary) -> Sequence[ProgressPoint]:
    """The scores of an experiment; none when its store does not answer, which must not take the home page down."""
    try:
        return await visit.console.factory.reader(visit.who, one.experiment_id).read_progress()
    except SwitchyardError:
        return ()


async def _open_jobs(visit: Visit) -> JobPage | None:
    return await visit.client.list_jobs(is_open=True, limit=8) if visit.offers.is_ours else None


def _sentence(experiments: Sequence[ExperimentSummary], needed: Sequence[Need], fleet: Fleet | None) -> str:
    if fleet is None:
        return f"{_living(experiments)}."
    needing = f"{plural(len(needed), 'thing')} {_verb(len(needed), 'need')} you" if needed else "Nothing needs you"
    return f"{_living(experiments)}. {needing}. {_working(fleet.summary.running, fleet.summary.waiting)}."


def _living(experiments: Sequence[ExperimentSummary]) -> str:
    live, total = sum(1 for one in experiments if one.status == "running"), len(experiments)
    if live == 0:
        return "No experiment runs" if total else "There is no experiment yet"
    if live == total:
        return {1: "The one experiment runs", 2: "Both experiments run"}.get(total, f"All {total} experiments run")
    return f"{live} of {plural(total, 'experiment')} {_verb(live, 'run')}"


def _working(running: int, waiting: int) -> str:
    if not running and not waiting:
        return "No job runs or waits"
    if not running:
        return f"{plural(waiting, 'job')} {_verb(waiting, 'wait')}"
    return f"{plural(running, 'job')} {_verb(running, 'run')}, {waiting or 'none'} {_verb(waiting or 1, 'wait')}"


def _verb(count: int, verb: str) -> str:
    return verb + "s" if count == 1 else verb


def _row(visit: Visit, one: ExperimentSummary, history: Sequence[ProgressPoint]) -> ExperimentRow:
    names = {point.variant_id: point.label for point in history}
    points = [ChartPoint(point.label, "", point.objective_value) for point in history if not point.is_baseline]
    bests = best_so_far(points, one.baseline, one.objective.direction)
    turned = [value if one.objective.direction == "maximize" else -value for value in bests if value is not None]
    running, waiting = in_flight(one)
    return ExperimentRow(
        slug=one.slug,
        name=one.name,
        href=visit.url("overview", experiment=one.slug),
        status=str(one.status),
        objective=objective_phrase(one),
        direction=one.objective.direction,
        best=one.best,
        best_name=names.get(one.best_variant_id or "", ""),
        delta=gain(one),
        spark=sparkline(turned, f"Best so far of {one.name}"),
        counts=counts_of(one),
        running=running,
        waiting=waiting,
        needs_you=needs(one, visit.offers),
        updated_at=one.updated_at,
    )


def _queue(visit: Visit, page: JobPage, experiments: tuple[ExperimentSummary, ...], fleet: Fleet) -> QueueSummary:
    jobs = tuple(job_line(visit, job, experiments) for job in page.items)
    return QueueSummary(fleet.summary.running, fleet.summary.waiting, jobs)
