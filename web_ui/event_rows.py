"""Events as rows: when, what kind, and every thing that they name as a link."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from store_client import ExperimentSummary, LogEvent
from web_ui.filters import NOTHING, Moment, figure, short_id
from web_ui.visit import Visit

LONGEST_VALUE, LONGEST_DATA = 90, 1500
PAGE_OF = {"task_id": "task", "idea_id": "idea", "variant_id": "variant"}
KIND_OF = {"task": "claimed", "idea": "ready", "variant": "succeeded", "job": "running", "experiment": "running"}
WORDS = {"by": "by", "worker_id": "worker", "updated_by": "by", "terminated_by": "by"}
BAD = ("failed", "errored", "error", "lost", "disabled", "policy_error")


@dataclass(frozen=True)
class Named:
    """One field of an event; `title` is the whole of a value that is shown short."""

    label: str
    value: str
    href: str | None
    title: str


@dataclass(frozen=True)
class EventRow:
    """One event; `data` is its JSON, cut where it is long."""

    position: int
    type: str
    status: str
    moment: Moment
    href: str
    where: str
    where_href: str | None
    named: tuple[Named, ...]
    data: str
    is_cut: bool


@dataclass(frozen=True)
class EventRows:
    """How to draw events: the experiments there are, and what workers are called."""

    visit: Visit
    experiments: Mapping[str, ExperimentSummary]
    workers: Mapping[str, str]
    permalink: Callable[[int], str]
    tells_where: bool = False

    def of(self, event: LogEvent) -> EventRow:
        one = self.experiments.get(event.experiment_id or "")
        data = as_json(event)
        return EventRow(
            position=event.position,
            type=event.type,
            status=status_of(event.type),
            moment=event.occurred_at,
            href=self.permalink(event.position),
            where=self._where(event, one) if self.tells_where else "",
            where_href=self.visit.url("overview", experiment=one.slug) if one and self.tells_where else None,
            named=tuple(self._named(name, value, one) for name, value in event.data.items()),
            data=data[:LONGEST_DATA],
            is_cut=len(data) > LONGEST_DATA,
        )

    @staticmethod
    def _where(event: LogEvent, one: ExperimentSummary | None) -> str:
        if one is not None:
            return one.name
        return short_id(event.experiment_id) if event.experiment_id else "Deployment"

    def _named(self, name: str, value: object, one: ExperimentSummary | None) -> Named:
        whole = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        is_id = name.endswith("_id") or whole.startswith("wkr_")
        shown = self.workers.get(whole) or (short_id(whole) if is_id else _short(value, whole))
        label = WORDS.get(name, name.removesuffix("_id").replace("_", " "))
        return Named(label, shown, self._href(name, whole, one), whole[:400])

    def _href(self, name: str, value: str, one: ExperimentSummary | None) -> str | None:
        if name == "job_id" and self.visit.offers.is_ours:
            return self.visit.url("job", job=value)
        if one is None or name not in PAGE_OF or "/" in value or not value:
            return None
        return self.visit.url(PAGE_OF[name], experiment=one.slug, **{PAGE_OF[name]: value})


def _short(value: object, whole: str) -> str:
    if value is None or value == "":
        return NOTHING
    if isinstance(value, int | float) and not isinstance(value, bool):
        return figure(value)
    return whole if len(whole) <= LONGEST_VALUE else whole[: LONGEST_VALUE - 1] + "…"


def status_of(type_: str) -> str:
    """The status that an event of this type is marked with."""
    kind, _, act = type_.partition(".")
    if any(act.endswith(word) for word in BAD):
        return "failed"
    if act in {"succeeded", "completed", "integrated", "finished", "registered", "joined", "enabled"}:
        return "done"
    if act in {"paused", "reclaimed", "requeued", "queued", "submitted"}:
        return "waiting"
    return KIND_OF.get(kind, "idle") if act in {"started", "claimed", "ready", "resumed"} else "idle"


def as_json(event: LogEvent) -> str:
    """The whole event as people read JSON."""
    return json.dumps(event.to_wire(), indent=2, ensure_ascii=False)
