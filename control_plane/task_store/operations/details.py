"""Tasks, ideas and variants as our own pages show them: with names, labels and relations."""

from collections.abc import Sequence
from itertools import chain

from sqlalchemy import RowMapping

from control_plane.db import identities
from control_plane.db.transaction import Tx
from control_plane.task_store import records, rows
from control_plane.task_store.operations import names, progress
from control_plane.task_store.ports import JobsOfTasks, no_jobs
from control_plane.task_store.rules import tasks as rules
from store_client.wire.ideas import IdeaDetail
from store_client.wire.tasks import TaskDetail
from store_client.wire.variants import VariantDetail

Found = Sequence[RowMapping]
NEW_IDEAS = "new ideas"
"""What an ideation is called."""


def read_task(tx: Tx, task_id: str, jobs: JobsOfTasks = no_jobs) -> TaskDetail:
    return of_tasks(tx, [rows.task(tx, task_id)], jobs)[0]


def read_idea(tx: Tx, idea_id: str) -> IdeaDetail:
    return of_ideas(tx, [rows.idea(tx, idea_id)])[0]


def read_variant(tx: Tx, variant_id: str) -> VariantDetail:
    return of_variants(tx, [rows.variant(tx, variant_id)])[0]


def of_tasks(tx: Tx, found: Found, jobs: JobsOfTasks) -> tuple[TaskDetail, ...]:
    """Tasks with what they are about, who holds them, and whether the caller may."""
    subjects = Subjects(tx, found)
    people = ((row["claimed_by"], row["target_id"], subjects.author_id(row)) for row in found)
    called = names.of_members(tx, chain.from_iterable(people))
    mine = set() if tx.caller.is_admin else identities.groups_of(tx.connection, tx.experiment_id, tx.caller.worker_id)
    latest = jobs(tx, [row["task_id"] for row in found])
    return tuple(
        TaskDetail(
            **records.task_fields(row),
            title=subjects.title(row),
            subject_id=row["subject_id"],
            priority=row["priority"],
            claimant_name=called.get(row["claimed_by"]),
            target_name=called.get(row["target_id"]),
            is_eligible=not tx.caller.is_admin and rules.is_eligible(row, tx.caller.worker_id, mine),
            author_id=subjects.author_id(row),
            author_name=called.get(subjects.author_id(row) or ""),
            parent_commits=subjects.parent_commits(row),
            latest_job_id=latest.get(row["task_id"]),
        )
        for row in found
    )


def of_ideas(tx: Tx, found: Found) -> tuple[IdeaDetail, ...]:
    """Ideas with their author and what came of them."""
    ids = [row["idea_id"] for row in found]
    called = names.of_members(tx, (row["created_by"] for row in found))
    executions, variants = names.execution_tasks(tx, ids), names.variants_of(tx, ids)
    return tuple(
        IdeaDetail(
            **records.idea_fields(row),
            author_name=called.get(row["created_by"]),
            execution_task_id=executions.get(row["idea_id"]),
            variant_ids=variants.get(row["idea_id"], ()),
        )
        for row in found
    )


def of_variants(tx: Tx, found: Found) -> tuple[VariantDetail, ...]:
    """Variants with their label, their place among the others, and where they come from."""
    called = names.of_members(tx, chain.from_iterable((row["executed_by"], row["evaluated_by"]) for row in found))
    origins = names.variants_at(tx, chain.from_iterable(row["parent_commits"] for row in found))
    named = names.ideas_by_id(tx, (row["idea_id"] for row in chain(found, origins.values())))
    best = progress.best_variant_id(tx)
    return tuple(
        VariantDetail(
            **records.variant_fields(row),
            number=row["number"],
            label=names.label(row, named),
            objective_value=row["objective_value"],
            is_best=row["variant_id"] == best,
            executor_name=called.get(row["executed_by"]),
            evaluator_name=called.get(row["evaluated_by"]),
            evaluation_attempts=row["evaluation_attempts"],
            parents=tuple(names.parent(tx, commit, origins.get(commit), named) for commit in row["parent_commits"]),
        )
        for row in found
    )


class Subjects:
    """The ideas and variants that some tasks are about."""

    def __init__(self, tx: Tx, found: Found) -> None:
        self._base = tx.experiment["base_commit_sha"]
        self._variants = names.variants_by_id(tx, _subject_ids(found, "evaluation"))
        about = (row["idea_id"] for row in self._variants.values())
        self._ideas = names.ideas_by_id(tx, chain(_subject_ids(found, "execution"), about))

    def title(self, task: RowMapping) -> str:
        if task["kind"] == "ideation":
            return NEW_IDEAS
        if task["kind"] == "execution":
            return str(self._ideas[task["subject_id"]]["slug"])
        return names.label(self._variants[task["subject_id"]], self._ideas)

    def author_id(self, task: RowMapping) -> str | None:
        """Who had the idea behind a task."""
        variant = self._variants.get(task["subject_id"]) if task["kind"] == "evaluation" else None
        idea = self._ideas.get(variant["idea_id"] if variant else task["subject_id"])
        return None if idea is None else idea["created_by"]

    def parent_commits(self, task: RowMapping) -> tuple[str, ...]:
        """What the task starts from; an ideation starts from the base commit."""
        if task["kind"] == "ideation":
            return (self._base,) if self._base else ()
        about = self._ideas if task["kind"] == "execution" else self._variants
        return tuple(about[task["subject_id"]]["parent_commits"])


def _subject_ids(found: Found, kind: str) -> list[str]:
    return [row["subject_id"] for row in found if row["kind"] == kind]
