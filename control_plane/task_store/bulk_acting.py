"""Carries out acts on many tasks, some tasks at a time, so that everybody else's writes get their turn.

Each task is acted on in a transaction of its own which writes down the outcome, too: whoever goes on after a crash, or
beside another process, comes to no task twice.
"""

import logging
from functools import partial
from typing import Any

from sqlalchemy import RowMapping, func, select, update
from sqlalchemy.exc import SQLAlchemyError

from control_plane.db.transaction import Caller, Tx
from control_plane.edge.house import House
from control_plane.edge.rounds import Rounds
from control_plane.task_store import rows
from control_plane.task_store.bulk_tables import IS_UNDER_WAY, bulk_acts, bulk_items
from control_plane.task_store.operations import bulk_records, tasks
from control_plane.task_store.operations.listing import rows_of
from store_client.errors import InvalidPrecondition, Refused, SwitchyardError
from store_client.wire.bulk import TaskChoice
from store_client.wire.tasks import ClosedTarget, ReassignTask, ReclaimTask

logger = logging.getLogger(__name__)
AT_ONCE = 50
LOOK_SECONDS = 0.5
Found = tuple[RowMapping, list[RowMapping]]


class BulkActing(Rounds):
    """Goes on with the act that was begun first."""

    full = AT_ONCE

    def __init__(self, house: House, look_seconds: float = LOOK_SECONDS) -> None:
        super().__init__("bulk acts", look_seconds)
        self._house = house

    def round(self) -> int:
        """Act on the next tasks; how many there were."""
        found = self._house.read_now(_next)
        if found is None:
            return 0
        act, items = found
        futures = self._house.writer.submit_all([partial(_act_on, act, item) for item in items])
        refusals = [(item, _refusal(future.exception())) for item, future in zip(items, futures, strict=True)]
        refused = [(item, why) for item, why in refusals if why is not None]
        self._house.writer.write(lambda tx: _move_on(tx.at(act["experiment_id"]), act, (items, refused)))
        return len(items)


def _next(tx: Tx) -> Found | None:
    under_way = select(bulk_acts).where(IS_UNDER_WAY).order_by(bulk_acts.c.created_at, bulk_acts.c.act_id).limit(1)
    act = tx.connection.execute(under_way).mappings().first()
    if act is None:
        return None
    left = select(bulk_items).where(bulk_items.c.act_id == act["act_id"], bulk_items.c.place > act["reached"])
    return act, rows_of(tx, left.order_by(bulk_items.c.place).limit(AT_ONCE))


def _act_on(act: RowMapping, item: RowMapping, tx: Tx) -> None:
    """Do it to one task, unless that has been done meanwhile; a refusal takes all of it back."""
    if _outcome(tx, item) != "waiting":
        return
    here = tx.at(act["experiment_id"], Caller(act["acted_by"], act["experiment_id"]))
    task = rows.task(here, item["task_id"])
    if act["undoes"] is None:
        _must_be_chosen(task, TaskChoice.model_validate(act["filter"]))
    elif task["target_id"] != item["had"] or task["state"] != "pending":
        raise InvalidPrecondition("it was claimed, or given to somebody else, since")
    if act["act"] == "take_back":
        tasks.reclaim(here, item["task_id"], ReclaimTask(cause="operator"))
    else:
        gives = bulk_records.target(item["gives"])
        target = ClosedTarget.model_validate(gives.to_wire()) if gives else None
        tasks.reassign(here, item["task_id"], ReassignTask(new_target=target, reason=act["reason"]))
    _keep(tx, item, outcome="done")


def _must_be_chosen(task: RowMapping, chosen: TaskChoice) -> None:
    if chosen.state is not None and task["state"] != chosen.state:
        raise InvalidPrecondition(f"it is {task['state']} by now")
    if chosen.claimed_by is not None and task["claimed_by"] != chosen.claimed_by:
        raise InvalidPrecondition("somebody else has it by now")
    if chosen.submitted_by is not None and task["submitted_by"] != chosen.submitted_by:
        raise InvalidPrecondition("somebody else handed it in by now")


def _refusal(error: BaseException | None) -> str | None:
    """Why a task could not be acted on; what says nothing of the task ends the round, and is tried again."""
    if error is None:
        return None
    if isinstance(error, Refused):
        return error.detail
    if isinstance(error, SwitchyardError | SQLAlchemyError):
        raise error
    logger.error("an act on many tasks met a fault", exc_info=error)
    return "a fault of the server, of which its log tells more"


def _move_on(tx: Tx, act: RowMapping, what: tuple[list[RowMapping], list[tuple[RowMapping, str]]]) -> None:
    """Write down what was refused and how far the act has come, unless another process has gone on meanwhile."""
    items, refused = what
    for item, why in refused:
        if _outcome(tx, item) == "waiting":
            _keep(tx, item, outcome="refused", detail=why)
    reached = act["reached"] + len(items)
    is_over = reached >= act["total"]
    changes = {"reached": reached, "refused": _count_refused(tx, act), "ended_at": tx.now if is_over else None}
    same = bulk_acts.c.act_id == act["act_id"], bulk_acts.c.reached == act["reached"], IS_UNDER_WAY
    moved = tx.connection.execute(update(bulk_acts).where(*same).values(**changes))
    if moved.rowcount and is_over:
        done = reached - changes["refused"]
        tx.tell("bulk_act.ended", act_id=act["act_id"], done=done, refused=changes["refused"], by=act["acted_by"])


def _count_refused(tx: Tx, act: RowMapping) -> int:
    some = bulk_items.c.act_id == act["act_id"], bulk_items.c.outcome == "refused"
    return tx.connection.scalar(select(func.count()).select_from(bulk_items).where(*some)) or 0


def _outcome(tx: Tx, item: RowMapping) -> str | None:
    return tx.connection.scalar(select(bulk_items.c.outcome).where(*_this(item)))


def _keep(tx: Tx, item: RowMapping, **values: Any) -> None:
    tx.connection.execute(update(bulk_items).where(*_this(item)).values(**values))


def _this(item: RowMapping) -> tuple[Any, Any]:
    return bulk_items.c.act_id == item["act_id"], bulk_items.c.place == item["place"]
