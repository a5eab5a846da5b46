"""The experiments of the home page: one page of them, and those that wait for a person."""

import asyncio
from collections import Counter
from dataclasses import dataclass

from store_client import (
    ExperimentLine,
    ExperimentPage,
    ExperimentPageQuery,
    ExperimentSummary,
    Step,
    SwitchyardError,
)
from web_ui.kept_lists import BESIDE
from web_ui.visit import Visit

SPARKS = 24
"""So many experiments of another server get a sparkline; the rest of a long list does without."""


@dataclass(frozen=True)
class Lists:
    """A page as it was asked for, which tells of those that need somebody, and the first ones of all."""

    page: ExperimentPage
    first: tuple[ExperimentSummary, ...]


async def lists_of(visit: Visit, query: ExperimentPageQuery) -> Lists:
    """What the page lists, however many experiments there are; the first page is the list beside it, too."""
    if not visit.offers.is_ours:
        return await _of_another_server(visit, query)
    if query == BESIDE:
        page = await visit.client.list_experiment_page(query)
        return Lists(page, await visit.console.factory.experiments(visit.who, page=page))
    return Lists(*await asyncio.gather(visit.client.list_experiment_page(query), visit.beside()))


async def _of_another_server(visit: Visit, query: ExperimentPageQuery) -> Lists:
    """The whole list, since another server has no pages of it."""
    found = await visit.console.factory.experiments(visit.who, whole=SPARKS)
    chosen = [one for one in found if _is_wanted(query, one)]
    chosen.sort(key=lambda one: one.status.is_final)
    lines = await asyncio.gather(*(_line(visit, one) for one in chosen[:SPARKS]))
    rest = (ExperimentLine(**one.model_dump()) for one in chosen[SPARKS:])
    by_status = Counter(one.status.value for one in found)
    return Lists(ExperimentPage(items=(*lines, *rest), total=len(chosen), by_status=by_status), found)


def _is_wanted(query: ExperimentPageQuery, one: ExperimentSummary) -> bool:
    called = f"{one.name} {one.slug} {one.experiment_id}".lower()
    is_named = all(word in called for word in (query.q or "").lower().split())
    return is_named and query.status in {None, one.status} and not query.needs


async def _line(visit: Visit, one: ExperimentSummary) -> ExperimentLine:
    """With the course of its best; without when its store does not answer, which must not take the page down."""
    line = ExperimentLine(**one.model_dump())
    try:
        course = await visit.console.factory.reader(visit.who, one.experiment_id).read_course()
    except SwitchyardError:
        return line
    newest = course.improvements
    steps = tuple(Step(number=each.number, value=each.value) for each in reversed(newest))
    return line.having(steps=steps, best_label=newest[0].label if newest else None)
