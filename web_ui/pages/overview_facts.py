"""What the overview shows, gathered in two rounds of questions."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from store_client import (
    ROLES,
    Course,
    ExperimentDetail,
    Fleet,
    IdeaPage,
    JobPage,
    LogEvent,
    LogPage,
    NotFound,
    Stages,
    TaskPage,
    TaskState,
    VariantDetail,
    VariantPage,
)
from web_ui.active import Here
from web_ui.filters import NOTHING, plural
from web_ui.frame import ROLE_OF, experiment_frame
from web_ui.happenings import Names, actors_in, is_told, named_in, tell
from web_ui.lines import Need, counts_of, desks_of, gain, in_flight, job_line, objective_phrase
from web_ui.membership import groups_of
from web_ui.pages.overview import Acts, Happening, Leader, Overview
from web_ui.pages.overview_best import best_of, improved
from web_ui.pages.overview_chart import chart, chosen_metric, metric_tabs, plotted
from web_ui.pages.overview_stages import at_work, stages, stuck
from web_ui.scores import is_untold, objective_name, side_metrics
from web_ui.scores import metric as as_metric

LEADERS, HAPPENINGS, JOBS, HELD = 6, 14, 6, 5
EVENTS_LOOKED_AT, IDEAS_LOOKED_AT = 100, 30
COLUMNS = 3
ACTORS = 6
"""So many people of the feed are asked for by name; it has seldom more than one or two."""
LONGEST_METRIC = 200
MAY_END = frozenset({"admins", "orchestrators"})
UNTOLD = "What it is after stands in its config, which this console was not given."
ENDED = {"completed": "Completed", "failed": "Failed", "cancelled": "Cancelled"}


@dataclass(frozen=True)
class Facts:
    """What the page asks first, asked at once."""

    detail: ExperimentDetail
    course: Course
    leaders: VariantPage
    jobs: JobPage | None
    log: LogPage
    fleet: Fleet | None
    held: TaskPage
    stages: Stages
    claimed: TaskPage


async def gather(here: Here) -> Facts:
    store, asked = here.store, here.visit.request.query_params.get("metric")
    metric = asked if asked and len(asked) <= LONGEST_METRIC and asked != here.experiment.metric else None
    scores = asyncio.gather(
        store.read_experiment_detail(),
        store.read_course(metric),
        store.list_variant_page(order="best", limit=LEADERS),
    )
    work = asyncio.gather(
        open_jobs(here),
        store.read_log(limit=EVENTS_LOOKED_AT, is_newest_first=True),
        here.visit.fleet(),
    )
    people = asyncio.gather(
        store.list_task_page(state=TaskState.CLAIMED, claimed_by="me", limit=HELD),
        store.read_stages(),
        store.list_task_page(state=TaskState.CLAIMED, limit=JOBS),
    )
    found, (jobs, log, fleet), (held_tasks, waiting, claimed) = await asyncio.gather(scores, work, people)
    return Facts(*found, jobs, log, fleet, held_tasks, waiting, claimed)


async def course_for(here: Here, facts: Facts) -> Course:
    """The course that the page plots: what was asked for may be no metric, and nobody may know the objective."""
    wanted = chosen_metric(here, plotted(facts.detail, facts.course))
    return facts.course if wanted == facts.course.metric else await here.store.read_course(wanted)


async def open_jobs(here: Here) -> JobPage | None:
    """What is on the queue; None where there is no queue."""
    return await here.store.list_experiment_jobs(is_open=True, limit=JOBS) if here.visit.offers.is_ours else None


async def show(here: Here) -> Response:
    """The overview."""
    facts, groups = await asyncio.gather(gather(here), reserved_groups(here))
    one, detail = here.experiment, facts.detail
    course, feed, the_best = await asyncio.gather(
        course_for(here, facts), happenings(here, facts), best_of(here, facts.leaders)
    )
    numbers, metric = plotted(detail, facts.course), course.metric
    running, waiting = in_flight(one)
    page = Overview(
        frame=experiment_frame(here, "Overview", "overview", facts.fleet),
        name=one.name,
        status=str(one.status),
        sentence=sentence(here, detail, started(here, detail)),
        acts=acts(here, detail, groups),
        metric=objective_name(one),
        knows_objective=not is_untold(one),
        direction=one.objective.direction,
        best=one.best,
        best_delta=gain(one),
        counts=counts_of(one),
        running=running,
        waiting=waiting,
        needs=needed(here, facts),
        chart=chart(here, course),
        chart_metric=metric or objective_name(one),
        metric_tabs=metric_tabs(here, numbers, metric),
        metrics=columns(detail),
        leaders=tuple(leader(here, one, detail) for one in facts.leaders.items if one.objective_value is not None),
        the_best=the_best,
        improved=improved(here, facts.course),
        at_work=at_work(here, facts.claimed),
        metrics_href=here.url("metrics"),
        variants_href=here.url("variants"),
        stages=stages(here, detail, facts.stages),
        jobs=None if facts.jobs is None else tuple(job_line(here.visit, job, ()) for job in facts.jobs.items),
        happenings=feed,
        tasks_href=here.url("tasks"),
    )
    return here.visit.show(page)


def started(here: Here, detail: ExperimentDetail) -> int:
    """How many variants were started, the baseline aside."""
    return detail.counts.variants - (here.experiment.baseline is not None)


async def reserved_groups(here: Here) -> frozenset[str]:
    """The groups that say what this person may do; on our own server the operator's role does."""
    return frozenset() if here.visit.offers.is_ours else await groups_of(here)


