"""What this person has at hand: the tasks they hold, with the time left, and the drafts that wait for a task."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response

from store_client import ROLE_OF, ExperimentSummary, TaskState, Work, WorkItem
from web_ui.active import Here
from web_ui.filters import Moment, plural, with_query
from web_ui.frame import deployment_frame, experiment_frame
from web_ui.standing import NOT_MINE, heading, left
from web_ui.templating import Frame
from web_ui.visit import Visit


@dataclass(frozen=True)
class WorkRow:
    """A task at hand; the acts are there only for what is held."""

    key: str
    title: str
    href: str
    role: str
    experiment: str
    left: str
    is_mine: bool
    stands: str
    """What became of a task that is not held."""
    drafted_at: Moment | None
    excerpt: str
    extend_href: str | None
    release_href: str | None
    forget_href: str | None


@dataclass(frozen=True)
class WorkPage:
    """The page at /work and at /e/{experiment}/work."""

    template: ClassVar[str] = "work/index.html"

    frame: Frame
    sentence: str
    held: tuple[WorkRow, ...]
    drafts: tuple[WorkRow, ...]
    is_cut: bool
    elsewhere_href: str | None


async def everywhere(visit: Visit) -> Response:
    """In every experiment."""
    experiments = await visit.console.factory.experiments(visit.who)
    work, fleet = await visit.client.read_deployment_work(), await visit.fleet()
    rows = _rows(visit, work.items, {one.experiment_id: one for one in experiments}, is_everywhere=True)
    return visit.show(_page(deployment_frame(visit, experiments, "My work", "all_work", fleet), work, rows, None))


async def inside(here: Here) -> Response:
    """In one experiment."""
    visit, fleet = here.visit, await here.visit.fleet()
    work = await here.store.read_work() if visit.offers.is_ours else await _held(here)
    rows = _rows(visit, work.items, {here.experiment_id: here.experiment}, is_everywhere=False)
    href = visit.url("all_work") if visit.offers.is_ours else None
    return visit.show(_page(experiment_frame(here, "My work", "work", fleet), work, rows, href))


async def _held(here: Here) -> Work:
    """What is held on a server that keeps no drafts."""
    page = await here.store.list_task_page(None, TaskState.CLAIMED, "me")
    return Work(items=tuple(WorkItem(experiment_id=here.experiment_id, task=one, is_mine=True) for one in page.items))


def _page(frame: Frame, work: Work, rows: Sequence[WorkRow], elsewhere_href: str | None) -> WorkPage:
    held = tuple(row for row in rows if row.is_mine)
    drafts = tuple(row for row in rows if not row.is_mine)
    said = f"You hold {plural(len(held), 'task')}" if held else "You hold no task"
    told = f"{said}; {plural(len(drafts), 'draft')} of yours {'waits' if len(drafts) == 1 else 'wait'} for another."
    return WorkPage(frame, told if drafts else f"{said}.", held, drafts, work.is_cut, elsewhere_href)


def _rows(
    visit: Visit, items: Iterable[WorkItem], experiments: dict[str, ExperimentSummary], *, is_everywhere: bool
) -> list[WorkRow]:
    """The items of experiments that this person still sees."""
    known = ((item, experiments[item.experiment_id]) for item in items if item.experiment_id in experiments)
    return [_row(visit, item, one, is_everywhere=is_everywhere) for item, one in known]


def _row(visit: Visit, item: WorkItem, one: ExperimentSummary, *, is_everywhere: bool) -> WorkRow:
    task, role, may_act = item.task, ROLE_OF[item.task.kind], visit.may_act_in(one.experiment_id)
    back = "everywhere" if is_everywhere else "here"

    def act(name: str, *, is_offered: bool) -> str | None:
        href = visit.url(name, experiment=one.slug, task=task.task_id)
        return with_query(href, back=back) if is_offered and may_act else None

    return WorkRow(
        key=task.task_id,
        title=heading(task),
        href=visit.url(f"{role}_task", experiment=one.slug, task=task.task_id),
        role=role,
        experiment=one.name if is_everywhere else "",
        left=left(task.claim, visit.now) if item.is_mine and task.claim else "",
        is_mine=item.is_mine,
        stands="" if item.is_mine else _stands(item, one, may_act=may_act),
        drafted_at=item.drafted_at,
        excerpt=item.excerpt,
        extend_href=act("extend", is_offered=item.is_mine and visit.offers.is_ours),
        release_href=act("release", is_offered=item.is_mine),
        forget_href=act("forget_draft", is_offered=item.drafted_at is not None and not item.is_mine),
    )


def _stands(item: WorkItem, one: ExperimentSummary, *, may_act: bool) -> str:
    if one.status.is_final:
        return f"{one.name} has ended ({one.status})."
    if item.task.state is TaskState.PENDING:
        waits = "It waits. Claim it to go on." if may_act else "It waits."
        return waits if item.task.is_eligible else "It waits for somebody else."
    return NOT_MINE[item.task.state].format(who=item.task.claimant_name or "Another worker")
