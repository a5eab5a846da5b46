"""One experiment of a peer as it was last told: read whole once, then followed by its events."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import anyio

from store_client.errors import NotFound
from store_client.peers.kept import KeptIdea, KeptTask, KeptVariant
from store_client.wire.call import Call
from store_client.wire.calls import events as event_calls
from store_client.wire.calls import ideas as idea_calls
from store_client.wire.calls import tasks as task_calls
from store_client.wire.calls import variants as variant_calls
from store_client.wire.calls import workers as worker_calls
from store_client.wire.calls.experiments import READ_EXPERIMENT
from store_client.wire.events import Event, EventBatch
from store_client.wire.ideas import Idea
from store_client.wire.tasks import Task
from store_client.wire.variants import Variant, VariantStatus
from store_client.wire.workers import Group, Worker

Send = Callable[..., Awaitable[Any]]
Noun = Literal["task", "idea", "variant"]
FIRST_EVENT: Mapping[str, Noun] = {"task.created": "task", "idea.drafted": "idea", "variant.started": "variant"}
LISTS: Mapping[Noun, Call] = {
    "task": task_calls.LIST_TASKS,
    "idea": idea_calls.LIST_IDEAS,
    "variant": variant_calls.LIST_VARIANTS,
}
READS: Mapping[Noun, Call] = {
    "task": task_calls.READ_TASK,
    "idea": idea_calls.READ_IDEA,
    "variant": variant_calls.READ_VARIANT,
}
MOST_SINGLE_READS = 25
TAIL = 1000
BREATH = 200
REGISTRY_SECONDS = 5.0


@dataclass
class Registry:
    """Workers and groups, which no event tells of; believed for a few seconds."""

    workers: Mapping[str, Worker] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    read_at: float = float("-inf")

    def name(self, member_id: str | None) -> str | None:
        found = self.workers.get(member_id or "") or self.groups.get(member_id or "")
        return found.name if found else None

    def groups_of(self, member_id: str) -> set[str]:
        """The groups that hold a member, directly or through other groups."""
        found: set[str] = set()
        waiting = [member_id]
        while waiting:
            member = waiting.pop()
            new = {group.group_id for group in self.groups.values() if member in group.members} - found
            found |= new
            waiting += new
        return found


class Copy:
    """The tasks, ideas and variants of one experiment by id, in the order of their first events."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config
        self.tasks: dict[str, KeptTask] = {}
        self.ideas: dict[str, KeptIdea] = {}
        self.variants: dict[str, KeptVariant] = {}
        self.successes: dict[str, int] = {}
        self.tail: deque[Event] = deque(maxlen=TAIL)
        self.cursor = 0
        self.base_commit_sha: str | None = None
        self.dispatch_mode: Mapping[str, Any] | None = None
        self.ending: Event | None = None
        self.registry = Registry()
        self.size_bytes = 0
        self._numbers: dict[Noun, dict[str, int]] = {noun: {} for noun in LISTS}
        self._stale: set[tuple[Noun, str]] = set()
        self._is_whole = False
        self._lock = anyio.Lock()

    async def refresh(self, send: Send) -> None:
        """Read the events since the last time, and what they have touched."""
        async with self._lock:
            await self._read_events(send)
            if self._is_whole:
                await self._read_touched(send)
            else:
                self.base_commit_sha = (await send(READ_EXPERIMENT)).base_commit_sha
                await asyncio.gather(*(self._read_list(send, noun) for noun in LISTS))
                self._stale.clear()
                self._is_whole = True

    async def refresh_registry(self, send: Send) -> Registry:
        """Workers and groups, no older than a few seconds."""
        async with self._lock:
            if time.monotonic() - self.registry.read_at > REGISTRY_SECONDS:
                workers = (await send(worker_calls.LIST_WORKERS)).workers
                groups = (await send(worker_calls.LIST_GROUPS)).groups
                self.registry = Registry(
                    {worker.worker_id: worker for worker in workers},
                    {group.group_id: group for group in groups},
                    time.monotonic(),
                )
            return self.registry

    async def _read_events(self, send: Send) -> None:
        while True:
            batch: EventBatch = await send(event_calls.READ_EVENTS, query=event_calls.Cursor(cursor=self.cursor))
            for event in batch.events:
                self._note(event)
            self.cursor += len(batch.events)
            if not batch.events:
                return

    def _note(self, event: Event) -> None:
        """What an event says about which entity came when, and which has changed."""
        self.tail.append(event)
        for noun in LISTS:
            if isinstance(id_ := event.data.get(f"{noun}_id"), str):
                self._stale.add((noun, id_))
                if FIRST_EVENT.get(event.type) == noun:
                    self._number(noun, id_)
        if event.type == "variant.succeeded" and isinstance(id_ := event.data.get("variant_id"), str):
            self.successes.setdefault(id_, len(self.successes))
        elif event.type == "experiment.dispatch_mode_changed":
            self.dispatch_mode = event.data.get("dispatch_mode")
        elif event.type == "experiment.terminated":
            self.ending = event

    async def _read_touched(self, send: Send) -> None:
        await self._read_stale(send, "task")
        await self._read_stale(send, "idea")
        await self._read_stale(send, "variant")

    async def _read_stale(self, send: Send, noun: Noun) -> None:
        """Each touched entity of a kind, or all of them where many are."""
        ids = [id_ for kind, id_ in self._stale if kind == noun]
        if len(ids) > MOST_SINGLE_READS:
            await self._read_list(send, noun)
        else:
            await asyncio.gather(*(self._read_one(send, noun, id_) for id_ in ids))
        self._stale -= {(noun, id_) for id_ in ids}

    async def _read_list(self, send: Send, noun: Noun) -> None:
        for number, record in enumerate(await send(LISTS[noun])):
            self._keep(record)
            if number % BREATH == 0:
                await asyncio.sleep(0)  # a long list must not hold up everybody else

    async def _read_one(self, send: Send, noun: Noun, id_: str) -> None:
        try:
            self._keep(await send(READS[noun], **{f"{noun}_id": id_}))
        except NotFound:
            return

    def _keep(self, record: Task | Idea | Variant) -> None:
        before: KeptTask | KeptIdea | KeptVariant | None
        kept: KeptTask | KeptIdea | KeptVariant
        match record:
            case Task(task_id=id_):
                before, kept = self.tasks.get(id_), KeptTask.of(record, self._number("task", id_))
                self.tasks[id_] = kept
                self._stale |= self._fruits(kept)
            case Idea(idea_id=id_):
                before, kept = self.ideas.get(id_), KeptIdea.of(record, self._number("idea", id_))
                self.ideas[id_] = kept
            case Variant(variant_id=id_):
                before, kept = self.variants.get(id_), KeptVariant.of(record, self._number("variant", id_), self.config)
                self.variants[id_] = kept
        self.size_bytes += len(kept.text) - (len(before.text) if before else 0)

    def _fruits(self, task: KeptTask) -> set[tuple[Noun, str]]:
        """What the end of an execution changes without an event of its own: a starting variant gains its commit."""
        if task.kind != "execution" or task.state.is_live:
            return set()
        starting = (each for each in self.variants.values() if each.status is VariantStatus.STARTING)
        return {("variant", each.id) for each in starting if each.idea_id == task.subject_id}

    def _number(self, noun: Noun, id_: str) -> int:
        numbers = self._numbers[noun]
        return numbers.setdefault(id_, len(numbers) + 1)
