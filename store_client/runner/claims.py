"""Claims of a host: short ones, renewed for as long as the host lives, so that a dead host's tasks come back soon."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from store_client.client import StoreClient
from store_client.credentials import now
from store_client.errors import Refused, Unreachable
from store_client.settle import settle_claim
from store_client.wire.scalars import format_time
from store_client.wire.tasks import Claim, TaskDetail, TaskKind, TaskState

logger = logging.getLogger(__name__)
PAGE = 100


@dataclass(frozen=True)
class Claims:
    """One worker's claims in one experiment."""

    store: StoreClient
    kind: TaskKind
    lease_seconds: float = 120.0
    renew_seconds: float = 30.0
    clock: Callable[[], datetime] = now

    async def held(self) -> list[tuple[TaskDetail, Claim]]:
        """The tasks that this worker has claimed, now or before it was started again."""
        page = await self.store.list_task_page(self.kind, TaskState.CLAIMED, "me", limit=PAGE)
        return [(task, task.claim) for task in page.items if task.claim]

    async def take(self) -> tuple[TaskDetail, Claim] | None:
        """Claim the first task that can be had, or None when there is none."""
        async for task in self._pending():
            expires_at = format_time(self.clock() + timedelta(seconds=self.lease_seconds))
            claim = await settle_claim(self.store, task.task_id, expires_at)
            if claim is not None:
                return task, claim
        return None

    async def keep(self, task_id: str) -> str:
        """Renew a claim again and again; returns, with the reason, only when it is lost."""
        while True:
            try:
                await self.store.renew_claim(task_id, self.lease_seconds)
            except Refused as error:
                return error.detail
            except Unreachable as error:
                logger.debug("the claim of %s could not be renewed: %s", task_id, error)
            await asyncio.sleep(self.renew_seconds)

    async def _pending(self) -> AsyncIterator[TaskDetail]:
        """Pending tasks that are not meant for others, by priority."""
        after: str | None = None
        while True:
            page = await self.store.list_task_page(self.kind, TaskState.PENDING, after=after, limit=PAGE)
            for task in page.items:
                if task.is_eligible:
                    yield task
            after = page.next
            if after is None:
                return
