"""Acts on many tasks after they have begun: how far each has come, what became of every task, and taking it back."""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response

from store_client import BulkAct, BulkItem, BulkOutcome, InvalidPrecondition, choice_text
from web_ui.active import Here
from web_ui.filters import Moment, plural, short_id
from web_ui.frame import experiment_frame
from web_ui.listing import PAGE, Pager, Place
from web_ui.pages.bulk import WORDS
from web_ui.templating import Frame, Tab

OUTCOMES: tuple[tuple[BulkOutcome | None, str], ...] = (
    (None, "All"),
    ("done", "Done"),
    ("refused", "Refused"),
    ("waiting", "To come"),
)


@dataclass(frozen=True)
class ActRow:
    """One act in the table."""

    act_id: str
    title: str
    href: str
    status: str
    result: str
    who: str
    moment: Moment


@dataclass(frozen=True)
class BulkActs:
    """The page at /e/{experiment}/bulk-acts."""

    template: ClassVar[str] = "bulk/index.html"

    frame: Frame
    rows: tuple[ActRow, ...]
    pager: Pager


@dataclass(frozen=True)
class ItemRow:
    """One task of an act."""

    item: BulkItem
    href: str


@dataclass(frozen=True)
class OneBulkAct:
    """The page at /e/{experiment}/bulk-acts/{act}."""

    template: ClassVar[str] = "bulk/show.html"

    frame: Frame
    title: str
    status: str
    sentence: str
    reason: str
    who: str
    moment: Moment
    outcomes: tuple[Tab, ...]
    rows: tuple[ItemRow, ...]
    pager: Pager
    undo_href: str | None
    linked: tuple[tuple[str, str], ...]
    """Other acts that belong to this one."""


async def index(here: Here) -> Response:
    """Every act on many tasks, the newest first."""
    place = Place.of(here.visit.request)
    page, fleet = await asyncio.gather(here.store.list_bulk_acts(place.after), here.visit.fleet())
    return here.visit.show(
        BulkActs(
            frame=experiment_frame(here, "Acts on many tasks", "tasks", fleet),
            rows=tuple(_row(here, one) for one in page.items),
            pager=place.pager(len(page.items), page.next),
        )
    )


async def show(here: Here) -> Response:
    """How far an act has come, and what became of each of its tasks."""
    place, act_id = Place.of(here.visit.request, "outcome"), str(here.visit.request.path_params["act"])
    outcome = next((one for one, _ in OUTCOMES if one and one == place.fields.get("outcome")), None)
    act, page, fleet = await asyncio.gather(
        here.store.read_bulk_act(act_id),
        here.store.list_bulk_items(act_id, outcome, place.after, PAGE),
        here.visit.fleet(),
    )
    counts = {None: act.total, "done": act.done, "refused": act.refused, "waiting": act.total - act.done - act.refused}
    return here.visit.show(
        OneBulkAct(
            frame=experiment_frame(here, _title(act), "tasks", fleet),
            title=_title(act),
            status=_status(act),
            sentence=f"{plural(act.total, 'task')} by “{choice_text(act.filter)}”: {_result(act)}.",
            reason=act.reason or "",
            who=act.by_name or short_id(act.by),
            moment=act.created_at,
            outcomes=tuple(
                Tab(words, place.having(outcome=one), counts[one], is_current=one == outcome) for one, words in OUTCOMES
            ),
            rows=tuple(ItemRow(one, here.url("task", task=one.task_id)) for one in page.items),
            pager=place.pager(len(page.items), page.next, counts[outcome]),
            undo_href=here.url("undo_bulk", act=act_id) if _can_be_undone(here, act) else None,
            linked=_linked(here, act),
        )
    )


async def undo(here: Here) -> Response:
    """Give the tasks of an act back to whom they were for."""
    act_id = str(here.visit.request.path_params["act"])
    try:
        undone = await here.store.undo_bulk_act(act_id)
    except InvalidPrecondition as refusal:
        return here.visit.go(here.url("bulk_act", act=act_id), ("failed", f"Nothing was changed: {refusal.detail}."))
    return here.visit.go(here.url("bulk_act", act=undone.act_id))


def _row(here: Here, act: BulkAct) -> ActRow:
    return ActRow(
        act_id=act.act_id,
        title=_title(act),
        href=here.url("bulk_act", act=act.act_id),
        status=_status(act),
        result=f"{plural(act.total, 'task')} by “{choice_text(act.filter)}”: {_result(act)}",
        who=act.by_name or short_id(act.by),
        moment=act.created_at,
    )


def _title(act: BulkAct) -> str:
    if act.undoes is not None:
        return "Give back as before"
    to = f" to {act.target_name or 'anybody'}" if act.act == "reassign" else ""
    return f"{WORDS[act.act].title}{to}"


def _status(act: BulkAct) -> str:
    return "running" if act.ended_at is None else "failed" if act.total and not act.done else "done"


def _result(act: BulkAct) -> str:
    left = act.total - act.done - act.refused
    parts = [f"{act.done:,} done"]
    parts += [f"{act.refused:,} refused"] if act.refused else []
    parts += [f"{left:,} to come"] if left else []
    return ", ".join(parts)


def _can_be_undone(here: Here, act: BulkAct) -> bool:
    is_over = act.ended_at is not None and act.undone_by is None and act.done > 0
    return is_over and act.act == "reassign" and here.visit.is_administrator


def _linked(here: Here, act: BulkAct) -> tuple[tuple[str, str], ...]:
    found = (("It was taken back", act.undone_by), ("It takes back another act", act.undoes))
    return tuple((words, here.url("bulk_act", act=act_id)) for words, act_id in found if act_id)
