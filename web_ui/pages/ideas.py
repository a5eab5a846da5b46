"""The ideas of an experiment: what was thought of, by whom, and what came of it."""

import asyncio
from dataclasses import dataclass, replace
from typing import ClassVar

from starlette.responses import Response

from store_client import IdeaDetail, IdeaState
from store_client import IdeaPage as ListedIdeas
from web_ui.active import Here
from web_ui.filter_language import Narrowing
from web_ui.filters import Direction, Moment, plural
from web_ui.frame import experiment_frame
from web_ui.listing import PAGE, Pager, Place
from web_ui.pages.variants import VariantRow, row
from web_ui.previews import Preview, preview
from web_ui.saved_views import ViewBar, bar, beginning, besides, views_of
from web_ui.scores import ParentLink, name_parents, objective_name
from web_ui.task_filters import IDEA_FIELDS, FilterBox, box, of_ideas
from web_ui.templating import Frame, Tab

STATE_WORDS = (
    (None, "All"),
    ("ready", "Ready"),
    ("dispatched", "Dispatched"),
    ("completed", "Completed"),
    ("drafting", "Drafting"),
)


@dataclass(frozen=True)
class IdeaRow:
    """One idea in the table."""

    idea_id: str
    name: str
    href: str
    status: str
    author: str
    priority: float
    made: str
    moment: Moment


@dataclass(frozen=True)
class Ideas:
    """The page at /e/{experiment}/ideas."""

    template: ClassVar[str] = "ideas/index.html"

    frame: Frame
    sentence: str
    filters: tuple[Tab, ...]
    box: FilterBox
    views: ViewBar | None
    rows: tuple[IdeaRow, ...]
    pager: Pager


@dataclass(frozen=True)
class IdeaPage:
    """The page at /e/{experiment}/ideas/{idea}."""

    template: ClassVar[str] = "ideas/show.html"

    frame: Frame
    idea_id: str
    name: str
    status: str
    sentence: str
    text: Preview
    parents: tuple[ParentLink, ...]
    objective: str
    direction: Direction
    variants: tuple[VariantRow, ...]
    task_href: str | None
    author: str
    priority: float
    created_at: Moment


async def index(here: Here) -> Response:
    """A page of ideas, newest first."""
    place = Place.of(here.visit.request, "q", "state", "by")
    wanted, author = await of_ideas(here, place)
    state = wanted.chosen.get("state")
    page, views, fleet = await asyncio.gather(
        _found(here, place, wanted, author), views_of(here.visit, "ideas"), here.visit.fleet()
    )
    if (path := beginning(here.visit, views)) is not None:
        return here.visit.go(path)
    place = replace(place, fields=besides(place.fields, views))
    count = here.experiment.counts.ideas
    return here.visit.show(
        Ideas(
            frame=experiment_frame(here, "Ideas", "ideas", fleet),
            sentence=f"{plural(count, 'idea')} so far. Each says what to try and what to build on.",
            filters=tuple(
                Tab(words, place.having(q=None, state=one), is_current=one == state) for one, words in STATE_WORDS
            ),
            box=box(place, wanted, IDEA_FIELDS, "state:ready by:me words of an idea"),
            views=bar(here, "ideas", views, is_understood=not wanted.problem),
            rows=tuple(_row(here, one) for one in page.items),
            pager=place.pager(len(page.items), page.next, page.total),
        )
    )


async def _found(here: Here, place: Place, wanted: Narrowing, author: str | None) -> ListedIdeas:
    """A page of them; by words, those that the search finds, and no more than a page of it."""
    state, names = wanted.chosen.get("state"), None
    if wanted.problem:
        return ListedIdeas(items=())
    if wanted.words:
        q = " ".join(wanted.words)[:200]
        found = await here.visit.client.search(q, here.experiment_id, "idea", limit=PAGE)
        names = tuple({one.title for one in (*found.exact, *found.items) if one.kind == "idea"})
        if not names:
            return ListedIdeas(items=())
    return await here.store.list_idea_page(
        IdeaState(state) if state else None, place.after, PAGE, slugs=names, created_by=author
    )


async def show(here: Here) -> Response:
    """The idea, its text, and the variants that were made of it."""
    idea, detail, fleet = await asyncio.gather(
        here.store.read_idea_detail(str(here.visit.request.path_params["idea"])),
        here.store.read_experiment_detail(),
        here.visit.fleet(),
    )
    named = name_parents(
        here.store, idea.parent_commits, detail.base_commit_sha, lambda one: here.url("variant", variant=one)
    )
    variants = asyncio.gather(*map(here.store.read_variant_detail, idea.variant_ids))
    text, parents, made = await asyncio.gather(preview(here, idea.artifacts_uri), named, variants)
    return here.visit.show(
        IdeaPage(
            frame=experiment_frame(here, idea.slug, "ideas", fleet),
            idea_id=idea.idea_id,
            name=idea.slug,
            status=idea.state.value,
            sentence=_sentence(idea),
            text=text,
            parents=parents,
            objective=objective_name(detail),
            direction=detail.objective.direction,
            variants=tuple(row(here, detail, (), one) for one in made),
            task_href=here.url("task", task=idea.execution_task_id) if idea.execution_task_id else None,
            author=idea.author_name or "",
            priority=float(idea.priority),
            created_at=idea.created_at,
        )
    )


def _row(here: Here, idea: IdeaDetail) -> IdeaRow:
    return IdeaRow(
        idea_id=idea.idea_id,
        name=idea.slug,
        href=here.url("idea", idea=idea.idea_id),
        status=idea.state.value,
        author=idea.author_name or "",
        priority=float(idea.priority),
        made=plural(len(idea.variant_ids), "variant") if idea.variant_ids else "",
        moment=idea.created_at,
    )


def _sentence(idea: IdeaDetail) -> str:
    match idea.state:
        case IdeaState.DRAFTING:
            return "Being written: it is handed out when its author marks it ready."
        case IdeaState.READY:
            return "Waits for its turn: it is handed out by priority as soon as there is room for another variant."
        case IdeaState.DISPATCHED:
            return "An executor has it now, or may claim it."
        case IdeaState.COMPLETED:
            return f"Done with: {plural(len(idea.variant_ids), 'variant')} came of it."
