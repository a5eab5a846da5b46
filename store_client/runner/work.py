"""One piece of work, step by step. Any step may be done again: ids are derived from the claim, jobs have a key."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Protocol

from store_client.client import StoreClient
from store_client.creation import settle_idea, settle_variant
from store_client.credentials import now
from store_client.errors import Forbidden, IllegalTransition, NotFound, Refused
from store_client.roles.history import IdeaTexts, read_history, read_text
from store_client.roles.orders import (
    MAX_IDEA_CHARACTERS,
    Assignment,
    evaluation_job,
    execution_job,
    headline,
    ideation_job,
)
from store_client.roles.outcomes import (
    Evaluated,
    ExecutionFailed,
    IdeaDraft,
    IdeationFailed,
    VariantFailed,
    read_evaluation,
    read_execution,
    read_ideation,
)
from store_client.runner.runs import Runs
from store_client.settle import Result
from store_client.transport import Upload
from store_client.wire.experiments import Role
from store_client.wire.ideas import CreateIdea, Idea, IdeaState
from store_client.wire.jobs import JobDetail, SubmitJob
from store_client.wire.scalars import format_time
from store_client.wire.tasks import EvaluationResult, ExecutionResult, IdeationResult
from store_client.wire.variants import CreateVariant, VariantStatus


@dataclass(frozen=True)
class Finding:
    """A result to submit, and why it is no success if it is none."""

    result: Result
    reason: str | None = None
    is_own_fault: bool = False
    """Whoever worked failed, not what it worked on."""


class Work(Protocol):
    """A role's work on one claimed task."""

    async def __call__(self, assignment: Assignment) -> Finding: ...


