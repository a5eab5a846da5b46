"""What home and overview share: what waits for a person, counts, and jobs as lines."""

from dataclasses import dataclass, replace

from store_client import ExperimentSummary, Job
from web_ui import job_words
from web_ui.filters import Moment, plural
from web_ui.frame import ROLE_OF
from web_ui.scores import is_untold
from web_ui.visit import Visit


@dataclass(frozen=True)
class Need:
    """One thing that waits for a person: what, in which experiment if that is not plain, since when, and the act."""

    key: str
    text: str
    experiment: str
    href: str
    act: str
    since: Moment | None = None
    status: str = "waiting"


@dataclass(frozen=True)
class Counts:
    """How far an experiment is."""

    ideas: int
    variants: int
    evaluated: int
    integrated: int
    failed: int = 0


@dataclass(frozen=True)
class JobLine:
    """A job in a short list: `note` says why it waits or what it does, `progress` is 0 to 1 where it is known."""

    job_id: str
    name: str
    href: str
    where: str
    status: str
    status_text: str
    note: str
    progress: float | None = None


def job_line(visit: Visit, job: Job, experiments: tuple[ExperimentSummary, ...]) -> JobLine:
    """One job: where it belongs, how it is, and why it waits; without experiments, in a page of its own one."""
    names = {one.experiment_id: one.name for one in experiments}
    where = " · ".join(part for part in (names.get(job.experiment_id, ""), job_words.what_for(job)) if part)
    return JobLine(
        job_id=job.job_id,
        name=f"{job.number} {job.name}",
        href=visit.url("job", job=job.job_id),
        where=where,
        status=str(job.state),
        status_text=job_words.status_text(job),
        note=job_words.why(job),
    )


def counts_of(one: ExperimentSummary) -> Counts:
    """The counts of an experiment as pages show them."""
    return Counts(one.counts.ideas, one.counts.variants, one.counts.evaluated, one.counts.integrated, one.counts.failed)


def in_flight(one: ExperimentSummary) -> tuple[int, int]:
    """How many tasks somebody works on, and how many wait for somebody; after the end none waits any more."""
    tasks = {} if one.status.is_final else one.counts.tasks
    waiting = sum(count for name, count in tasks.items() if name.endswith(".pending"))
    return sum(tasks.values()) - waiting, waiting


def needs_of(visit: Visit, one: ExperimentSummary) -> list[Need]:
    """What an experiment waits for a person with, in a list of many experiments; unknown where automation is."""
    if not visit.offers.is_ours:
        return []
    if one.status == "draft":
        if not visit.is_administrator:
            return []
        text, href = "A draft: start it when it is ready", visit.url("overview", experiment=one.slug)
        return [Need(f"{one.slug}-draft", text, one.name, href, "Open", one.created_at, "draft")]
    return [replace(need, experiment=one.name) for need in desks_of(visit, one)]


def desks_of(visit: Visit, one: ExperimentSummary) -> list[Need]:
    """The pending tasks of the roles that are done by hand, for whoever may do them."""
    if one.status != "running" or not (visit.offers.is_ours and visit.may_act_in(one.experiment_id)):
        return []
    found = []
    for kind, role in ROLE_OF.items():
        pending = one.counts.tasks.get(f"{kind}.pending", 0)
        if pending and getattr(one.automation, role) == "manual":
            text = f"{plural(pending, f'{kind} task')} {'waits' if pending == 1 else 'wait'} for a person"
            found.append(Need(f"{one.slug}-{role}", text, "", visit.url(role, experiment=one.slug), "Open desk"))
    return found


def objective_phrase(one: ExperimentSummary) -> str:
    """What the experiment is after: maximise accuracy; empty where nobody has told."""
    if is_untold(one):
        return ""
    return f"{one.objective.direction[:-3]}ise {one.objective.expr}"


def gain(one: ExperimentSummary) -> float | None:
    """How far the best is from the baseline."""
    return one.best - one.baseline if one.best is not None and one.baseline is not None else None
