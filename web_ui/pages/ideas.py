"""The ideas of an experiment: who proposed what, on which parents, and what came of it."""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response

from store_client import IdeaDetail, IdeaState
from web_ui.active import Here
from web_ui.filters import Moment, plural
from web_ui.frame import experiment_frame
from web_ui.listing import PAGE, Pager, Place, choice
from web_ui.pages.idea_page import show
from web_ui.templating import Frame, Tab

__all__ = ["Ideas", "index", "show"]

STATE_WORDS = (
    (None, "All"),
    ("ready", "Ready"),
    ("dispatched", "In work"),
    ("completed", "Done"),
    ("drafting", "Drafts"),
)


@dataclass(frozen=True)
class IdeaRow:
    """One idea in the table."""

    idea_id: str
    slug: str
    href: str
    state: str
    priority: float
    author: str
    variant_href: str | None
    moment: Moment


@dataclass(frozen=True)
class Ideas:
    """The page at /e/{experiment}/ideas."""

    template: ClassVar[str] = "ideas/index.html"

    frame: Frame
    sentence: str
    filters: tuple[Tab, ...]
    rows: tuple[IdeaRow, ...]
    pager: Pager
    propose_href: str


async def index(here: Here) -> Response:
    """A page of ideas, newest first."""
    place = Place.of(here.visit.request, "state")
    state = choice(here.visit.request, "state", tuple(IdeaState))
    page, fleet = await asyncio.gather(
        here.store.list_idea_page(IdeaState(state) if state else None, after=place.after, limit=PAGE),
        here.visit.client.read_fleet(),
    )
    return here.visit.show(
        Ideas(
            frame=experiment_frame(here, "Ideas", "ideas", fleet),
            sentence=f"{plural(here.experiment.counts.ideas, 'idea')} so far. The orchestrator takes the one of the "
            "highest priority next.",
            filters=tuple(Tab(words, place.having(state=one), is_current=one == state) for one, words in STATE_WORDS),
            rows=tuple(_row(here, one) for one in page.items),
            pager=place.pager(len(page.items), page.next, page.total),
            propose_href=here.url("ideator"),
        )
    )


def _row(here: Here, idea: IdeaDetail) -> IdeaRow:
    last = idea.variant_ids[-1] if idea.variant_ids else None
    return IdeaRow(
        idea_id=idea.idea_id,
        slug=idea.slug,
        href=here.url("idea", idea=idea.idea_id),
        state=idea.state.value,
        priority=float(idea.priority),
        author=idea.author_name or "",
        variant_href=here.url("variant", variant=last) if last else None,
        moment=idea.created_at,
    )
