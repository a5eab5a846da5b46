"""What waits in many experiments, asked of all at once: the same facts as a dispatcher asks of one."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, Table, TextClause, bindparam, func, literal, select

from control_plane.db import tally
from control_plane.db.tables import experiments
from control_plane.db.transaction import Tx
from control_plane.task_store.operations import dispatch
from control_plane.task_store.operations.dispatch import Ideations
from control_plane.task_store.tables import (
    IS_BASELINE,
    IS_EVALUABLE,
    IS_INTEGRABLE,
    IS_LIVE,
    IS_SUBMITTED,
    tasks,
    variants,
)


@dataclass(frozen=True)
class Outlook:
    """One experiment's."""

    has_submitted: bool
    has_ready_idea: bool
    has_evaluable: bool
    has_integrable: bool
    executing: int
    in_flight: int
    ideations: Ideations
    attempted: int
    integrated: int


def of(tx: Tx, experiment_ids: Collection[str]) -> dict[str, Outlook]:
    """The outlook of each of these experiments."""
    counts = tally.read_many(tx.connection, experiment_ids)
    found = tx.connection.execute(_WAITING, {"wanted": list(experiment_ids)})
    return {row.experiment_id: _outlook(row, counts.get(row.experiment_id, {})) for row in found}


def _outlook(row: Any, counts: dict[str, int]) -> Outlook:
    executing = dispatch.executing_of(counts)
    return Outlook(
        has_submitted=row.submitted is not None,
        has_ready_idea=counts.get("ideas.ready", 0) > 0,
        has_evaluable=row.evaluable is not None,
        has_integrable=row.integrable is not None,
        executing=executing,
        in_flight=executing + row.measuring,
        ideations=dispatch.ideations_of(counts),
        attempted=counts.get("variants", 0) - (row.baseline is not None),
        integrated=counts.get("variants.integrated", 0),
    )


def _here(wanted: Select[Any], table: Table, *conditions: ColumnElement[bool] | TextClause) -> Select[Any]:
    """The table's rows of the experiment that the question around asks about."""
    here = table.c.experiment_id == experiments.c.experiment_id
    return wanted.select_from(table).where(here, *conditions).correlate(experiments)


def _first(table: Table, *conditions: ColumnElement[bool] | TextClause) -> ScalarSelect[int]:
    """One, or nothing where there is no such row. Not `exists`: that may be answered by reading all such rows."""
    return _here(select(literal(1)), table, *conditions).limit(1).scalar_subquery()


def _waiting() -> Select[Any]:
    live = select(tasks.c.subject_id).where(tasks.c.experiment_id == variants.c.experiment_id, IS_LIVE)
    live = live.where(tasks.c.kind == "evaluation", tasks.c.subject_id == variants.c.variant_id)
    measuring = _here(select(func.count()), variants, IS_EVALUABLE, variants.c.kind.is_(None))
    return select(
        experiments.c.experiment_id,
        _first(tasks, IS_SUBMITTED).label("submitted"),
        _first(variants, IS_EVALUABLE, ~live.exists()).label("evaluable"),
        _first(variants, IS_INTEGRABLE).label("integrable"),
        _first(variants, IS_BASELINE).label("baseline"),
        measuring.scalar_subquery().label("measuring"),
    ).where(experiments.c.experiment_id.in_(bindparam("wanted", expanding=True)))


_WAITING = _waiting()
