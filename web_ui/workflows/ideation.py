"""Handing in ideas: keep each text, draft each idea, make all of them ready, submit them."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress

from store_client import (
    AlreadyExists,
    CreateIdea,
    IdeaDraft,
    IdeaState,
    IdeationResult,
    IllegalTransition,
)
from web_ui.workflows.attachments import deposit_text
from web_ui.workflows.outcomes import Hand, Outcome, hand_in


async def submit(hand: Hand, drafts: Sequence[IdeaDraft], now: str) -> Outcome:
    """Submit ideas; ids come from the claim and the text, so that the same idea is never made twice."""
    ids = [idea_id(hand, draft) for draft in drafts]

    async def prepare() -> IdeationResult:
        if hand.is_held:
            for made, draft in zip(ids, drafts, strict=True):
                await _draft(hand, made, draft, now)
            for made in ids:
                await _make_ready(hand, made)
        return IdeationResult(idea_ids=tuple(dict.fromkeys(ids)), status="success")

    return await hand_in(hand, prepare)


async def give_up(hand: Hand) -> Outcome:
    """Submit that no idea came of it."""

    async def prepare() -> IdeationResult:
        return IdeationResult(idea_ids=(), status="error")

    return await hand_in(hand, prepare)


def idea_id(hand: Hand, draft: IdeaDraft) -> str:
    """The id of a draft under this claim."""
    said = repr((draft.slug, draft.priority, draft.parent_commits, draft.content))
    return hand.assignment.derived_id("i", int.from_bytes(hashlib.sha256(said.encode()).digest()[:8]))


async def _draft(hand: Hand, made: str, draft: IdeaDraft, now: str) -> None:
    uri = draft.artifacts_uri or await deposit_text(hand.store, "content.md", draft.content)
    body = CreateIdea(
        idea_id=made,
        experiment_id=hand.store.experiment_id,
        slug=draft.slug,
        priority=draft.priority,
        parent_commits=draft.parent_commits,
        artifacts_uri=uri,
        state="drafting",
        created_at=now,
    )
    with suppress(AlreadyExists):
        await hand.store.create_idea(body)


async def _make_ready(hand: Hand, made: str) -> None:
    try:
        await hand.store.mark_idea_ready(made)
    except IllegalTransition:
        if (await hand.store.read_idea(made)).state is IdeaState.DRAFTING:
            raise
