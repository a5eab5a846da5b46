"""The calls that answer why jobs wait, and the operation behind each."""

from collections.abc import Callable
from dataclasses import dataclass

from control_plane.db.transaction import Tx
from control_plane.edge.endpoint import Operation
from control_plane.scheduler.lookout import Lookout
from control_plane.scheduler.operations import explaining, queue_status
from control_plane.scheduler.ports import Claims
from store_client.wire.call import Call
from store_client.wire.calls import scheduler as calls
from store_client.wire.calls.scheduler import QueueQuery
from store_client.wire.jobs import Fleet
from store_client.wire.scheduler import Explanation, SchedulerStatus


@dataclass(frozen=True)
class Answers:
    """What they are answered from."""

    lookout: Lookout
    claims: Claims
    fleet: Callable[[Tx], Fleet]

    def explain(self, tx: Tx, job_id: str) -> Explanation:
        return explaining.answer(tx, job_id, self.lookout.see, self.claims)

    def queue(self, tx: Tx, query: QueueQuery) -> SchedulerStatus:
        return queue_status.status(tx, query, self.lookout.see(tx), self.fleet(tx).summary)


def table(answers: Answers) -> dict[Call, Operation]:
    return {calls.EXPLAIN_JOB: answers.explain, calls.READ_QUEUE: answers.queue}
