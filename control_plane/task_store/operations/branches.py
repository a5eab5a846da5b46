"""What work branches belong to, as the store knows it."""

import re
from collections.abc import Iterable, Sequence

from sqlalchemy import select

from control_plane.db.transaction import Tx
from control_plane.task_store.operations import names
from control_plane.task_store.rules.branches import Owner, judge
from control_plane.task_store.tables import IS_CLAIMED, tasks, variants
from store_client.wire.branches import BranchStanding, WorkBranchLine
from store_client.wire.scalars import SUFFIX

Found = tuple[str, str]
_OF_WORKER = re.compile(f"work/(wkr_{SUFFIX})/.+")


def judged(tx: Tx, found: Sequence[Found], only: BranchStanding | None = None) -> tuple[WorkBranchLine, ...]:
    """Branches, each with its commit, and how they stand now: all of them, or those that stand in one way."""
    owners, holders = _owners(tx, [name for name, _ in found]), _holders(tx)
    lines = []
    for name, commit_sha in found:
        owner, worker_id = owners.get(name), worker_of(name)
        is_held = worker_id in holders if worker_id is not None else bool(holders)
        standing, reason = judge(owner, commit_sha, is_held=is_held)
        if only not in {None, standing}:
            continue
        lines.append(
            WorkBranchLine(
                name=name,
                commit_sha=commit_sha,
                standing=standing,
                reason=reason,
                variant_id=owner.variant_id if owner else None,
                worker_id=worker_id,
            )
        )
    return tuple(lines)


def named(tx: Tx, lines: Sequence[WorkBranchLine]) -> tuple[WorkBranchLine, ...]:
    """The same with what their variants and workers are called."""
    made = names.variants_by_id(tx, (line.variant_id for line in lines))
    known = names.ideas_by_id(tx, (row["idea_id"] for row in made.values()))
    called = names.of_members(tx, (line.worker_id for line in lines))
    labels: dict[str | None, str] = {variant_id: names.label(row, known) for variant_id, row in made.items()}
    return tuple(
        line.having(variant_label=labels.get(line.variant_id), worker_name=called.get(line.worker_id or ""))
        for line in lines
    )


def worker_of(name: str) -> str | None:
    """Who alone may push a branch; None of one that an attempt pushed, or that was there before."""
    match = _OF_WORKER.fullmatch(name)
    return match[1] if match else None


def tell(tx: Tx, act: str, moved: Iterable[Found]) -> None:
    """What was removed or brought back, and where it pointed."""
    for name, commit_sha in moved:
        tx.tell(f"branch.{act}", branch=name, commit_sha=commit_sha, by=tx.caller.worker_id)


def _owners(tx: Tx, branches: Sequence[str]) -> dict[str, Owner]:
    wanted = (variants.c.branch, variants.c.variant_id, variants.c.status, variants.c.commit_sha)
    query = select(*wanted, variants.c.variant_commit_sha.is_not(None).label("is_integrated"))
    query = query.where(variants.c.experiment_id == tx.experiment_id, variants.c.branch.in_(branches))
    rows = tx.connection.execute(query).all()  # thousands at a time: by their places
    return {branch: Owner(variant_id, status, sha, is_over) for branch, variant_id, status, sha, is_over in rows}


def _holders(tx: Tx) -> set[str]:
    """Who holds an execution task."""
    query = select(tasks.c.claimed_by).where(tasks.c.experiment_id == tx.experiment_id, IS_CLAIMED)
    return set(tx.connection.scalars(query.where(tasks.c.kind == "execution").distinct()))
