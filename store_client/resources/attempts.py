"""Attempts, as the machine they run on speaks of them."""

from contextlib import AbstractAsyncContextManager

from store_client.download import Download
from store_client.resources.resource import Resource
from store_client.wire.attempts import (
    AttemptNews,
    AttemptOrder,
    AttemptWish,
    BeginAttempt,
    CarriedCheckpoints,
    EndAttempt,
    KeepCheckpoints,
)
from store_client.wire.calls import attempts as calls


class Attempts(Resource):
    """Calls of an attempt on another machine than the server's."""

    async def begin_attempt(self, job_id: str, attempt: int, body: BeginAttempt) -> AttemptOrder:
        """What the attempt is to do; its ticket is worth nothing afterwards, save with the same secret."""
        answer: AttemptOrder = await self._send(calls.BEGIN_ATTEMPT, body, job_id=job_id, attempt=str(attempt))
        return answer

    async def report_attempt(self, job_id: str, attempt: int, body: AttemptNews) -> AttemptWish:
        """What the server has of a file after this, and what it wants of the attempt."""
        answer: AttemptWish = await self._send(calls.REPORT_ATTEMPT, body, job_id=job_id, attempt=str(attempt))
        return answer

    async def end_attempt(self, job_id: str, attempt: int, body: EndAttempt) -> None:
        await self._send(calls.END_ATTEMPT, body, job_id=job_id, attempt=str(attempt))

    async def list_carried_checkpoints(self, job_id: str, attempt: int) -> CarriedCheckpoints:
        """What earlier attempts of the job have left at the server."""
        answer: CarriedCheckpoints = await self._send(calls.LIST_CHECKPOINTS, job_id=job_id, attempt=str(attempt))
        return answer

    def fetch_carried_checkpoint(self, job_id: str, attempt: int, name: str) -> AbstractAsyncContextManager[Download]:
        """A file of what they have left."""
        query = calls.CheckpointQuery(name=name)
        return self._fetch(calls.FETCH_CHECKPOINT, query, job_id=job_id, attempt=str(attempt))

    async def keep_checkpoints(self, job_id: str, attempt: int, body: KeepCheckpoints) -> None:
        """Have the files that were sent be the job's checkpoints, in the place of all before."""
        await self._send(calls.KEEP_CHECKPOINTS, body, job_id=job_id, attempt=str(attempt))
