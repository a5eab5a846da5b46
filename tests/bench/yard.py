"""What benchmarks are run on: real processes on a fresh data directory, and a worker who may do everything."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from store_client import (
    Blocking,
    CreateIdea,
    CreateTask,
    CreateVariant,
    EvaluationResult,
    ExecutionResult,
    ExperimentDetail,
    StaticBearer,
    StoreClient,
    TaskKind,
    TaskState,
    Transport,
    VariantStatus,
)
from tests.acceptance.deployment import Deployment

MOMENT = "2026-01-01T00:00:00.000000Z"
URI = "https://example.org/idea"


@contextmanager
def deployed() -> Iterator[Deployment]:
    """A deployment that runs nothing yet, and leaves nothing."""
    with tempfile.TemporaryDirectory(prefix="switchyard-bench-") as folder:
        deployment = Deployment(Path(folder) / "data")
        try:
            yield deployment
        finally:
            deployment.clean_up()


@dataclass(frozen=True)
class Hand:
    """A worker of one experiment, in both reserved groups, over connections of its own."""

    store: StoreClient
    base: str

    async def create_task(self, kind: TaskKind, task_id: str, **payload: str) -> None:
        body = CreateTask(
            task_id=task_id, kind=kind, state=TaskState.PENDING, payload=payload, created_at=MOMENT, updated_at=MOMENT
        )
        await self.store.create_task(body)

    async def draft(self, name: str) -> None:
        """An idea in drafting: one act, one event."""
        body = CreateIdea(
            idea_id=f"i-{name}", experiment_id=self.store.experiment_id, slug=f"idea-{name}", priority=1,
            parent_commits=(self.base,), artifacts_uri=URI, state="drafting", created_at=MOMENT,
        )  # fmt: skip
        await self.store.create_idea(body)

    async def make_variant(self, name: str, commit: str, score: float) -> None:
        """One variant from its idea to its score, every step of it over the wire."""
        await self.draft(name)
        await self.store.mark_idea_ready(f"i-{name}")
        await self.create_task("execution", f"x-{name}", idea_id=f"i-{name}")
        claim = await self.store.claim_task(f"x-{name}")
        body = CreateVariant(
            variant_id=f"v-{name}", experiment_id=self.store.experiment_id, idea_id=f"i-{name}",
            status=VariantStatus.STARTING, parent_commits=(self.base,), branch=f"work/{claim.worker_id}/v-{name}",
            started_at=MOMENT,
        )  # fmt: skip
        await self.store.create_variant(body)
        executed = ExecutionResult(variant_id=f"v-{name}", status="success", commit_sha=commit)
        await self.store.submit_task(f"x-{name}", executed)
        await self.store.accept_task(f"x-{name}")
        await self.create_task("evaluation", f"e-{name}", variant_id=f"v-{name}")
        await self.store.claim_task(f"e-{name}")
        evaluated = EvaluationResult(variant_id=f"v-{name}", status="success", evaluation={"score": score})
        await self.store.submit_task(f"e-{name}", evaluated)
        await self.store.accept_task(f"e-{name}")


def register(deployment: Deployment, experiment: ExperimentDetail) -> StaticBearer:
    """The credential of a new worker who is in both reserved groups."""
    store: Blocking = deployment.store(experiment)
    made = store.register_experiment_worker("Bench")
    for group in store.list_experiment_groups().groups:
        store.add_to_experiment_group(group.group_id, made.worker_id)
    return StaticBearer(made.worker_id, made.registration_token)


@asynccontextmanager
async def hands(deployment: Deployment, experiment: ExperimentDetail, count: int) -> AsyncIterator[list[Hand]]:
    """So many clients, each with connections of its own."""
    bearer = await asyncio.to_thread(register, deployment, experiment)
    transports = [Transport(deployment.ready["control_plane"]) for _ in range(count)]
    try:
        base = experiment.base_commit_sha or ""
        yield [Hand(StoreClient(one, bearer, experiment.experiment_id), base) for one in transports]
    finally:
        for transport in transports:
            await transport.aclose()


async def timed(workers: Iterable[Hand], names: list[str], act: Callable[[Hand, str], Awaitable[None]]) -> float:
    """Seconds until all names are done, shared by the workers, each one name at a time."""
    left = iter(names)

    async def work(hand: Hand) -> None:
        for name in left:
            await act(hand, name)

    began = time.perf_counter()
    await asyncio.gather(*(work(hand) for hand in workers))
    return time.perf_counter() - began
