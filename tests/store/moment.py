"""What every reader sees at one moment, and what must hold of it."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from control_plane.db import tally
from control_plane.db.tables import members
from control_plane.db.transaction import Tx
from control_plane.registry.operations import reading
from control_plane.task_store.tables import ideas as idea_table
from control_plane.task_store.tables import submissions as submission_table
from control_plane.task_store.tables import tasks as task_table
from control_plane.task_store.tables import variants as variant_table
from store_client.wire.tasks import TaskState
from store_client.wire.variants import VariantStatus
from tests.store.replay import Replay


@dataclass(frozen=True)
class Seen:
    """What every reader sees at one moment."""

    tasks: dict[str, Any]
    ideas: dict[str, Any]
    variants: dict[str, Any]
    submitted: frozenset[str]
    members: frozenset[tuple[str, str]]
    counts: dict[str, int]
    mode: dict[str, Any]
    state: str

    def groups_of(self, member: str) -> set[str]:
        """The groups that hold a member, directly or through others."""
        found: set[str] = set()
        while more := {group for group, held in self.members if held in found | {member}} - found:
            found |= more
        return found


def see(tx: Tx) -> Seen:
    def rows(table: Any, id_: str) -> dict[str, Any]:
        found = tx.connection.execute(select(table).where(table.c.experiment_id == tx.experiment_id)).mappings()
        return {row[id_]: dict(row) for row in found}

    held = select(members.c.group_id, members.c.member_id).where(members.c.scope == tx.experiment_id)
    return Seen(
        rows(task_table, "task_id"),
        rows(idea_table, "idea_id"),
        rows(variant_table, "variant_id"),
        frozenset(tx.connection.scalars(select(submission_table.c.task_id))),
        frozenset((row[0], row[1]) for row in tx.connection.execute(held)),
        {name: number for name, number in tally.read(tx.connection, tx.experiment_id).items() if number},
        reading.read_dispatch_mode(tx).to_wire(),
        reading.read_state(tx).state,
    )


def must_agree(replay: Replay, seen: Seen) -> None:
    """The tables say what the events say, and nothing more."""
    told = {**_states("task", seen.tasks, "state"), **_states("idea", seen.ideas, "state")}
    assert replay.states == told | _states("variant", seen.variants, "status")
    held = {id_: row["claimed_by"] for id_, row in seen.tasks.items() if row["claimed_by"] is not None}
    assert replay.claimants == held
    assert all(_target(seen.tasks[id_]) == target for id_, target in replay.targets.items())
    commits = {id_: row["variant_commit_sha"] for id_, row in seen.variants.items() if row["variant_commit_sha"]}
    assert (replay.commits, replay.dispatch_mode, replay.state) == (commits, seen.mode, seen.state)
    must_be_in_order(seen)


def must_be_in_order(seen: Seen) -> None:
    """What holds of the rows at every moment."""
    live = [
        (row["kind"], row["subject_id"])
        for row in seen.tasks.values()
        if row["subject_id"] is not None and TaskState(row["state"]).is_live
    ]
    assert len(live) == len(set(live)), "one live task for each subject"
    assert seen.submitted == {id_ for id_, row in seen.tasks.items() if row["submitted_by"] is not None}
    for idea_id, idea in seen.ideas.items():
        is_executing = ("execution", idea_id) in live
        assert is_executing == (idea["state"] == "dispatched"), "an idea is dispatched while its task is live"
    for variant in seen.variants.values():
        assert (variant["completed_at"] is None) == (variant["status"] == VariantStatus.STARTING)
        assert (variant["evaluation"] is not None) or variant["status"] != VariantStatus.SUCCESS
    counted = Counter(f"tasks.{row['kind']}.{row['state']}" for row in seen.tasks.values())
    counted += Counter(f"ideas.{row['state']}" for row in seen.ideas.values())
    counted += Counter(f"variants.{row['status']}" for row in seen.variants.values())
    integrated = sum(row["variant_commit_sha"] is not None for row in seen.variants.values())
    counted += Counter({"ideas": len(seen.ideas), "variants": len(seen.variants), "variants.integrated": integrated})
    assert seen.counts == dict(counted)


def _states(noun: str, rows: dict[str, Any], column: str) -> dict[tuple[str, str], str]:
    return {(noun, id_): row[column] for id_, row in rows.items()}


def _target(task: Any) -> dict[str, str] | None:
    return {"kind": task["target_kind"], "id": task["target_id"]} if task["target_id"] else None
