"""Pages: found by keyset along an index, totalled from maintained counts."""

from typing import Any, TypeVar

from sqlalchemy import ColumnElement, RowMapping, Select, select

from control_plane.db import tally
from control_plane.db.transaction import Tx
from control_plane.task_store.operations import beginnings, details, progress
from control_plane.task_store.rules import pages
from control_plane.task_store.tables import IS_SCORED, ideas, variants
from store_client.wire.calls.ideas import IdeaPageQuery
from store_client.wire.calls.variants import VariantPageQuery
from store_client.wire.ideas import IdeaPage
from store_client.wire.variants import VariantPage

T = TypeVar("T")
UNSCORED = 0.0


def idea_page(tx: Tx, query: IdeaPageQuery) -> IdeaPage:
    """Ideas, newest first."""
    wanted = select(ideas).where(ideas.c.experiment_id == tx.experiment_id)
    if query.state is not None:
        wanted = wanted.where(ideas.c.state == query.state)
    if query.names is not None:
        wanted = wanted.where(ideas.c.slug.in_(query.names))
    if query.created_by is not None:
        wanted = wanted.where(ideas.c.created_by == caller_or(tx, query.created_by))
    number = _number(ideas.c.number, are_named=query.names is not None)
    found = _newest(tx, wanted, number, (query.after, query.limit))
    last = last_of(found, query.limit)
    return IdeaPage(
        items=details.of_ideas(tx, found[: query.limit]),
        next=last and pages.write((0, last["number"])),
        total=_total(tx, query),
    )


def _total(tx: Tx, query: IdeaPageQuery) -> int | None:
    """How many there are, where that is kept."""
    if query.names or query.created_by:
        return None
    return total_of(tx, f"ideas.{query.state}" if query.state else "ideas")


def variant_page(tx: Tx, query: VariantPageQuery) -> VariantPage:
    """Variants, newest first or best first; those without a value come last, newest first."""
    wanted = select(variants).where(variants.c.experiment_id == tx.experiment_id)
    if query.status is not None:
        wanted = wanted.where(variants.c.status == query.status)
    if query.begins is not None:
        wanted = wanted.where(variants.c.number.in_(beginnings.numbers(tx, query.begins)))
    if query.wanted_ids is not None:
        wanted = wanted.where(variants.c.variant_id.in_(query.wanted_ids))
    if query.order == "newest":
        number = _number(variants.c.number, are_named=query.wanted_ids is not None)
        found = _newest(tx, wanted, number, (query.after, query.limit))
    else:
        found = _best(tx, wanted, query)
    last = last_of(found, query.limit)
    return VariantPage(
        items=details.of_variants(tx, found[: query.limit]),
        next=last and _variant_place(last, query.order),
        total=None
        if query.begins or query.ids
        else total_of(tx, f"variants.{query.status}" if query.status else "variants"),
    )


def caller_or(tx: Tx, named: str) -> str:
    """The worker of that id; `me` is the caller."""
    return tx.caller.worker_id if named == "me" else named


def total_of(tx: Tx, *counts: str) -> int:
    counted = tally.read(tx.connection, tx.experiment_id)
    return sum(counted.get(name, 0) for name in counts)


def _newest(
    tx: Tx, wanted: Select[Any], number: ColumnElement[int], after_and_limit: tuple[str | None, int]
) -> list[RowMapping]:
    after, limit = after_and_limit
    if after is not None:
        wanted = wanted.where(number < pages.read(after)[1])
    return rows_of(tx, wanted.order_by(number.desc()).limit(limit + 1))


def _number(column: ColumnElement[int], *, are_named: bool) -> ColumnElement[int]:
    """By what a list is in order. A few that are named are sorted, lest the database walks along all there are."""
    return column + 0 if are_named else column


def _best(tx: Tx, wanted: Select[Any], query: VariantPageQuery) -> list[RowMapping]:
    """Scored variants by value; when they run out, those without a value."""
    is_scored = query.after is None or not query.after.startswith("-")
    after = query.after.removeprefix("-") if query.after else None
    scored = _scored(tx, wanted, after, query.limit) if is_scored else []
    unscored = wanted.where(variants.c.objective_value.is_(None))
    place = (None if is_scored else after, query.limit - len(scored))
    return scored + (_newest(tx, unscored, variants.c.number, place) if len(scored) <= query.limit else [])


def _scored(tx: Tx, wanted: Select[Any], after: str | None, limit: int) -> list[RowMapping]:
    key = variants.c.objective_value, variants.c.number
    return keyed(tx, wanted.where(IS_SCORED), key, (after, limit), is_ascending=progress.is_minimised(tx))


def keyed(
    tx: Tx,
    wanted: Select[Any],
    key: tuple[ColumnElement[float], ColumnElement[int]],
    after_and_limit: tuple[str | None, int],
    *,
    is_ascending: bool = False,
) -> list[RowMapping]:
    """Rows by a value, then by number. Those that share the value of the place before are asked for by themselves.

    One condition for both would have the index read again all that have this value.
    """
    (value, number), (after, limit) = key, after_and_limit
    order = value.asc() if is_ascending else value.desc()
    if after is None:
        return rows_of(tx, wanted.order_by(order, number).limit(limit + 1))
    last, place = pages.read(after)
    same = rows_of(tx, wanted.where(value == last, number > place).order_by(number).limit(limit + 1))
    beyond = wanted.where(value > last if is_ascending else value < last).order_by(order, number)
    return same + (rows_of(tx, beyond.limit(limit + 1 - len(same))) if len(same) <= limit else [])


def _variant_place(last: RowMapping, order: str) -> str:
    value = last["objective_value"]
    if order == "best" and value is None:
        return "-" + pages.write((UNSCORED, last["number"]))
    return pages.write((UNSCORED if value is None else value, last["number"]))


def last_of(found: list[RowMapping], limit: int) -> RowMapping | None:
    """The last row of a page that another one follows."""
    return found[limit - 1] if len(found) > limit else None


def rows_of(tx: Tx, query: Select[Any]) -> list[RowMapping]:
    return list(tx.connection.execute(query).mappings())
