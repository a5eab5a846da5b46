"""Handing in an execution: keep the files, start the variant, submit its commit."""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Literal

from store_client import (
    AlreadyExists,
    CreateVariant,
    ExecutionResult,
    NotFound,
    Variant,
    VariantStatus,
)
from web_ui.workflows.attachments import Attachments, deposit
from web_ui.workflows.outcomes import Hand, Outcome, hand_in


@dataclass(frozen=True)
class Execution:
    """What was done: a commit on a branch of one's own, or none with the reason."""

    commit_sha: str | None
    branch: str | None = None
    description: str = ""
    attachments: Attachments = field(default_factory=Attachments)


async def submit(hand: Hand, execution: Execution, now: str) -> Outcome:
    """Submit a commit, or that it could not be done; the variant's id comes from the claim, so twice lands once."""

    async def prepare() -> ExecutionResult:
        uri = await _prepare(hand, execution, now) if hand.is_held else None
        status: Literal["success", "error"] = "success" if execution.commit_sha else "error"
        return ExecutionResult(
            variant_id=hand.assignment.variant_id, status=status, commit_sha=execution.commit_sha, artifacts_uri=uri
        )

    return await hand_in(hand, prepare)


async def _prepare(hand: Hand, execution: Execution, now: str) -> str | None:
    """Have the variant exist, and keep what goes with the result."""
    variant = await start_variant(hand, now, execution.description, execution.branch)
    said = variant.description or ""
    note = "" if execution.description == said else execution.description
    return await deposit(hand.store, replace(execution.attachments, note=note))


async def find_variant(hand: Hand) -> Variant | None:
    """The variant of this claim, if it was started."""
    try:
        return await hand.store.read_variant(hand.assignment.variant_id)
    except NotFound:
        return None


async def start_variant(hand: Hand, now: str, description: str = "", branch: str | None = None) -> Variant:
    """The variant of this claim, started now when it was not; a branch that another variant has is left out."""
    known = await find_variant(hand)
    if known is not None:
        return known
    task = hand.task
    body = CreateVariant(
        variant_id=hand.assignment.variant_id,
        experiment_id=hand.store.experiment_id,
        idea_id=str(task.subject_id),
        status=VariantStatus.STARTING,
        parent_commits=task.parent_commits,
        branch=branch,
        description=description or None,
        started_at=now,
    )
    with suppress(AlreadyExists):
        return await hand.store.create_variant(body)
    with suppress(AlreadyExists):
        return await hand.store.create_variant(body.having(branch=None))
    return await hand.store.read_variant(body.variant_id)
