"""Work in an experiment, done by a worker through the store: ideas, commits and scores in a few lines."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from store_client import (
    CreateIdea,
    CreateVariant,
    EvaluationResult,
    ExecutionResult,
    ExperimentDetail,
    IdeationResult,
    StaticBearer,
    StoreClient,
    TaskDetail,
    TaskKind,
    TaskState,
    Upload,
    VariantStatus,
    format_time,
)
from tests.web.world import World


def now() -> str:
    return format_time(datetime.now(UTC))


@dataclass
class Worker:
    """A worker of an experiment who does every role."""

    world: World
    experiment: ExperimentDetail
    store: StoreClient
    worker_id: str
    numbers: Iterator[int] = field(default_factory=itertools.count)

    @classmethod
    async def of(cls, world: World, experiment: ExperimentDetail, name: str = "Ada") -> "Worker":
        """A newly registered worker."""
        made = await world.store(experiment.experiment_id).register_worker(name)
        bearer = StaticBearer(made.worker_id, made.registration_token)
        return cls(world, experiment, world.deployment.store(experiment.experiment_id, bearer), made.worker_id)

    async def pending(self, kind: TaskKind) -> TaskDetail:
        """The first task of a kind that waits, once the orchestrator has decided."""
        await self.world.decide()
        page = await self.store.list_task_page(kind, TaskState.PENDING)
        assert page.items, f"no {kind} task is pending"
        return page.items[0]

    async def claim(self, kind: TaskKind) -> TaskDetail:
        task = await self.pending(kind)
        await self.store.claim_task(task.task_id)
        return task

    async def propose(self, *slugs: str, parents: tuple[str, ...] = (), content: str = "Try it.") -> list[str]:
        """Answer an ideation task with ideas; their ids."""
        task = await self.claim("ideation")
        ids = [await self.draft(slug, parents or task.parent_commits, content) for slug in slugs]
        for idea_id in ids:
            await self.store.mark_idea_ready(idea_id)
        await self.store.submit_task(task.task_id, IdeationResult(idea_ids=tuple(ids), status="success"))
        await self.world.decide()
        return ids

    async def draft(self, slug: str, parents: tuple[str, ...], content: str) -> str:
        """An idea in drafting."""
        deposited = await self.store.deposit_artifact(Upload("content.md", content.encode(), "text/markdown"))
        idea = CreateIdea(
            idea_id=f"i-{next(self.numbers)}",
            experiment_id=self.experiment.experiment_id,
            slug=slug,
            priority=0.5,
            parent_commits=parents,
            artifacts_uri=deposited.artifacts_uri,
            state="drafting",
            created_at=now(),
        )
        return (await self.store.create_idea(idea)).idea_id

    async def execute(self, **files: str | bytes) -> str:
        """Carry out the next idea by writing files; the variant's id. Without files the execution fails."""
        task = await self.claim("execution")
        variant_id = f"v-{next(self.numbers)}"
        branch = f"work/{self.worker_id}/{variant_id}"
        await self.store.create_variant(
            CreateVariant(
                variant_id=variant_id,
                experiment_id=self.experiment.experiment_id,
                idea_id=task.subject_id,
                status=VariantStatus.STARTING,
                parent_commits=task.parent_commits,
                branch=branch,
                description=f"wrote {', '.join(files).replace('__', '.')}" if files else None,
                started_at=now(),
            )
        )
        commit = self.push(branch, task.parent_commits[0], **files) if files else None
        result = ExecutionResult(variant_id=variant_id, status="success" if commit else "error", commit_sha=commit)
        await self.store.submit_task(task.task_id, result)
        await self.world.decide()
        return variant_id

    def push(self, branch: str, parent: str, **files: str | bytes) -> str:
        """A commit on a parent, at the tip of a branch of the experiment's repository."""
        checkout = self.world.data / f"checkout-{self.worker_id}-{next(self.numbers)}"
        bare = self.world.repository(self.experiment.experiment_id)
        self.world.git("clone", "--quiet", str(bare), str(checkout), cwd=Path(self.world.data))
        self.world.git("checkout", "--quiet", "--detach", parent, cwd=checkout)
        commit = self.world.git.commit(checkout, **files)
        self.world.git("push", "--quiet", "origin", f"HEAD:refs/heads/{branch}", cwd=checkout)
        return commit

    async def evaluate(self, **metrics: float | str) -> str:
        """Score the next variant; without metrics its evaluation says that the variant failed. The variant's id."""
        task = await self.claim("evaluation")
        variant_id = str(task.subject_id)
        result = EvaluationResult(
            variant_id=variant_id,
            status="success" if metrics else "error",
            evaluation=dict(metrics) or None,
        )
        await self.store.submit_task(task.task_id, result)
        await self.world.decide()
        return variant_id

    async def variant(self, slug: str, number: float, **metrics: float | str) -> str:
        """One variant of the hello experiment from idea to score; its id."""
        await self.propose(slug)
        variant_id = await self.execute(guess__txt=f"{number}\n")
        await self.evaluate(**metrics)
        return variant_id


async def worked(world: World, one: ExperimentDetail) -> Worker:
    """A baseline, a better and a worse variant, a failed execution, a failed variant."""
    ada = await Worker.of(world, one)
    await ada.evaluate(error=1.0)
    await ada.variant("better", 1.4, error=0.25)
    await ada.variant("worse", 1.9, error=1.5)
    await ada.propose("unbuilt")
    await ada.execute()
    await ada.propose("broken")
    await ada.execute(guess__txt="x\n")
    await ada.evaluate()
    return ada
