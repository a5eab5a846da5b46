"""The list of experiments page by page: what is under way first, found and counted by index."""

from typing import Any

from sqlalchemy import ColumnElement, Integer, RowMapping, Select, and_, case, func, literal, or_, select, tuple_

from control_plane.db.tables import events, experiments
from control_plane.db.transaction import Tx
from control_plane.registry.operations import lease_lines, needing, people, reading
from control_plane.registry.rules import places
from store_client.wire.calls.experiments import ExperimentPageQuery
from store_client.wire.experiments import ExperimentLine, ExperimentPage

COUNTED = 10_000
STANDING: ColumnElement[int] = case(
    {"running": 0, "paused": 1, "draft": 2}, value=experiments.c.status, else_=literal(3, Integer)
)
"""What is under way comes first, then what waits for a start, then what has ended."""
_LAST = (
    select(events.c.occurred_at)
    .where(events.c.experiment_id == experiments.c.experiment_id)
    .order_by(events.c.position.desc())
    .limit(1)
    .correlate(experiments)
    .scalar_subquery()
)
"""When something happened last: one look at the end of an index."""
_ORDER = STANDING, experiments.c.created_at.desc(), experiments.c.experiment_id.desc()


def page(tx: Tx, query: ExperimentPageQuery) -> ExperimentPage:
    """A page of experiments with their scores and counts, and how many there are of each kind."""
    visible = people.visible(tx) & _is_listed(query)
    is_waiting = needing.caller(tx)
    filters = _filters(query, is_waiting)
    beyond = [] if query.after is None else [_beyond(places.read(query.after))]
    found = _rows(tx, query.limit + 1, [visible, *filters, *beyond])
    last = found[query.limit - 1] if len(found) > query.limit else None
    by_status = _by_status(tx, visible)
    needing_rows, count = _waiting(tx, query.first_needing, visible & is_waiting)
    lines, waiting = _lines(tx, found[: query.limit], needing_rows)
    return ExperimentPage(
        items=_with_leases(tx, lines) if query.with_leases and not tx.caller.is_confined else lines,
        next=last and places.write((last["standing"], last["created_at"], last["experiment_id"])),
        total=_total(tx, query, [visible, *filters], count) if filters else _told(sum(by_status.values())),
        by_status=by_status,
        needing=count,
        waiting=waiting,
    )


def _with_leases(tx: Tx, lines: tuple[ExperimentLine, ...]) -> tuple[ExperimentLine, ...]:
    """The same lines with who decides in each."""
    held = lease_lines.glances(tx, [one.experiment_id for one in lines])
    return tuple(one.having(lease=held.get(one.experiment_id)) for one in lines)


def _lines(tx: Tx, *lists: list[RowMapping]) -> list[tuple[ExperimentLine, ...]]:
    """Lists that share most of their experiments, each of which is told once."""
    rows = {row["experiment_id"]: row for each in lists for row in each}
    told = {one.experiment_id: one for one in reading.lines(tx, list(rows.values()))}
    return [tuple(told[row["experiment_id"]] for row in each) for each in lists]


def _waiting(tx: Tx, limit: int, wanted: ColumnElement[bool]) -> tuple[list[RowMapping], int]:
    """The first of those that wait, and how many do: of few it is seen, many are counted."""
    found = _rows(tx, limit, [wanted]) if limit else []
    count = len(found) if len(found) < limit else _count(tx, wanted)
    return found, COUNTED if count is None else count


def _rows(tx: Tx, limit: int, conditions: list[ColumnElement[bool]]) -> list[RowMapping]:
    """The first rows in order; they are put in order by what an index holds, without their configs."""
    chosen = select(experiments.c.experiment_id).where(*conditions).order_by(*_ORDER).limit(limit)
    ids = chosen.subquery()
    wanted = reading.scored().add_columns(STANDING.label("standing"), _LAST.label("last_event_at"))
    wanted = wanted.join(ids, ids.c.experiment_id == experiments.c.experiment_id).order_by(*_ORDER)
    return list(tx.connection.execute(wanted).mappings())


def _is_listed(query: ExperimentPageQuery) -> ColumnElement[bool]:
    """The archived ones, or those that are not; whoever is named by the whole id is there in any case."""
    if query.archived:
        return experiments.c.archived_at.is_not(None)
    ids = [word for word in (query.q or "").lower().split() if word.startswith("exp_")]
    is_listed = experiments.c.archived_at.is_(None)
    return is_listed | experiments.c.experiment_id.in_(ids) if ids else is_listed


def _filters(query: ExperimentPageQuery, is_waiting: ColumnElement[bool]) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if query.status is not None:
        conditions.append(experiments.c.status == query.status.value)
    if query.needs is not None:
        conditions.append(is_waiting if query.needs else ~is_waiting)
    for word in (query.q or "").lower().split():
        named = func.lower(experiments.c.name).contains(word, autoescape=True)
        named |= experiments.c.slug.contains(word, autoescape=True)
        named |= func.lower(experiments.c.tags).contains(word, autoescape=True)
        conditions.append(named | (experiments.c.experiment_id == word))
    return conditions


def _beyond(place: places.Place) -> ColumnElement[bool]:
    standing, created_at, experiment_id = place
    older = tuple_(experiments.c.created_at, experiments.c.experiment_id) < tuple_(
        literal(created_at), literal(experiment_id)
    )
    return and_(standing <= STANDING, or_(standing < STANDING, older))


def _count(tx: Tx, *conditions: ColumnElement[bool]) -> int | None:
    """How many experiments these conditions admit; None for more than are counted."""
    some: Select[Any] = select(literal(1)).select_from(experiments).where(*conditions).limit(COUNTED + 1)
    return _told(tx.connection.scalar(select(func.count()).select_from(some.subquery())) or 0)


def _total(tx: Tx, query: ExperimentPageQuery, conditions: list[ColumnElement[bool]], needing: int) -> int | None:
    """How many are on all pages; of those that need somebody it is known."""
    if query.needs and query.status is None and not query.q and needing < COUNTED:
        return needing
    return _count(tx, *conditions)


def _told(total: int) -> int | None:
    return None if total > COUNTED else total


def _by_status(tx: Tx, visible: ColumnElement[bool]) -> dict[str, int]:
    counted = select(experiments.c.status, func.count().label("total")).where(visible).group_by(experiments.c.status)
    return {row.status: row.total for row in tx.connection.execute(counted)}
