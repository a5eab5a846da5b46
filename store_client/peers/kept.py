"""Entities as a copy keeps them: what lists filter and order by, and the rest as text."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from store_client.wire import objective
from store_client.wire.ideas import Idea, IdeaState
from store_client.wire.tasks import SUBJECT, Task, TaskKind, TaskState
from store_client.wire.variants import Variant, VariantStatus


@dataclass(frozen=True, slots=True)
class KeptTask:
    id: str
    number: int
    kind: TaskKind
    state: TaskState
    subject_id: str | None
    claimed_by: str | None
    text: bytes

    @classmethod
    def of(cls, task: Task, number: int) -> "KeptTask":
        subject = None if task.kind == "ideation" else str(task.payload.get(SUBJECT[task.kind], ""))
        claimant = task.claim.worker_id if task.claim else None
        return cls(task.task_id, number, task.kind, task.state, subject, claimant, _text(task))

    @property
    def record(self) -> Task:
        return Task.model_validate_json(self.text)


@dataclass(frozen=True, slots=True)
class KeptIdea:
    id: str
    number: int
    slug: str
    state: IdeaState
    priority: float
    text: bytes

    @classmethod
    def of(cls, idea: Idea, number: int) -> "KeptIdea":
        return cls(idea.idea_id, number, idea.slug, idea.state, idea.priority, _text(idea))

    @property
    def record(self) -> Idea:
        return Idea.model_validate_json(self.text)


@dataclass(frozen=True, slots=True)
class KeptVariant:
    id: str
    number: int
    status: VariantStatus
    idea_id: str | None
    is_baseline: bool
    is_integrated: bool
    commits: tuple[str, ...]
    value: float | None
    text: bytes

    @classmethod
    def of(cls, variant: Variant, number: int, config: Mapping[str, Any]) -> "KeptVariant":
        return cls(
            variant.variant_id,
            number,
            variant.status,
            variant.idea_id,
            variant.kind is not None,
            variant.variant_commit_sha is not None,
            tuple(sha for sha in (variant.variant_commit_sha, variant.commit_sha) if sha),
            _value(variant, config),
            _text(variant),
        )

    @property
    def record(self) -> Variant:
        return Variant.model_validate_json(self.text)


Kept = KeptTask | KeptIdea | KeptVariant


def slug_of(text: str) -> str:
    """Text as part of an address."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _value(variant: Variant, config: Mapping[str, Any]) -> float | None:
    """What the objective makes of a success; None where the config does not tell."""
    expr = (config.get("objective") or {}).get("expr")
    if variant.status is not VariantStatus.SUCCESS or not isinstance(expr, str):
        return None
    return objective.value_of(expr, variant.evaluation or {})


def _text(record: Task | Idea | Variant) -> bytes:
    return record.model_dump_json(exclude_unset=True).encode()
