"""The leaderboard of an experiment: what was tried, how it scored, and what it changed."""

import asyncio
from dataclasses import dataclass, replace
from typing import ClassVar

from starlette.responses import Response

from store_client import ExperimentDetail, Leaderboard, WorkerList
from web_ui.active import Here
from web_ui.filter_language import Field, suggestions
from web_ui.filters import Direction
from web_ui.frame import experiment_frame
from web_ui.leaderboard_query import FIELDS, TERMS, Asked, asked_of
from web_ui.leaderboard_rows import VariantRow, row
from web_ui.lines import objective_phrase
from web_ui.listing import Pager
from web_ui.pages.variant_page import show
from web_ui.saved_views import ViewBar, bar, beginning, besides, views_of
from web_ui.scores import measured, objective_name, side_metrics
from web_ui.templating import Frame, Tab

__all__ = ["VariantRow", "Variants", "index", "row", "show"]

STATUS_WORDS = (
    (None, "All"),
    ("success", "Scored"),
    ("starting", "In the making"),
    ("error", "Failed"),
    ("evaluation_error", "Not evaluated"),
)
SHOWN_FIRST = 5
NARROWS = frozenset(FIELDS) - {"sort", "dir"}


@dataclass(frozen=True)
class Head:
    """A column: where its head leads, and how the list stands by it."""

    label: str
    href: str
    order: str
    is_number: bool = True


@dataclass(frozen=True)
class Option:
    """One of several that can be chosen."""

    value: str
    words: str
    is_chosen: bool


@dataclass(frozen=True)
class Narrowing:
    """The form above the table: what is entered, and what there is to choose from."""

    action: str
    search: str
    at_least: str
    at_most: str
    workers: tuple[Option, ...]
    ranged: tuple[Option, ...]
    columns: tuple[Option, ...]
    kept: tuple[tuple[str, str], ...]
    count: int
    all_href: str
    fault: str
    problem: str
    suggestions: tuple[str, ...]


@dataclass(frozen=True)
class Variants:
    """The page at /e/{experiment}/variants."""

    template: ClassVar[str] = "variants/index.html"

    frame: Frame
    sentence: str
    filters: tuple[Tab, ...]
    direction: Direction
    number_head: Head
    objective_head: Head | None
    metric_heads: tuple[Head, ...]
    rows: tuple[VariantRow, ...]
    pager: Pager
    goes_on: bool
    narrowing: Narrowing
    views: ViewBar | None
    csv_href: str
    metrics_href: str


async def index(here: Here) -> Response:
    """A page of variants by any of their measures."""
    asked = await asked_of(here)
    detail, page, fleet, workers, views = await asyncio.gather(
        here.store.read_experiment_detail(),
        _found(here, asked),
        here.visit.fleet(),
        here.store.list_workers(),
        views_of(here.visit, "variants"),
    )
    if (path := beginning(here.visit, views)) is not None:
        return here.visit.go(path)
    asked = replace(asked, fields=besides(asked.fields, views))
    every = side_metrics(detail, measured(detail.evaluation_schema, (one.evaluation for one in page.items)))
    metrics = every[:SHOWN_FIRST] if asked.columns is None else tuple(name for name in every if name in asked.columns)
    objective = objective_name(detail)
    total = "" if page.total is None else f"{page.total:,}{'+' if page.is_more else ''}"
    response = here.visit.show(
        Variants(
            frame=experiment_frame(here, "Variants", "variants", fleet),
            sentence=_sentence(detail),
            filters=_filters(asked),
            direction=detail.objective.direction,
            number_head=_head(asked, "Variant", "number", is_number=False),
            objective_head=_head(asked, objective, "objective") if objective else None,
            metric_heads=tuple(
                _head(asked, name, f"metric:{name}", is_number=detail.evaluation_schema.get(name) != "text")
                for name in metrics
            ),
            rows=tuple(row(here, detail, metrics, one) for one in page.items),
            pager=asked.pager(len(page.items), (page.previous, page.next), total),
            goes_on=not page.items and page.next is not None,
            narrowing=_narrowing(asked, detail, workers, (every, metrics)),
            views=bar(here, "variants", views, is_understood=not (asked.problem or asked.fault)),
            csv_href=_csv_href(here, asked),
            metrics_href=here.url("metrics"),
        )
    )
    asked.remember(here, response)
    return response


async def _found(here: Here, asked: Asked) -> Leaderboard:
    """A page of them; none by words that are not understood."""
    return Leaderboard(items=()) if asked.problem else await here.store.list_leaderboard(asked.query)


def _head(asked: Asked, label: str, sort: str, *, is_number: bool = True) -> Head:
    """A head sorts by its column, and turns the order round where the list is sorted by it already."""
    if asked.query.sort != sort:
        first = "asc" if not is_number and sort != "number" else None
        return Head(label, asked.having(sort=None if sort == "number" else sort, dir=first), "", is_number)
    turned = "desc" if asked.query.is_ascending else "asc"
    order = "ascending" if asked.query.is_ascending else "descending"
    return Head(label, asked.having(sort=None if sort == "number" else sort, dir=turned), order, is_number)


def _narrowing(
    asked: Asked,
    detail: ExperimentDetail,
    workers: WorkerList,
    metrics: tuple[tuple[str, ...], tuple[str, ...]],
) -> Narrowing:
    every, shown = metrics
    numbers = [name for name, kind in detail.evaluation_schema.items() if kind != "text"] or list(every)
    fields = asked.fields
    return Narrowing(
        action=asked.path,
        search=fields.get("q", ""),
        at_least=fields.get("at_least", ""),
        at_most=fields.get("at_most", ""),
        workers=tuple(
            Option(one.worker_id, one.name or one.worker_id, one.worker_id == fields.get("worker"))
            for one in workers.workers[:200]
        ),
        ranged=tuple(Option(name, name, name == fields.get("metric")) for name in numbers),
        columns=tuple(Option(name, name, name in shown) for name in every),
        kept=tuple((name, fields[name]) for name in ("sort", "dir", "status", "idea") if name in fields),
        count=sum(name in fields for name in NARROWS - {"status", "at_least", "at_most"}),
        all_href=asked.having(**dict.fromkeys(NARROWS)),
        fault=asked.fault,
        problem=asked.problem or _no_metric(asked, (*detail.evaluation_schema, *every)),
        suggestions=suggestions((*TERMS[:2], *map(_measure, numbers[:SHOWN_FIRST]))),
    )


def _measure(name: str) -> Field:
    return Field(name, example="0.5", takes="number")


def _no_metric(asked: Asked, known: tuple[str, ...]) -> str:
    if asked.compared is None or asked.compared in known:
        return ""
    return f"No variant of this experiment has a metric called “{asked.compared}”."


def _csv_href(here: Here, asked: Asked) -> str:
    _, mark, fields = asked.having().partition("?")
    return f"{here.url('variants_csv')}{mark}{fields}"


def _sentence(detail: ExperimentDetail) -> str:
    counts = detail.counts
    parts = [f"{counts.evaluated:,} scored", f"{counts.failed:,} failed", f"{counts.integrated:,} integrated"]
    if counts.starting:
        parts.append(f"{counts.starting:,} in the making")
    goal = objective_phrase(detail)
    return f"Everything tried so far{f' to {goal}' if goal else ''}: {', '.join(parts)}."


def _filters(asked: Asked) -> tuple[Tab, ...]:
    status = asked.query.status
    return tuple(Tab(words, asked.in_status(one), is_current=one == status) for one, words in STATUS_WORDS)