@dataclass(frozen=True)
class Workshop:
    """What the work of all roles needs."""

    store: StoreClient
    runs: Runs
    texts: IdeaTexts
    clock: Callable[[], datetime] = now

    def of(self, role: Role) -> Work:
        """The work of a role."""
        roles: dict[Role, Work] = {"ideator": self.ideate, "executor": self.execute, "evaluator": self.evaluate}
        return roles[role]

    async def ideate(self, assignment: Assignment) -> Finding:
        async def order() -> SubmitJob:
            return ideation_job(assignment, await read_history(self.store, self.texts))

        job = await self.runs.run(assignment, order)
        outcome = read_ideation(job)
        if isinstance(outcome, IdeationFailed):
            return Finding(IdeationResult(idea_ids=(), status="error"), outcome.reason, is_own_fault=True)
        ids = [await self._draft(assignment, number, draft, job) for number, draft in enumerate(outcome.drafts)]
        for idea_id in ids:
            await self._make_ready(idea_id)
        return Finding(IdeationResult(idea_ids=tuple(ids), status="success"))

    async def execute(self, assignment: Assignment) -> Finding:
        task = await self.store.read_task(assignment.task_id)
        idea = await self.store.read_idea(str(task.payload["idea_id"]))
        variant_id = assignment.variant_id
        text = await self._text_of(idea)
        await self._start_variant(assignment, idea, headline(text))

        async def order() -> SubmitJob:
            return execution_job(assignment, idea, text, variant_id)

        job = await self.runs.run(assignment, order)
        outcome = read_execution(job)
        if isinstance(outcome, ExecutionFailed):
            uri = await self._deposit_log(job)
            failed = ExecutionResult(variant_id=variant_id, status="error", artifacts_uri=uri)
            return Finding(failed, outcome.reason, is_own_fault=outcome.is_crash)
        return Finding(ExecutionResult(variant_id=variant_id, status="success", commit_sha=outcome.commit_sha))

    async def evaluate(self, assignment: Assignment) -> Finding:
        task = await self.store.read_task(assignment.task_id)
        variant = await self.store.read_variant_detail(str(task.payload["variant_id"]))

        async def order() -> SubmitJob:
            return evaluation_job(assignment, variant, variant.label)

        job = await self.runs.run(assignment, order)
        outcome, variant_id = read_evaluation(job), variant.variant_id
        if isinstance(outcome, Evaluated):
            measured, uri = outcome.evaluation, await self._landed(outcome.artifacts_uri, job)
            return Finding(
                EvaluationResult(variant_id=variant_id, status="success", evaluation=measured, artifacts_uri=uri)
            )
        uri = await self._deposit_log(job)
        if isinstance(outcome, VariantFailed):
            measured_part, uri = outcome.evaluation, await self._landed(outcome.artifacts_uri, job) or uri
            failed = EvaluationResult(
                variant_id=variant_id, status="error", evaluation=measured_part, artifacts_uri=uri
            )
            return Finding(failed, outcome.reason)
        blank = EvaluationResult(variant_id=variant_id, status="evaluation_error", artifacts_uri=uri)
        return Finding(blank, outcome.reason, is_own_fault=True)

    async def _text_of(self, idea: Idea) -> str:
        """What its author wrote; a peer may grant that to nobody else, and the slug has to do then."""
        try:
            return await read_text(self.store, idea.artifacts_uri, MAX_IDEA_CHARACTERS)
        except (Forbidden, NotFound):
            return f"# {idea.slug}\n"

    async def _draft(self, assignment: Assignment, number: int, draft: IdeaDraft, job: JobDetail) -> str:
        """Create an idea in drafting; ideas without parents build on the commit that the ideator saw."""
        idea_id = assignment.derived_id("i", number)
        uri = await self._landed(draft.artifacts_uri, job)
        uri = uri or await self._deposit("content.md", draft.content.encode(), "text/markdown")
        body = CreateIdea(
            idea_id=idea_id,
            experiment_id=self.store.experiment_id,
            slug=draft.slug,
            priority=draft.priority,
            parent_commits=draft.parent_commits or (job.commit_sha,),
            artifacts_uri=uri,
            state="drafting",
            created_at=self._now(),
        )
        await settle_idea(self.store, body)
        return idea_id

    async def _make_ready(self, idea_id: str) -> None:
        try:
            await self.store.mark_idea_ready(idea_id)
        except IllegalTransition:
            if (await self.store.read_idea(idea_id)).state is IdeaState.DRAFTING:
                raise

    async def _start_variant(self, assignment: Assignment, idea: Idea, description: str) -> None:
        body = CreateVariant(
            variant_id=assignment.variant_id,
            experiment_id=self.store.experiment_id,
            idea_id=idea.idea_id,
            status=VariantStatus.STARTING,
            parent_commits=idea.parent_commits,
            description=description or None,
            branch=assignment.branch(assignment.variant_id),
            started_at=self._now(),
        )
        await settle_variant(self.store, body)

    async def _landed(self, uri: str | None, job: JobDetail) -> str | None:
        """An address that others can open: of a file that the command left on its machine, that of its copy, if any."""
        if uri is None or not uri.startswith("file://"):
            return uri
        text = job.files.get(uri)
        return None if text is None else await self._deposit(PurePosixPath(uri).name, text.encode(), "text/plain")

    async def _deposit(self, filename: str, content: bytes, content_type: str) -> str:
        upload = Upload(filename, content, f"{content_type}; charset=utf-8")
        return (await self.store.deposit_artifact(upload)).artifacts_uri

    async def _deposit_log(self, job: JobDetail) -> str | None:
        """The end of a failed job's log as an artifact; None where it cannot be had."""
        text = await self.runs.end_of_log(job) if job.log_bytes else None
        try:
            return await self._deposit("job.log", text.encode(), "text/plain") if text else None
        except Refused:
            return None

    def _now(self) -> str:
        return format_time(self.clock())


def concession(result: Result) -> Result | None:
    """What to submit when the server refuses a success: that it is none. None when there is nothing to concede."""
    if result.status != "success":
        return None
    if isinstance(result, IdeationResult):
        return IdeationResult(idea_ids=(), status="error")
    if isinstance(result, ExecutionResult):
        return ExecutionResult(variant_id=result.variant_id, status="error", artifacts_uri=result.artifacts_uri)
    return EvaluationResult(variant_id=result.variant_id, status="evaluation_error")
