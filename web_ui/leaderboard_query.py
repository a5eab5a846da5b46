"""What an address asks of the leaderboard, and the addresses beside it."""

from dataclasses import dataclass, field, replace
from math import inf, nextafter
from urllib.parse import urlencode

from starlette.datastructures import QueryParams
from starlette.responses import Response

from store_client import LeaderboardQuery, VariantStatus
from web_ui.active import Here
from web_ui.filter_language import Field, Narrowing, Term, narrowing, number, parse, without
from web_ui.listing import PAGE, Pager
from web_ui.named_workers import worker_named

FIELDS = ("sort", "dir", "status", "worker", "idea", "q", "metric", "at_least", "at_most")
TERMS = (Field("status", tuple(one.value for one in VariantStatus)), Field("worker", example="me"), Field("idea"))
"""What may be written into the box beside words; a metric is compared with a number."""
LONGEST, MOST_COLUMNS = 200, 12
COLUMNS_COOKIE, COOKIE_SECONDS = "columns", 365 * 86_400


@dataclass(frozen=True)
class Asked:
    """A page of the leaderboard, read from its address; what makes no sense is left out, and `fault` says so."""

    path: str
    fields: dict[str, str]
    query: LeaderboardQuery
    begin: int
    columns: tuple[str, ...] | None
    """The metrics that are shown; None for those that are shown to begin with."""
    has_chosen: bool = False
    fault: str = ""
    problem: str = ""
    """What of the words in the box is not understood; then nothing is looked for."""
    compared: str | None = None
    """The metric that the box compares."""
    kept: list[tuple[str, str]] = field(default_factory=list)

    def having(self, **changes: str | None) -> str:
        """The first page with some fields changed; None takes one out."""
        fields = {name: value for name, value in {**self.fields, **changes}.items() if value is not None}
        return self._address(list(fields.items()))

    def in_status(self, status: str | None) -> str:
        """The first page of those in one status, or in any, whatever the box says of it."""
        return self.having(q=without(self.fields.get("q", ""), "status"), status=status)

    def pager(self, count: int, shown: tuple[str | None, str | None], total: str) -> Pager:
        """The words and addresses of a page with so many rows, between the previous and the next place."""
        previous, following = shown
        span = f"{self.begin + 1:,} to {self.begin + count:,}" if count else "none"
        return Pager(
            f"{span} of {total}" if total else span,
            self._at("before", previous, max(self.begin - PAGE, 0)) if previous else None,
            self._at("after", following, self.begin + count) if following else None,
        )

    def remember(self, here: Here, response: Response) -> None:
        """Keep the chosen columns for the next visit."""
        if self.has_chosen and self.columns is not None:
            value = urlencode([("c", name) for name in self.columns])
            is_https = here.visit.request.url.scheme == "https"
            response.set_cookie(
                COLUMNS_COOKIE, value, COOKIE_SECONDS, path=self.path, httponly=True, samesite="lax", secure=is_https
            )

    def _at(self, way: str, place: str, begin: int) -> str:
        return self._address([*self.fields.items(), (way, place), *([("n", str(begin))] if begin else [])])

    def _address(self, fields: list[tuple[str, str]]) -> str:
        return f"{self.path}?{urlencode(fields)}" if fields else self.path