def sentence(here: Here, detail: ExperimentDetail, started: int = 0) -> str:
    """What the experiment is after, and how it stands."""
    told = [f"{objective_phrase(detail).capitalize()}." if not is_untold(detail) else UNTOLD]
    if detail.description:
        told.append(detail.description if detail.description.endswith((".", "!", "?")) else f"{detail.description}.")
    limit = limit_of(detail)
    if limit is not None and not detail.status.is_final:
        told.append(f"It ends by itself after {plural(limit, 'variant')}; so far {started}.")
    told.append(_standing(here, detail))
    return " ".join(filter(None, told))


def _standing(here: Here, detail: ExperimentDetail) -> str:
    if detail.status.is_final:
        ended = ENDED[detail.status] if here.visit.offers.is_ours else "Ended"
        return f"{ended}: {detail.end_reason}." if detail.end_reason else f"{ended}."
    if not here.visit.offers.is_ours:
        return ""
    if detail.status == "draft":
        return "A draft: nothing happens until it is started."
    if detail.status == "paused":
        return "Paused: what is claimed may finish, nothing new is created or claimed."
    by_hand = [role for role in ROLES if getattr(detail.automation, role) == "manual"]
    if not by_hand:
        return "All its work is automatic."
    return f"By hand: {' and '.join(by_hand)}." if len(by_hand) < len(ROLES) else "All its work is done by hand."


def acts(here: Here, detail: ExperimentDetail, groups: frozenset[str]) -> Acts:
    """Who may do more than look may propose; the rest is for administrators, or for whom the reserved groups admit."""
    status = detail.status
    propose = here.url("ideator") if status == "running" and here.visit.may_act else None
    if not here.visit.offers.is_ours:
        return Acts(propose, end_href=here.url("end") if status == "running" and groups & MAY_END else None)
    if not here.visit.is_administrator:
        return Acts(propose)
    return Acts(
        propose_href=propose,
        start_href=here.url("resume") if status == "draft" else None,
        pause_href=here.url("pause") if status == "running" else None,
        resume_href=here.url("resume") if status == "paused" else None,
        end_href=here.url("end") if status in {"running", "paused"} else None,
    )


