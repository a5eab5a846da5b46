"""What somebody has at hand: the tasks that they hold, and those that they have drafts for."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import RowMapping, Select, Subquery, and_, literal, select

from control_plane.db.tables import DEPLOYMENT, experiments, workers
from control_plane.db.transaction import Caller, Tx
from control_plane.task_store.draft_tables import drafts
from control_plane.task_store.operations import details
from control_plane.task_store.ports import JobsOfTasks, no_jobs
from control_plane.task_store.tables import IS_CLAIMED, tasks
from store_client.wire.drafts import Work, WorkItem
from store_client.wire.tasks import TaskDetail

MOST = 100
EXCERPT = 200


def read(tx: Tx, jobs: JobsOfTasks = no_jobs) -> Work:
    """The caller's claims by the time left, then the caller's drafts for other tasks, newest first."""
    mine = _identities(tx)
    claimed = _rows(tx, _claims(mine))
    drafted = _rows(tx, _drafts(mine))
    held = {_place(row) for row in claimed[:MOST]}
    rest = [row for row in drafted[:MOST] if _place(row) not in held]
    said = {_place(row): row for row in drafted}
    told = _details(tx, [*claimed[:MOST], *rest], jobs)
    return Work(
        items=tuple(_item(row, told[_place(row)], said.get(_place(row))) for row in (*claimed[:MOST], *rest)),
        is_cut=max(len(claimed), len(drafted)) > MOST,
    )


def _identities(tx: Tx) -> Subquery:
    """Who the caller is in which experiment."""
    if tx.experiment_id != DEPLOYMENT:
        here = literal(tx.experiment_id).label("scope"), literal(tx.caller.worker_id).label("worker_id")
        return select(*here).subquery()
    there = and_(workers.c.scope == experiments.c.experiment_id, workers.c.deployment_worker_id == tx.caller.worker_id)
    mine = select(workers.c.scope, workers.c.worker_id).select_from(experiments).join(workers, there)
    return mine.where(workers.c.deployment_worker_id.is_not(None)).subquery()


def _claims(mine: Subquery) -> Select[Any]:
    held = and_(tasks.c.experiment_id == mine.c.scope, tasks.c.claimed_by == mine.c.worker_id)
    query = select(tasks, mine.c.worker_id).select_from(mine).join(tasks, held).where(IS_CLAIMED)
    return query.order_by(tasks.c.lapses_at, tasks.c.number).limit(MOST + 1)


def _drafts(mine: Subquery) -> Select[Any]:
    own = and_(drafts.c.experiment_id == mine.c.scope, drafts.c.worker_id == mine.c.worker_id)
    task = and_(tasks.c.experiment_id == drafts.c.experiment_id, tasks.c.task_id == drafts.c.task_id)
    said = drafts.c.fields, drafts.c.updated_at.label("drafted_at"), mine.c.worker_id
    query = select(tasks, *said).select_from(mine).join(drafts, own).join(tasks, task)
    return query.order_by(drafts.c.updated_at.desc()).limit(MOST + 1)


def _rows(tx: Tx, query: Select[Any]) -> list[RowMapping]:
    return list(tx.connection.execute(query).mappings())


def _place(row: RowMapping) -> tuple[str, str]:
    return row["experiment_id"], row["task_id"]


def _details(tx: Tx, found: Iterable[RowMapping], jobs: JobsOfTasks) -> dict[tuple[str, str], TaskDetail]:
    """Each task with its names, asked once for each experiment, as the caller's worker there."""
    inside: dict[tuple[str, str], list[RowMapping]] = {}
    for row in found:
        inside.setdefault((row["experiment_id"], row["worker_id"]), []).append(row)
    told = {}
    for (experiment_id, worker_id), rows in inside.items():
        there = tx.at(experiment_id, Caller(worker_id, experiment_id))
        for task in details.of_tasks(there, rows, jobs):
            told[experiment_id, task.task_id] = task
    return told


def _item(row: RowMapping, task: TaskDetail, draft: RowMapping | None) -> WorkItem:
    is_mine = row["state"] == "claimed" and row["claimed_by"] == row["worker_id"]
    item = WorkItem(experiment_id=row["experiment_id"], task=task, is_mine=is_mine)
    if draft is None:
        return item
    longest = max(
        (str(text) for text in draft["fields"].values()), key=lambda text: (" " in text, len(text)), default=""
    )
    return item.having(drafted_at=draft["drafted_at"], excerpt=longest[:EXCERPT])