async def asked_of(here: Here) -> Asked:
    """What the request's address asks for; the box goes before the other fields."""
    params = here.visit.request.query_params
    fields = {name: value for name in FIELDS if (value := _text(params, name))}
    if params.get("order") == "best":
        fields.setdefault("sort", "objective")
    told = _told(fields.get("q", ""))
    chosen = {**fields, **told.chosen}
    worker, nobody = chosen.get("worker"), ""
    if "worker" in told.chosen and not told.problem:
        worker, nobody = await worker_named(here, told.chosen["worker"])
    (metric, low, high), fault = _range(fields, told)
    status = chosen.get("status")
    query = LeaderboardQuery(
        **_order(here, fields),
        status=VariantStatus(status) if status in tuple(VariantStatus) else None,
        worker=worker,
        idea=chosen.get("idea"),
        q=" ".join(told.words) or None,
        metric=metric if low is not None or high is not None else None,
        at_least=low,
        at_most=high,
        after=_place(params, "after"),
        before=None if _place(params, "after") else _place(params, "before"),
        limit=PAGE,
    )
    count = params.get("n", "")
    begin = int(count) if count.isdecimal() and len(count) < 10 and (query.after or query.before) else 0
    asked = Asked(here.url("variants"), fields, query, begin, _columns(here), "columns" in params, fault)
    return replace(asked, problem=told.problem or nobody, compared=told.compared[0].field if told.compared else None)


def _told(text: str) -> Narrowing:
    """The words of the box; whatever is compared is taken for a metric."""
    known = {one.name for one in TERMS}
    metrics = {term.field for term in parse(text) if term.operator != ":" and term.field.lower() not in known}
    told = narrowing(text, (*TERMS, *(Field(one, example="0.5", takes="number") for one in sorted(metrics))))
    if len(metrics) > 1 and not told.problem:
        return replace(told, problem="One metric at a time can be compared.")
    return told


def _range(fields: dict[str, str], told: Narrowing) -> tuple[tuple[str | None, float | None, float | None], str]:
    """The metric that has a range, its bounds, and what is wrong with those of the form."""
    if not told.compared:
        low, high, fault = _bounds(fields)
        return (fields.get("metric"), low, high), fault
    bounds = {term.is_least: _bound(term) for term in told.compared}
    return (told.compared[0].field, bounds.get(True), bounds.get(False)), ""


def _bound(term: Term) -> float | None:
    """The last number that a comparison admits."""
    value = number(term.value)
    if value is None or term.operator.endswith("="):
        return value
    return nextafter(value, inf if term.is_least else -inf)


def _order(here: Here, fields: dict[str, str]) -> dict[str, str | bool]:
    sort = fields.get("sort", "number")
    is_known = sort in {"number", "objective"} or sort.startswith("metric:")
    is_ascending = _is_ascending(here, sort, fields.get("dir"))
    return {"sort": sort if is_known else "number", "is_ascending": is_ascending}


def _text(params: QueryParams, name: str) -> str:
    return params.get(name, "").replace("\x00", "").strip()[:LONGEST]


def _place(params: QueryParams, name: str) -> str | None:
    return params.get(name, "")[:400] or None


def _is_ascending(here: Here, sort: str, direction: str | None) -> bool:
    """By an objective the best comes first, by a metric the highest, by number the newest, unless the address says."""
    if direction in {"asc", "desc"}:
        return direction == "asc"
    return sort == "objective" and here.experiment.objective.direction == "minimize"


def _bounds(fields: dict[str, str]) -> tuple[float | None, float | None, str]:
    """The range of a metric, and what is wrong with it."""
    found: list[float | None] = []
    for name in ("at_least", "at_most"):
        try:
            value = float(fields[name].replace("\N{MINUS SIGN}", "-")) if name in fields else None
        except ValueError:
            return None, None, f"“{fields[name]}” is not a number, so the range is not used."
        found.append(value if value is None or abs(value) < float("inf") else None)
    if any(value is not None for value in found) and not fields.get("metric"):
        return None, None, "Choose the metric that the range is for."
    return found[0], found[1], ""


def _columns(here: Here) -> tuple[str, ...] | None:
    """The metrics that the address names, else those that were chosen the last time."""
    params = here.visit.request.query_params
    if "columns" in params:
        return tuple(dict.fromkeys(name for name in params.getlist("columns") if name))[:MOST_COLUMNS]
    kept = here.visit.request.cookies.get(COLUMNS_COOKIE)
    return None if kept is None else tuple(QueryParams(kept).getlist("c"))[:MOST_COLUMNS]
