"""Why jobs wait and how the queue stands."""

from store_client.resources.resource import Resource
from store_client.wire.calls import scheduler as calls
from store_client.wire.scheduler import Explanation, SchedulerStatus


class Explanations(Resource):
    """Calls about the order of the queue."""

    async def explain_job(self, job_id: str) -> Explanation:
        """Why a job waits; its id or its number names it."""
        answer: Explanation = await self._send(calls.EXPLAIN_JOB, job_id=job_id)
        return answer

    async def read_queue(
        self, experiment_id: str | None = None, *, after: str | None = None, limit: int = 50
    ) -> SchedulerStatus:
        """How the queue stands, with a page of who waits, the next one first."""
        query = calls.QueueQuery(experiment_id=experiment_id, after=after, limit=limit)
        answer: SchedulerStatus = await self._send(calls.READ_QUEUE, query=query)
        return answer