def needed(here: Here, facts: Facts) -> tuple[Need, ...]:
    """What is stuck, what this person holds, and what waits for any person."""
    return (
        *stuck(here, facts.detail, facts.stages, facts.log.events),
        *held(here, facts.held),
        *desks_of(here.visit, here.experiment),
    )


def held(here: Here, page: TaskPage) -> list[Need]:
    """The tasks that this person holds and has not finished."""
    found = []
    for task in page.items:
        role = ROLE_OF[task.kind]
        href = here.url(f"{role}_task", task=task.task_id)
        claimed_at = task.claim.claimed_at if task.claim else None
        words = f"You hold the {task.kind} of {task.title}" if task.kind != "ideation" else "You hold an ideation task"
        found.append(Need(task.task_id, words, "", href, "Continue", claimed_at, "claimed"))
    return found


def limit_of(detail: ExperimentDetail) -> int | None:
    """After how many variants the experiment ends by its policy, where that decision is taken for it."""
    policy = detail.config.get("termination_policy") if detail.dispatch_mode.termination == "auto" else None
    target = policy.get("target") if isinstance(policy, dict) and policy.get("kind") == "max_variants" else None
    return target if isinstance(target, int) else None


def columns(detail: ExperimentDetail) -> tuple[str, ...]:
    """The metrics beside the objective for which there is room."""
    return side_metrics(detail, detail.evaluation_schema)[:COLUMNS]


def leader(here: Here, variant: VariantDetail, detail: ExperimentDetail) -> Leader:
    evaluation, value, baseline = variant.evaluation or {}, variant.objective_value or 0.0, here.experiment.baseline
    return Leader(
        variant_id=variant.variant_id,
        name=variant.label,
        href=here.url("variant", variant=variant.variant_id),
        value=value,
        delta=value - baseline if baseline is not None else None,
        metrics=tuple(as_metric(evaluation.get(name)) for name in columns(detail)),
        change=variant.description or NOTHING,
        by=variant.executor_name or NOTHING,
        is_baseline=variant.kind == "baseline",
    )


async def happenings(here: Here, facts: Facts) -> tuple[Happening, ...]:
    """The newest events in sentences, with the names of what they are about."""
    events = [event for event in facts.log.events if is_told(event)][:HAPPENINGS]
    page, ideas, workers = await asyncio.gather(
        _variants_in(here, events), _ideas_in(here, events), _names_of(here, actors_in(events)[:ACTORS])
    )
    names = Names(
        here=here,
        variants={variant.variant_id: variant for variant in page.items},
        ideas={idea.idea_id: (idea.slug, idea.author_name) for idea in ideas.items},
        workers=workers,
        records=frozenset(one.variant_id for one in facts.course.improvements if one.before is not None),
    )
    return tuple(one for one in (tell(event, names) for event in events) if one is not None)


async def _variants_in(here: Here, events: Sequence[LogEvent]) -> VariantPage:
    """The variants that events name."""
    ids = named_in(events, "variant_id")
    return await here.store.list_variant_page(ids=ids, limit=len(ids)) if ids else VariantPage(items=())


async def _ideas_in(here: Here, events: Sequence[LogEvent]) -> IdeaPage:
    """The newest ideas, if events name any."""
    is_named = bool(named_in(events, "idea_id"))
    return await here.store.list_idea_page(limit=IDEAS_LOOKED_AT) if is_named else IdeaPage(items=())


async def _names_of(here: Here, worker_ids: Sequence[str]) -> dict[str, str]:
    """What a few workers are called, of however many there are; whoever is not known is left out."""

    async def name_of(worker_id: str) -> str:
        try:
            return (await here.store.read_worker(worker_id)).name or worker_id
        except NotFound:
            return ""

    names = await asyncio.gather(*map(name_of, worker_ids))
    return {worker_id: name for worker_id, name in zip(worker_ids, names, strict=True) if name}
