"""Handing in ideas: keep each text, draft each idea, make all of them ready, submit them."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from store_client import (
    AlreadyExists,
    CreateIdea,
    IdeaDraft,
    IdeaState,
    IdeationResult,
    IllegalTransition,
    NotFound,
    Target,
)
from web_ui.workflows.attachments import Attachments, deposit
from web_ui.workflows.outcomes import Hand, Outcome, hand_in


@dataclass(frozen=True)
class Proposed:
    """An idea to hand in: its draft, who it is meant for, and its files."""

    draft: IdeaDraft
    executor: Target | None = None
    evaluator: Target | None = None
    attachments: Attachments = field(default_factory=Attachments)


async def submit(hand: Hand, proposed: Sequence[Proposed], now: str) -> Outcome:
    """Submit ideas; ids come from the claim and the text, so that the same idea is never made twice."""
    ids = [idea_id(hand, one) for one in proposed]

    async def prepare() -> IdeationResult:
        if hand.is_held:
            for made, one in zip(ids, proposed, strict=True):
                await _draft(hand, made, one, now)
            for made in ids:
                await _make_ready(hand, made)
        return IdeationResult(idea_ids=tuple(dict.fromkeys(ids)), status="success")

    return await hand_in(hand, prepare)


async def give_up(hand: Hand) -> Outcome:
    """Submit that no idea came of it."""

    async def prepare() -> IdeationResult:
        return IdeationResult(idea_ids=(), status="error")

    return await hand_in(hand, prepare)


def idea_id(hand: Hand, one: Proposed) -> str:
    """The id of a draft under this claim."""
    draft, meant = one.draft, [target.id for target in (one.executor, one.evaluator) if target]
    said = repr((draft.slug, draft.priority, draft.parent_commits, draft.content, *meant))
    return hand.assignment.derived_id("i", int.from_bytes(hashlib.sha256(said.encode()).digest()[:8]))


async def _draft(hand: Hand, made: str, one: Proposed, now: str) -> None:
    if await _is_there(hand, made):
        return
    draft, files = one.draft, one.attachments
    text = replace(files, note=draft.content, note_name="content.md")
    body = CreateIdea(
        idea_id=made,
        experiment_id=hand.store.experiment_id,
        slug=draft.slug,
        priority=draft.priority,
        parent_commits=draft.parent_commits,
        artifacts_uri=draft.artifacts_uri or str(await deposit(hand.store, text)),
        state="drafting",
        intended_executor=one.executor,
        intended_evaluator=one.evaluator,
        created_at=now,
    )
    with suppress(AlreadyExists):
        await hand.store.create_idea(body)


async def _is_there(hand: Hand, made: str) -> bool:
    """Whether an idea was made before: then nothing is deposited for it again."""
    try:
        await hand.store.read_idea(made)
    except NotFound:
        return False
    return True


async def _make_ready(hand: Hand, made: str) -> None:
    try:
        await hand.store.mark_idea_ready(made)
    except IllegalTransition:
        if (await hand.store.read_idea(made)).state is IdeaState.DRAFTING:
            raise
