"""What people call the things on a page: one query for each kind of thing, however long the page."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, select

from control_plane.db.tables import groups, workers
from control_plane.db.transaction import Tx
from control_plane.task_store.tables import ideas, tasks, variants
from store_client.wire.variants import ParentVariant

Rows = Mapping[str, RowMapping]
_PARENT = select(
    *(variants.c[name] for name in ("variant_id", "kind", "idea_id", "objective_value")),
    *(variants.c[name] for name in ("commit_sha", "variant_commit_sha")),
)


def of_members(tx: Tx, member_ids: Iterable[str | None]) -> dict[str, str | None]:
    """The display names of workers and groups."""
    wanted = {member_id for member_id in member_ids if member_id is not None}
    if not wanted:
        return {}
    people = select(workers.c.worker_id, workers.c.name).where(workers.c.scope == tx.experiment_id)
    bands = select(groups.c.group_id, groups.c.name).where(groups.c.scope == tx.experiment_id)
    found = {row.worker_id: row.name for row in tx.connection.execute(people.where(workers.c.worker_id.in_(wanted)))}
    if left := wanted - found.keys():
        found |= {row.group_id: row.name for row in tx.connection.execute(bands.where(groups.c.group_id.in_(left)))}
    return found


def ideas_by_id(tx: Tx, idea_ids: Iterable[str | None]) -> Rows:
    """What ideas are called, whose they are, and what they start from."""
    told = ideas.c.idea_id, ideas.c.slug, ideas.c.created_by, ideas.c.parent_commits
    return _by(tx, select(*told), ideas.c.idea_id, idea_ids)


def variants_by_id(tx: Tx, variant_ids: Iterable[str | None]) -> Rows:
    """The same of variants, and the idea of each."""
    told = variants.c.variant_id, variants.c.kind, variants.c.idea_id, variants.c.parent_commits
    return _by(tx, select(*told), variants.c.variant_id, variant_ids)


def execution_tasks(tx: Tx, idea_ids: Iterable[str]) -> dict[str, str]:
    """The execution task of each idea that has one."""
    query = select(tasks.c.subject_id, tasks.c.task_id).where(
        tasks.c.experiment_id == tx.experiment_id,
        tasks.c.kind == "execution",
        tasks.c.subject_id.in_(list(idea_ids)),
    )
    return {row.subject_id: row.task_id for row in tx.connection.execute(query)}


def variants_of(tx: Tx, idea_ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The variants of each idea, oldest first; they are put in order here, lest the database walks all by number."""
    query = select(variants.c.number, variants.c.idea_id, variants.c.variant_id).where(
        variants.c.experiment_id == tx.experiment_id, variants.c.idea_id.in_(list(idea_ids))
    )
    made: dict[str, tuple[str, ...]] = {}
    for _, idea_id, variant_id in sorted(map(tuple, tx.connection.execute(query))):
        made[idea_id] = (*made.get(idea_id, ()), variant_id)
    return made


def label(variant: RowMapping, named: Rows) -> str:
    """What a variant is called: baseline, or the slug of its idea."""
    return str(variant["kind"] or named[variant["idea_id"]]["slug"])


def variants_at(tx: Tx, commits: Iterable[str]) -> Rows:
    """The variant of each commit that is the canonical or the worker's commit of one."""
    wanted = set(commits)
    return _by(tx, _PARENT, variants.c.commit_sha, wanted) | _by(tx, _PARENT, variants.c.variant_commit_sha, wanted)


def parent(tx: Tx, commit: str, variant: RowMapping | None, named: Rows) -> ParentVariant:
    """What a parent commit is: that of a variant, which may be the baseline, or just a commit."""
    if variant is None:
        is_base = commit == tx.experiment["base_commit_sha"]
        return ParentVariant(commit_sha=commit, label="base commit" if is_base else commit[:10])
    return ParentVariant(
        commit_sha=commit,
        variant_id=variant["variant_id"],
        label=label(variant, named),
        objective_value=variant["objective_value"],
    )


def _by(tx: Tx, chosen: Select[Any], column: ColumnElement[Any], values: Iterable[str | None]) -> dict[str, RowMapping]:
    """Rows by one of the columns that are chosen."""
    wanted = {value for value in values if value is not None}
    query = chosen.where(column.table.c.experiment_id == tx.experiment_id, column.in_(wanted))
    return {row[column.name]: row for row in tx.connection.execute(query).mappings()} if wanted else {}
