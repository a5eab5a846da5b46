"""Acting on every task that a filter chooses: first how many and which, then, of exactly those, the act."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import ClassVar

from pydantic import ValidationError
from starlette.responses import Response

from store_client import (
    MOST_AT_ONCE,
    BeginBulkAct,
    BulkActName,
    BulkPreview,
    ChooseTasks,
    InvalidPrecondition,
    NotFound,
    choice_of,
    format_time,
    parse_time,
)
from web_ui.active import Here
from web_ui.filters import plural, with_query
from web_ui.forms.field import Field, text
from web_ui.frame import experiment_frame
from web_ui.listing import Place
from web_ui.pages.task_acts import ANYBODY, targets
from web_ui.pages.tasks import TaskRow, row
from web_ui.task_filters import of_tasks
from web_ui.templating import Frame

FIELDS = ("q", "kind", "state")
NOTHING_CHOSEN = "Narrow the tasks first, by state, kind or worker: then all of those can be acted on at once."
LONGEST_REASON = 500


@dataclass(frozen=True)
class Words:
    """An act on many tasks as it is told."""

    title: str
    button: str
    consequence: str
    possible: str


WORDS: Mapping[BulkActName, Words] = MappingProxyType(
    {
        "take_back": Words(
            "Take back",
            "Take back",
            "Each waits again for whoever may claim it. Its claim ends: what its worker submits afterwards is refused, "
            "and a result that nobody has looked at yet is dropped. This cannot be undone.",
            "Only tasks that are claimed or submitted can be taken back.",
        ),
        "reassign": Words(
            "Give away",
            "Give away",
            "They wait for whom you choose, and nobody else may claim them. A claim on any of them ends. As long as "
            "nobody claims them this can be undone; a claim that ended does not come back.",
            "Only tasks that wait or are claimed can be given to others.",
        ),
    }
)


@dataclass(frozen=True)
class PreviewOfMany:
    """The page at /e/{experiment}/bulk; `up_to` leaves out tasks that come after this was drawn."""

    template: ClassVar[str] = "bulk/preview.html"

    frame: Frame
    act: BulkActName
    words: Words
    sentence: str
    count: int
    too_many: str
    up_to: int
    at: str
    rows: tuple[TaskRow, ...]
    query: str
    targets: tuple[tuple[str, str], ...]
    target: str
    reason: Field
    action: str
    tasks_href: str


@dataclass(frozen=True)
class Chosen:
    """An act, the tasks it is for, and the list of them."""

    body: ChooseTasks
    said: str
    place: Place
    at: str
    """When it was asked for."""

    def list_href(self, here: Here) -> str:
        return with_query(here.url("tasks"), **self.place.fields)


async def preview(here: Here) -> Response:
    """How many tasks the filter chooses, and the first of them."""
    place = Place.of(here.visit.request, *FIELDS)
    chosen = await _chosen(here, place, here.visit.request.query_params.get("act", ""), here.visit.now)
    if chosen is None:
        return here.visit.go(with_query(here.url("tasks"), **place.fields), ("failed", NOTHING_CHOSEN))
    return await _preview(here, chosen, _reason(""), ANYBODY)


async def begin(here: Here) -> Response:
    """Begin the act on exactly the tasks that were counted; when they are others by now, say so and count again."""
    form = await here.visit.request.form()
    place = Place(here.url("bulk_preview"), {name: text(form, name) for name in FIELDS if text(form, name)})
    chosen = await _chosen(here, place, text(form, "act"), _moment(text(form, "at")) or here.visit.now)
    count, up_to, target = text(form, "count"), text(form, "up_to"), text(form, "target") or ANYBODY
    is_said = all(one.isascii() and one.isdecimal() and len(one) < 18 for one in (count, up_to))
    if chosen is None or not is_said:
        return here.visit.go(with_query(here.url("tasks"), **place.fields), ("failed", NOTHING_CHOSEN))
    reason = _reason(text(form, "reason")[:LONGEST_REASON])
    if chosen.body.act == "reassign" and not reason.value:
        return await _preview(here, chosen, reason.wrong("Say why: whoever had them reads it."), target, 422)
    given = {
        **chosen.body.to_wire(),
        "expected_count": int(count),
        "up_to": int(up_to),
        **({"reason": reason.value} if reason.value else {}),
        **({"new_target": _target(target)} if target != ANYBODY and chosen.body.act == "reassign" else {}),
    }
    try:
        act = await here.store.begin_bulk_act(BeginBulkAct.model_validate(given))
    except (ValidationError, NotFound):
        return _again(here, chosen, "choose somebody of this experiment.")
    except InvalidPrecondition as refusal:
        return _again(here, chosen, f"{refusal.detail}. This is how it is now.")
    return here.visit.go(here.url("bulk_act", act=act.act_id))


def _again(here: Here, chosen: Chosen, why: str) -> Response:
    back = with_query(here.url("bulk_preview"), act=chosen.body.act, **chosen.place.fields)
    return here.visit.go(back, ("failed", f"Nothing was changed: {why}"))


def _moment(said: str) -> datetime | None:
    """When the tasks were counted, by which their age goes."""
    try:
        return parse_time(said)
    except ValueError:
        return None


async def _chosen(here: Here, place: Place, act: str, at: datetime) -> Chosen | None:
    """What is wanted; None where the conditions leave nothing out or are not understood."""
    name: BulkActName | None = next((one for one in WORDS if one == act), None)
    found = await of_tasks(here, place, at)
    wanted = choice_of(found.narrowing, found.worker, found.beyond)
    if name is None or wanted is None:
        return None
    return Chosen(ChooseTasks(act=name, filter=wanted), found.narrowing.text, place, format_time(at))


async def _preview(here: Here, chosen: Chosen, reason: Field, target: str, status: int = 200) -> Response:
    seen, workers, groups, fleet = await asyncio.gather(
        here.store.preview_bulk_act(chosen.body),
        here.store.list_workers(),
        here.store.list_groups(),
        here.visit.fleet(),
    )
    words = WORDS[chosen.body.act]
    return here.visit.show(
        PreviewOfMany(
            frame=experiment_frame(here, f"{words.title} several", "tasks", fleet),
            act=chosen.body.act,
            words=words,
            sentence=f"{plural(seen.matched, 'task')} by “{chosen.said}”.",
            count=seen.matched,
            too_many=_too_many(seen),
            up_to=seen.up_to,
            at=chosen.at,
            rows=tuple(row(here, one) for one in seen.sample),
            query=chosen.said,
            targets=targets((workers, groups)),
            target=target,
            reason=reason,
            action=here.url("begin_bulk"),
            tasks_href=chosen.list_href(here),
        ),
        status,
    )


def _too_many(seen: BulkPreview) -> str:
    if not seen.is_more:
        return ""
    if seen.matched < MOST_AT_ONCE:
        return "More tasks than are looked through for words are in such a state. Narrow them further."
    return f"There are more than {MOST_AT_ONCE:,}, which is the most that one act takes. Narrow them further."


def _reason(value: str) -> Field:
    return Field("reason", "Why", value)


def _target(chosen: str) -> dict[str, str]:
    return {"kind": "worker" if chosen.startswith("wkr_") else "group", "id": chosen}
