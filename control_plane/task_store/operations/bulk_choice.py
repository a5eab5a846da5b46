"""Which tasks an act on many is for: looked for along indexes, and among a bounded number of them."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, RowMapping, TextClause, select

from control_plane.db.transaction import Tx
from control_plane.task_store.operations import task_pages
from control_plane.task_store.operations.listing import caller_or, rows_of
from control_plane.task_store.rules.tasks import MOVES
from control_plane.task_store.tables import tasks
from store_client.wire.bulk import MOST_AT_ONCE, BulkActName, ChooseTasks, TaskChoice
from store_client.wire.calls.tasks import words_of
from store_client.wire.tasks import KINDS, TaskKind, TaskState

MOVE_OF: dict[BulkActName, str] = {"take_back": "reclaim", "reassign": "reassign"}
LOOKED_AT = 20_000
"""So many tasks of a state are looked through for words."""
_LIGHT = (tasks.c.task_id, tasks.c.number, tasks.c.priority, tasks.c.target_id, tasks.c.title)


@dataclass(frozen=True)
class Chosen:
    """The tasks that are meant; with `is_more` there may be more than can be said at once."""

    rows: tuple[RowMapping, ...]
    is_more: bool


def choose(tx: Tx, body: ChooseTasks, up_to: int) -> Chosen:
    """The tasks in a state in which the act is possible, state by state in the order of their priority."""
    words, found, is_more = words_of(body.filter.q), list[RowMapping](), False
    most = LOOKED_AT if words else MOST_AT_ONCE
    for state in _states(body):
        here: list[RowMapping] = []
        for kind in (body.filter.kind,) if body.filter.kind else KINDS:
            wanted = select(*_LIGHT).where(*_conditions(tx, body.filter, state, kind), tasks.c.number <= up_to)
            looked = rows_of(tx, wanted.order_by(tasks.c.number).limit(most + 1))
            is_more = is_more or len(looked) > most
            here += (row for row in looked[:most] if task_pages.is_called(row, words))
        found += sorted(here, key=lambda row: (-row["priority"], row["number"]))
    return Chosen(tuple(found), is_more or len(found) > MOST_AT_ONCE)


def settled(tx: Tx, wanted: TaskChoice) -> TaskChoice:
    """The same choice with the caller named where it says `me`."""
    given = {name: getattr(wanted, name) for name in ("claimed_by", "submitted_by")}
    return wanted.having(**{name: caller_or(tx, who) for name, who in given.items() if who is not None})


def _states(body: ChooseTasks) -> Iterator[TaskState]:
    """Of the states in which the act is possible those that the choice leaves: nobody has what waits."""
    for state in sorted(MOVES[MOVE_OF[body.act]].sources):
        is_held_in = state is not TaskState.PENDING or body.filter.claimed_by is None
        is_handed_in = state is TaskState.SUBMITTED or body.filter.submitted_by is None
        if body.filter.state in {None, state} and is_held_in and is_handed_in:
            yield state


def _conditions(
    tx: Tx, wanted: TaskChoice, state: TaskState, kind: TaskKind
) -> Iterator[ColumnElement[bool] | TextClause]:
    yield tasks.c.experiment_id == tx.experiment_id
    yield tasks.c.state == state
    yield task_pages.LIVE[state]
    yield tasks.c.kind == kind
    for name in ("claimed_by", "submitted_by"):
        if (who := getattr(wanted, name)) is not None:
            yield tasks.c[name] == caller_or(tx, who)
    yield from task_pages.times(tx, wanted.since, wanted.until)
