"""Acts on many tasks as they are read: how far each has come, and what became of each task."""

from collections.abc import Sequence

from sqlalchemy import RowMapping, select

from control_plane.db.transaction import Tx
from control_plane.task_store.bulk_tables import bulk_acts, bulk_items
from control_plane.task_store.operations import details, names
from control_plane.task_store.operations.listing import last_of, rows_of
from control_plane.task_store.tables import tasks
from store_client.errors import BadRequest, NotFound
from store_client.wire.bulk import BulkAct, BulkActPage, BulkItem, BulkItemPage, TaskChoice
from store_client.wire.call import PageQuery
from store_client.wire.calls.bulk import BulkItemQuery
from store_client.wire.tasks import Target

LONGEST_PLACE = 18


def find(tx: Tx, act_id: str) -> RowMapping:
    """The row of an act of this experiment; NotFound when there is none."""
    here = bulk_acts.c.experiment_id == tx.experiment_id, bulk_acts.c.act_id == act_id
    row = tx.connection.execute(select(bulk_acts).where(*here)).mappings().first()
    if row is None:
        raise NotFound(f"there is no act {act_id[:60]} on many tasks")
    return row


def read(tx: Tx, act_id: str) -> BulkAct:
    return _acts(tx, [find(tx, act_id)])[0]


def page(tx: Tx, query: PageQuery) -> BulkActPage:
    """The acts of the experiment, the newest first."""
    wanted = select(bulk_acts).where(bulk_acts.c.experiment_id == tx.experiment_id)
    if query.after is not None:
        wanted = wanted.where(bulk_acts.c.act_id < query.after)
    found = rows_of(tx, wanted.order_by(bulk_acts.c.act_id.desc()).limit(query.limit + 1))
    last = last_of(found, query.limit)
    return BulkActPage(items=tuple(_acts(tx, found[: query.limit])), next=last and last["act_id"])


def items(tx: Tx, act_id: str, query: BulkItemQuery) -> BulkItemPage:
    """What became of each task, in the order in which the act comes to them."""
    find(tx, act_id)
    wanted = select(bulk_items).where(bulk_items.c.act_id == act_id)
    if query.outcome is not None:
        wanted = wanted.where(bulk_items.c.outcome == query.outcome)
    if query.after is not None:
        if not (query.after.isascii() and query.after.isdigit()) or len(query.after) > LONGEST_PLACE:
            raise BadRequest("after is not the next of an earlier page")
        wanted = wanted.where(bulk_items.c.place > int(query.after))
    found = rows_of(tx, wanted.order_by(bulk_items.c.place).limit(query.limit + 1))
    last = last_of(found, query.limit)
    return BulkItemPage(items=_items(tx, found[: query.limit]), next=str(last["place"]) if last else None)


def undone_by(tx: Tx, act_id: str) -> str | None:
    """The act that took an act back."""
    return tx.connection.scalar(select(bulk_acts.c.act_id).where(bulk_acts.c.undoes == act_id))


def target(member_id: str | None) -> Target | None:
    """A worker or group as whom a task is for."""
    return (
        None if member_id is None else Target(kind="worker" if member_id.startswith("wkr_") else "group", id=member_id)
    )


def _acts(tx: Tx, found: Sequence[RowMapping]) -> list[BulkAct]:
    ids = [row["act_id"] for row in found]
    taken_back = select(bulk_acts.c.undoes, bulk_acts.c.act_id).where(bulk_acts.c.undoes.in_(ids))
    undone = {row.undoes: row.act_id for row in tx.connection.execute(taken_back)}
    called = names.of_members(tx, [one for row in found for one in (row["acted_by"], row["target_id"])])
    return [
        BulkAct(
            act_id=row["act_id"],
            act=row["act"],
            filter=TaskChoice.model_validate(row["filter"]),
            new_target=target(row["target_id"]),
            target_name=called.get(row["target_id"]),
            reason=row["reason"],
            by=row["acted_by"],
            by_name=called.get(row["acted_by"]),
            created_at=row["created_at"],
            ended_at=row["ended_at"],
            total=row["total"],
            done=row["reached"] - row["refused"],
            refused=row["refused"],
            undoes=row["undoes"],
            undone_by=undone.get(row["act_id"]),
        )
        for row in found
    ]


def _items(tx: Tx, found: Sequence[RowMapping]) -> tuple[BulkItem, ...]:
    ids = [row["task_id"] for row in found]
    rows = rows_of(tx, select(tasks).where(tasks.c.experiment_id == tx.experiment_id, tasks.c.task_id.in_(ids)))
    subjects, by_id = details.Subjects(tx, rows), {row["task_id"]: row for row in rows}
    return tuple(
        BulkItem(
            place=row["place"],
            task_id=row["task_id"],
            title=subjects.title(by_id[row["task_id"]]),
            kind=by_id[row["task_id"]]["kind"],
            outcome=row["outcome"],
            detail=row["detail"],
        )
        for row in found
    )
