"""Handing in an evaluation: keep the notes, submit the metrics."""

from dataclasses import dataclass, field
from typing import Literal

from pydantic import JsonValue

from store_client import EvaluationResult
from web_ui.workflows.attachments import Attachments, deposit
from web_ui.workflows.outcomes import Hand, Outcome, hand_in


@dataclass(frozen=True)
class Evaluation:
    """What was measured, and what it means."""

    status: Literal["success", "error", "evaluation_error"]
    metrics: dict[str, JsonValue]
    attachments: Attachments = field(default_factory=Attachments)


async def submit(hand: Hand, evaluation: Evaluation) -> Outcome:
    """Submit an evaluation."""

    async def prepare() -> EvaluationResult:
        uri = await deposit(hand.store, evaluation.attachments) if hand.is_held else None
        return EvaluationResult(
            variant_id=str(hand.task.subject_id),
            status=evaluation.status,
            evaluation=_measured(evaluation),
            artifacts_uri=uri,
        )

    return await hand_in(hand, prepare)


def _measured(evaluation: Evaluation) -> dict[str, JsonValue] | None:
    """A failed evaluator measured nothing; a variant at fault may have been measured in part."""
    if evaluation.status == "evaluation_error":
        return None
    return evaluation.metrics if evaluation.status == "success" else evaluation.metrics or None
