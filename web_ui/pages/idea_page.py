"""One idea: its text, its author, the commits it builds on, and the variants it came to."""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from markupsafe import Markup
from starlette.responses import Response

from store_client import IdeaDetail, IdeaState, SwitchyardError, VariantDetail, read_text
from web_ui.active import Here
from web_ui.filters import Moment, with_query
from web_ui.frame import experiment_frame
from web_ui.prose import prose
from web_ui.scores import ParentLink, name_parents
from web_ui.templating import Frame

TEXT_BYTES = 200_000
SENTENCES = {
    IdeaState.DRAFTING: "A draft: its author has not made it ready.",
    IdeaState.READY: "Ready: it is made into a commit when its turn comes.",
    IdeaState.DISPATCHED: "In work: an executor makes it into a commit.",
    IdeaState.COMPLETED: "Done: it was tried.",
}


@dataclass(frozen=True)
class Fruit:
    """A variant the idea came to."""

    name: str
    href: str
    status: str
    value: float | None


@dataclass(frozen=True)
class IdeaPage:
    """The page at /e/{experiment}/ideas/{idea}."""

    template: ClassVar[str] = "ideas/show.html"

    frame: Frame
    idea_id: str
    slug: str
    state: str
    sentence: str
    text: Markup
    text_fault: str
    file_href: str
    author: str
    priority: float
    created_at: Moment
    parents: tuple[ParentLink, ...]
    fruits: tuple[Fruit, ...]
    task_href: str | None


async def show(here: Here) -> Response:
    """One idea."""
    idea = await here.store.read_idea_detail(str(here.visit.request.path_params["idea"]))
    (text, fault), parents, variants, fleet = await asyncio.gather(
        _text(here, idea),
        name_parents(here.store, idea.parent_commits, None, lambda one: here.url("variant", variant=one)),
        asyncio.gather(*(here.store.read_variant_detail(one) for one in idea.variant_ids[-10:])),
        here.visit.client.read_fleet(),
    )
    page = IdeaPage(
        frame=experiment_frame(here, idea.slug, "ideas", fleet),
        idea_id=idea.idea_id,
        slug=idea.slug,
        state=idea.state.value,
        sentence=SENTENCES[idea.state],
        text=prose(text),
        text_fault=fault,
        file_href=with_query(here.url("artifact"), uri=idea.artifacts_uri),
        author=idea.author_name or "",
        priority=float(idea.priority),
        created_at=idea.created_at,
        parents=parents,
        fruits=tuple(_fruit(here, one) for one in variants),
        task_href=here.url("task", task=idea.execution_task_id) if idea.execution_task_id else None,
    )
    return here.visit.show(page)


async def _text(here: Here, idea: IdeaDetail) -> tuple[str, str]:
    """The idea's text, or why it cannot be shown: other hosts may keep theirs elsewhere."""
    try:
        return await read_text(here.store, idea.artifacts_uri, TEXT_BYTES), ""
    except SwitchyardError:
        return "", f"Its text is kept at {idea.artifacts_uri}, which this console cannot read."


def _fruit(here: Here, variant: VariantDetail) -> Fruit:
    value = None if variant.objective_value is None else float(variant.objective_value)
    href = here.url("variant", variant=variant.variant_id)
    return Fruit(f"{variant.number} {variant.label}", href, variant.status.value, value)
