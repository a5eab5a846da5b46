"""Clients that work without a pause through whatever happens to the server, and remember what it acknowledged."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from store_client import (
    AlreadyExists,
    CreateIdea,
    CreateTask,
    CreateVariant,
    ExecutionResult,
    IdeationResult,
    IllegalTransition,
    NotClaimed,
    Patience,
    StaticBearer,
    StoreClient,
    Transport,
    Unreachable,
)
from tests.store.task_house import AT, BASE, URI
from tests.wire.store_app import Settled

FOREVER = "2099-01-01T00:00:00Z"
PROMPT = Patience(attempts=1, timeout_seconds=20)
LANDED_ALREADY = (AlreadyExists, IllegalTransition, NotClaimed)
"""What repeating an act that went unanswered is refused with when it had landed."""


@dataclass
class Ledger:
    """What the server acknowledged: one entry for each event that must be in the log, once."""

    acknowledged: list[tuple[str, str]] = field(default_factory=list)
    unanswered: int = 0
    _grown: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, type_: str, named: str) -> None:
        self.acknowledged.append((type_, named))
        self._grown.set()

    async def await_growth(self, entries: int, seconds: float = 120) -> None:
        """Wait until so many more acts were acknowledged."""
        wanted = len(self.acknowledged) + entries
        async with asyncio.timeout(seconds):
            while len(self.acknowledged) < wanted:
                self._grown.clear()
                await self._grown.wait()


@dataclass(frozen=True)
class Load:
    """So many clients, each of which takes ideas from a task to an accepted variant, one after the other."""

    people: Settled
    url: str
    ledger: Ledger = field(default_factory=Ledger)

    async def run(self, clients: int) -> None:
        """Work until cancelled."""
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
            for number in range(clients):
                transport = Transport(self.url, PROMPT)
                stack.push_async_callback(transport.aclose)
                group.create_task(self._work(transport, f"c{number}"))

    async def _work(self, transport: Transport, client: str) -> None:
        worker, orchestrator = (self._store(transport, name) for name in ("ann", "orchestrators"))
        number = 0
        while True:
            number += 1
            await self._cycle(worker, orchestrator, f"{client}-{number}")

    def _store(self, transport: Transport, name: str) -> StoreClient:
        bearer = StaticBearer(self.people.id_of(name), self.people.tokens[name])
        return StoreClient(transport, bearer, self.people.experiment_id)

    async def _cycle(self, worker: StoreClient, orchestrator: StoreClient, name: str) -> None:
        """One idea, from its task to the commit of its variant: eleven acts."""
        ideation, execution, variant = f"i-{name}", f"e-{name}", f"v-{name}"
        act = self._act
        await act("task.created", ideation, lambda: orchestrator.create_task(self._task(ideation, "ideation", name)))
        await act("task.claimed", ideation, lambda: worker.claim_task(ideation, FOREVER))
        await act("idea.drafted", name, lambda: worker.create_idea(self._idea(name)))
        await act("idea.ready", name, lambda: worker.mark_idea_ready(name))
        ideas = IdeationResult(idea_ids=(name,), status="success")
        await act("task.submitted", ideation, lambda: worker.submit_task(ideation, ideas))
        await act("task.completed", ideation, lambda: orchestrator.accept_task(ideation))
        await act("idea.dispatched", name, lambda: orchestrator.create_task(self._task(execution, "execution", name)))
        await act("task.claimed", execution, lambda: worker.claim_task(execution, FOREVER))
        await act("variant.started", variant, lambda: worker.create_variant(self._variant(variant, name)))
        done = ExecutionResult(variant_id=variant, status="success", commit_sha=_commit(name))
        await act("task.submitted", execution, lambda: worker.submit_task(execution, done))
        await act("idea.completed", name, lambda: orchestrator.accept_task(execution))

    async def _act(self, type_: str, named: str, call: Callable[[], Awaitable[Any]]) -> None:
        """Make a call until it is answered, and note what the answer acknowledges."""
        is_repeated = False
        while True:
            try:
                await call()
            except Unreachable:
                is_repeated = True
                self.ledger.unanswered += 1
                await PROMPT.pause(0)
            except LANDED_ALREADY:
                if not is_repeated:
                    raise
                break
            else:
                break
        self.ledger.note(type_, named)

    def _task(self, task_id: str, kind: str, idea_id: str) -> CreateTask:
        subject = {"experiment_id": self.people.experiment_id} if kind == "ideation" else {"idea_id": idea_id}
        body = {"task_id": task_id, "kind": kind, "state": "pending", "payload": subject}
        return CreateTask.model_validate(body | {"created_at": AT, "updated_at": AT})

    def _idea(self, idea_id: str) -> CreateIdea:
        body = {"idea_id": idea_id, "experiment_id": self.people.experiment_id, "slug": idea_id, "priority": 1}
        more = {"parent_commits": (BASE,), "artifacts_uri": URI, "state": "drafting", "created_at": AT}
        return CreateIdea.model_validate(body | more)

    def _variant(self, variant_id: str, idea_id: str) -> CreateVariant:
        body = {"variant_id": variant_id, "experiment_id": self.people.experiment_id, "idea_id": idea_id}
        more = {"status": "starting", "parent_commits": (BASE,), "branch": f"work/{variant_id}", "started_at": AT}
        return CreateVariant.model_validate(body | more)


def _commit(name: str) -> str:
    """A commit that no other name has."""
    return hashlib.sha256(name.encode()).hexdigest()
