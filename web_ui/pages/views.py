"""Keeping views of lists: saved from the list, then renamed, made its beginning, or deleted."""

from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import parse_qsl

from pydantic import ValidationError
from starlette.responses import Response

from store_client import VIEWED, AlreadyExists, ChangeView, InvalidPrecondition, SavedView, SaveView, ViewedList
from web_ui.active import Here
from web_ui.failures import sentence
from web_ui.filters import plural
from web_ui.forms.field import text
from web_ui.frame import experiment_frame
from web_ui.saved_views import LONGEST, narrowed
from web_ui.templating import Frame
from web_ui.visit import Visit

NOT_NARROW = "Nothing was saved: narrow a list first."
ODD_NAME = "Give the view a name of one line, up to 60 characters."


@dataclass(frozen=True)
class ViewRow:
    """One view, and where its acts lead."""

    view: SavedView
    href: str
    words: str
    change_href: str
    delete_href: str


@dataclass(frozen=True)
class Views:
    """The page at /e/{experiment}/views."""

    template: ClassVar[str] = "views/index.html"

    frame: Frame
    sentence: str
    rows: tuple[ViewRow, ...]
    lists: tuple[tuple[str, str], ...]


async def index(here: Here) -> Response:
    """Everything that this person keeps, list by list."""
    views = await here.visit.client.list_views()
    rows = sorted(views, key=lambda one: VIEWED.index(one.list))
    return here.visit.show(
        Views(
            frame=experiment_frame(here, "Saved views", "views", await here.visit.fleet()),
            sentence=f"{plural(len(rows), 'view')} of lists. They are yours alone, and there in every experiment.",
            rows=tuple(_row(here, one) for one in rows),
            lists=tuple((one.capitalize(), list_of(here, one)) for one in VIEWED if _is_seen(here, one)),
        )
    )


async def save(here: Here) -> Response:
    """Keep what a list is narrowed to under a name, and stay there."""
    of_list = text(await here.visit.request.form(), "list")
    known = next((one for one in VIEWED if one == of_list), None)
    if known is None:
        return here.visit.go(here.url("views"), ("failed", NOT_NARROW))
    return await _save(here.visit, known, list_of(here, known))


async def save_of_jobs(visit: Visit) -> Response:
    """The same of the queue, which is of no experiment."""
    return await _save(visit, "jobs", visit.url("queue"))


async def _save(visit: Visit, of_list: ViewedList, path: str) -> Response:
    form = await visit.request.form()
    query, name = narrowed(text(form, "query"), of_list), text(form, "name")
    if not query or len(query) > LONGEST:
        return visit.go(path, ("failed", NOT_NARROW))
    given = {"list": of_list, "name": name, "query": query, "is_default": "is_default" in form}
    back = f"{path}?{query}"
    try:
        await visit.client.save_view(SaveView.model_validate(given))
    except ValidationError:
        return visit.go(back, ("failed", f"Nothing was saved. {ODD_NAME}"))
    except (AlreadyExists, InvalidPrecondition) as refusal:
        return visit.go(back, ("failed", f"Nothing was saved: {refusal.detail}."))
    where = "" if of_list == "jobs" else " in every experiment"
    return visit.go(back, ("done", f"Saved as {name}. It is above this list{where}."))


async def change(here: Here) -> Response:
    """Rename a view, and say whether its list begins with it."""
    form = await here.visit.request.form()
    try:
        body = ChangeView.model_validate({"name": text(form, "name"), "is_default": "is_default" in form})
        view = await here.visit.client.change_view(_view(here), body)
    except ValidationError:
        return here.visit.go(here.url("views"), ("failed", f"Nothing was changed. {ODD_NAME}"))
    except AlreadyExists as refusal:
        return here.visit.go(here.url("views"), ("failed", sentence(refusal.detail)))
    begins = f" The list of {view.list} begins with it." if view.is_default else ""
    return here.visit.go(here.url("views"), ("done", f"{view.name} is kept.{begins}"))


async def delete(here: Here) -> Response:
    """Forget a view."""
    await here.visit.client.delete_view(_view(here))
    return here.visit.go(here.url("views"), ("done", "The view is deleted. What it showed is as it was."))


def list_of(here: Here, of_list: ViewedList) -> str:
    """Where a list is: in this experiment, but for the queue of all."""
    return here.visit.url("queue") if of_list == "jobs" else here.url(of_list)


def _is_seen(here: Here, of_list: ViewedList) -> bool:
    return of_list != "jobs" or here.visit.sees_deployment


def _view(here: Here) -> str:
    return str(here.visit.request.path_params["view"])


def _row(here: Here, one: SavedView) -> ViewRow:
    pairs = (value if name in {"q", "text"} else f"{name} {value}" for name, value in parse_qsl(one.query))
    return ViewRow(
        view=one,
        href=f"{list_of(here, one.list)}?{one.query}",
        words=", ".join(pairs),
        change_href=here.url("change_view", view=one.view_id),
        delete_href=here.url("delete_view", view=one.view_id),
    )
