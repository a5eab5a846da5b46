"""The leaderboard as a file for spreadsheets: every variant that its address asks for, streamed page by page."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from typing import Any

from starlette.responses import Response, StreamingResponse

from store_client import ExperimentDetail, LeaderboardQuery, VariantDetail
from web_ui.active import Here
from web_ui.leaderboard_query import asked_of
from web_ui.leaderboard_rows import best_parent
from web_ui.scores import measured, number, over_baseline

AT_ONCE = 500
HEADS = (
    "number", "variant_id", "name", "status", "objective", "from_baseline", "from_parent", "executor", "evaluator",
    "commit_sha", "variant_commit_sha", "started_at", "completed_at", "description",
)  # fmt: skip
STARTS_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


async def download(here: Here) -> Response:
    """The first page is asked for at once, so that whatever is wrong with the request is said as such."""
    query = (await asked_of(here)).query.having(after=None, before=None, limit=AT_ONCE)
    detail = await here.store.read_experiment_detail()
    first = await here.store.list_leaderboard(query)
    metrics = tuple(measured(detail.evaluation_schema, (one.evaluation for one in first.items)))
    name = f'attachment; filename="{here.experiment.slug}-variants.csv"'
    headers = {"Content-Disposition": name, "Cache-Control": "no-store"}
    return StreamingResponse(
        _lines(here, detail, query, metrics), headers=headers, media_type="text/csv; charset=utf-8"
    )


async def _lines(
    here: Here, detail: ExperimentDetail, query: LeaderboardQuery, metrics: Sequence[str]
) -> AsyncIterator[str]:
    yield _written([(*HEADS, *metrics)])
    after: str | None = None
    while True:
        page = await here.store.list_leaderboard(query.having(after=after))
        if page.items:
            yield _written([_row(detail, one, metrics) for one in page.items])
        after = page.next
        if after is None:
            return


def _row(detail: ExperimentDetail, one: VariantDetail, metrics: Sequence[str]) -> tuple[Any, ...]:
    value, (_, _, score) = number(one.objective_value), best_parent(detail, one)
    return (
        one.number,
        one.variant_id,
        one.label,
        one.status.value,
        value,
        over_baseline(detail, value),
        None if value is None or score is None else value - score,
        one.executor_name,
        one.evaluator_name,
        one.commit_sha,
        one.variant_commit_sha,
        one.started_at,
        one.completed_at,
        one.description,
        *((one.evaluation or {}).get(name) for name in metrics),
    )


def _written(rows: Sequence[Sequence[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([[safe(cell) for cell in row] for row in rows])
    return text.getvalue()


def safe(cell: Any) -> Any:
    """A cell that no spreadsheet takes for a formula: a text that begins like one begins with an apostrophe instead."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(STARTS_FORMULAS) else cell
