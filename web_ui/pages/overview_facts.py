"""What the overview shows, gathered and put into its page."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from store_client import ExperimentDetail, Fleet, JobPage, LogPage, ProgressPoint, VariantDetail, VariantPage
from web_ui.active import Here
from web_ui.charts import ChartPoint, ProgressChart, progress_chart
from web_ui.filters import NOTHING, Direction, with_query
from web_ui.frame import experiment_frame
from web_ui.happenings import Names, tell
from web_ui.lines import counts_of, gain, job_line, needs_of, objective_phrase
from web_ui.pages.overview import Acts, Happening, Leader, Overview, Stage
from web_ui.templating import Tab

LEADERS = 6
HAPPENINGS = 14
STAGES = (
    ("Ideate", "ideator", "ideation"),
    ("Execute", "executor", "execution"),
    ("Evaluate", "evaluator", "evaluation"),
)


@dataclass(frozen=True)
class Facts:
    """Everything the page asks, asked at once."""

    detail: ExperimentDetail
    progress: Sequence[ProgressPoint]
    leaders: VariantPage
    jobs: JobPage
    log: LogPage
    fleet: Fleet
    ideas: dict[str, str]


async def gather(here: Here) -> Facts:
    store = here.store
    scores = asyncio.gather(
        store.read_experiment_detail(),
        store.read_progress(),
        store.list_variant_page(order="best", limit=LEADERS),
    )
    work = asyncio.gather(
        store.list_experiment_jobs(is_open=True, limit=6),
        store.read_log(limit=120, is_newest_first=True),
        here.visit.client.read_fleet(),
        store.list_idea_page(limit=100),
    )
    (detail, progress, leaders), (jobs, log, fleet, ideas) = await scores, await work
    return Facts(detail, progress, leaders, jobs, log, fleet, {idea.idea_id: idea.slug for idea in ideas.items})


async def show(here: Here) -> Response:
    """The overview."""
    facts = await gather(here)
    one, visit = here.experiment, here.visit
    metric = chosen_metric(here, facts.detail)
    page = Overview(
        frame=experiment_frame(here, "Overview", "overview", facts.fleet),
        name=one.name,
        status=str(one.status),
        sentence=sentence(facts.detail),
        acts=acts(here),
        metric=one.metric or one.objective.expr,
        direction=one.objective.direction,
        best=one.best,
        best_delta=gain(one),
        counts=counts_of(one),
        limit=limit_of(facts.detail),
        running=sum(1 for job in facts.jobs.items if job.state != "queued"),
        waiting=sum(1 for job in facts.jobs.items if job.state == "queued"),
        needs=tuple(needs_of(visit, one)),
        chart=chart(here, facts, metric),
        metric_tabs=metric_tabs(here, facts.detail, metric),
        metrics=other_metrics(facts.detail),
        leaders=tuple(leader(here, variant, facts.detail) for variant in facts.leaders.items),
        variants_href=here.url("variants"),
        stages=stages(here, facts.detail),
        jobs=tuple(job_line(visit, job, here.all) for job in facts.jobs.items),
        happenings=happenings(here, facts),
        events_href=here.url("tasks"),
    )
    return visit.show(page)


def sentence(detail: ExperimentDetail) -> str:
    """What the experiment is after, and how it stands."""
    told = [f"{objective_phrase(detail).capitalize()}."]
    if detail.description:
        told.append(detail.description)
    if detail.status.is_final and detail.end_reason:
        told.append(f"Ended: {detail.end_reason}.")
    by_hand = [role for role in ("ideator", "executor", "evaluator") if getattr(detail.automation, role) == "manual"]
    if not detail.status.is_final:
        told.append(f"{' and '.join(by_hand).capitalize()}: by hand." if by_hand else "Every role works by itself.")
    return " ".join(told)


def acts(here: Here) -> Acts:
    status = here.experiment.status
    return Acts(
        propose_href=here.url("ideator") if status == "running" else None,
        pause_href=here.url("pause") if status == "running" else None,
        resume_href=here.url("resume") if status in {"paused", "draft"} else None,
        end_href=here.url("end") if status in {"running", "paused"} else None,
    )


def limit_of(detail: ExperimentDetail) -> int | None:
    """After how many variants the experiment ends by its policy."""
    policy = detail.config.get("termination_policy")
    target = policy.get("target") if isinstance(policy, dict) and policy.get("kind") == "max_variants" else None
    return target if isinstance(target, int) else None


def chosen_metric(here: Here, detail: ExperimentDetail) -> str | None:
    """The metric the plot shows instead of the objective, when the address names one."""
    asked = here.visit.request.query_params.get("metric")
    return asked if asked in detail.evaluation_schema and asked != here.experiment.metric else None


def chart(here: Here, facts: Facts, metric: str | None) -> ProgressChart:
    """Scores in the order of trying; variants still under way are left out."""
    ended = [point for point in facts.progress if point.status != "starting" and not point.is_baseline]
    points = [
        ChartPoint(point.label, here.url("variant", variant=point.variant_id), value_of(point, metric))
        for point in ended
    ]
    one = here.experiment
    if metric is None:
        return progress_chart(points, one.metric or one.objective.expr, one.objective.direction, one.baseline)
    baseline = next((value_of(point, metric) for point in facts.progress if point.is_baseline), None)
    return progress_chart(points, metric, direction_of(metric, one.objective.direction), baseline)


def value_of(point: ProgressPoint, metric: str | None) -> float | None:
    value = point.objective_value if metric is None else point.metrics.get(metric)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def direction_of(metric: str, objective: Direction) -> Direction:
    """Other metrics have no declared direction; those that read as a cost are plotted as one."""
    is_cost = any(word in metric for word in ("loss", "error", "seconds", "time", "parameters", "cost"))
    return "minimize" if is_cost else objective


def metric_tabs(here: Here, detail: ExperimentDetail, metric: str | None) -> tuple[Tab, ...]:
    own = here.experiment.metric or here.experiment.objective.expr
    names = [own, *(name for name, kind in detail.evaluation_schema.items() if kind != "text" and name != own)]
    href = here.url("overview")
    return tuple(Tab(name, with_query(href, metric=name), is_current=name == (metric or own)) for name in names)


def other_metrics(detail: ExperimentDetail) -> tuple[str, ...]:
    return tuple(name for name, kind in detail.evaluation_schema.items() if kind != "text" and name != detail.metric)[
        :3
    ]


def leader(here: Here, variant: VariantDetail, detail: ExperimentDetail) -> Leader:
    evaluation, value = variant.evaluation or {}, variant.objective_value or 0.0
    shown = (evaluation.get(name) for name in other_metrics(detail))
    return Leader(
        variant_id=variant.variant_id,
        name=variant.label,
        href=here.url("variant", variant=variant.variant_id),
        value=value,
        delta=value - here.experiment.baseline if here.experiment.baseline is not None else None,
        metrics=tuple(one if isinstance(one, int | float | str) else None for one in shown),
        change=variant.description or NOTHING,
        by=variant.executor_name or NOTHING,
        is_baseline=variant.kind == "baseline",
    )


def stages(here: Here, detail: ExperimentDetail) -> tuple[Stage, ...]:
    """The loop, stage by stage: what waits, what is active, and who does it."""
    tasks = here.experiment.counts.tasks
    may_switch = here.visit.is_administrator and not detail.status.is_final
    made = [
        Stage(
            name,
            here.url(role),
            tasks.get(f"{kind}.pending", 0),
            tasks.get(f"{kind}.claimed", 0) + tasks.get(f"{kind}.submitted", 0),
            getattr(detail.automation, role) == "automatic",
            with_query(here.url("automation"), role=role) if may_switch else None,
        )
        for name, role, kind in STAGES
    ]
    counts = detail.counts
    scored = counts.evaluated - (here.experiment.baseline is not None)  # the baseline is never integrated
    unintegrated = max(scored - counts.integrated, 0)
    href = with_query(here.url("variants"), order="best")
    return (*made, Stage("Integrate", href, unintegrated, 0, detail.dispatch_mode.integration == "auto", None))


def happenings(here: Here, facts: Facts) -> tuple[Happening, ...]:
    names = Names(here, {point.variant_id: point for point in facts.progress}, facts.ideas, {})
    told = (tell(event, names) for event in facts.log.events)
    return tuple(one for one in told if one is not None)[:HAPPENINGS]
