"""The calls about many jobs at once, and the operation behind each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import RowMapping

from control_plane.db.tables import DEPLOYMENT
from control_plane.db.transaction import Tx
from control_plane.edge.endpoint import Operation
from control_plane.scheduler.operations import bulk, closing, listing, reorder, submit, whole_arrays
from control_plane.scheduler.ports import Claims
from store_client.errors import Forbidden
from store_client.wire.batches import (
    MoveJob,
    QueueJob,
    QueueJobs,
    ReopenArrays,
    ReopenedArrays,
    SubmitJobs,
    SubmittedJobs,
)
from store_client.wire.call import Call
from store_client.wire.calls import batches as calls
from store_client.wire.jobs import JobDetail, SubmitJob


def table(claims: Claims, whole: Callable[[Tx, RowMapping], JobDetail]) -> Mapping[Call, Operation]:
    """Which operation answers each call; `whole` is a row as the answer about one job."""
    acts = _Acts(claims, whole)
    return {
        calls.QUEUE_JOB: acts.queue,
        calls.SUBMIT_JOBS: acts.submit_all,
        calls.QUEUE_JOBS: acts.queue_all,
        calls.CANCEL_JOBS: bulk.cancel,
        calls.CANCEL_EXPERIMENT_JOBS: bulk.cancel,
        calls.REPRIORITISE_JOBS: bulk.reprioritise,
        calls.MOVE_JOB: acts.move,
        calls.READ_ARRAY: whole_arrays.read,
        calls.CANCEL_ARRAY: whole_arrays.cancel,
        calls.REOPEN_ARRAYS: acts.reopen,
        calls.READ_EXPERIMENT_ARRAY: whole_arrays.read,
        calls.CANCEL_EXPERIMENT_ARRAY: whole_arrays.cancel,
    }


@dataclass(frozen=True)
class _Acts:
    claims: Claims
    whole: Callable[[Tx, RowMapping], JobDetail]

    def queue(self, tx: Tx, body: QueueJob) -> JobDetail:
        inside = tx.at(_own(tx, body.experiment_id))
        return self.whole(tx, submit.submit(inside, _spec(body), self.claims))

    def submit_all(self, tx: Tx, body: SubmitJobs) -> SubmittedJobs:
        rows = bulk.submit_all(tx, [(tx.experiment_id, spec) for spec in body.jobs], self.claims)
        return SubmittedJobs(jobs=listing.shown(tx, rows))

    def queue_all(self, tx: Tx, body: QueueJobs) -> SubmittedJobs:
        given = [(_own(tx, one.experiment_id), _spec(one)) for one in body.jobs]
        return SubmittedJobs(jobs=listing.shown(tx, bulk.submit_all(tx, given, self.claims)))

    def reopen(self, tx: Tx, body: ReopenArrays) -> ReopenedArrays:
        return closing.reopen(tx, body, self.claims)

    def move(self, tx: Tx, job_id: str, body: MoveJob) -> JobDetail:
        return self.whole(tx, reorder.move(tx, job_id, body))


def _own(tx: Tx, experiment_id: str) -> str:
    """The experiment that was named, where the caller may queue jobs as on its path; Forbidden elsewhere."""
    if tx.caller.is_admin or tx.caller.scope in {DEPLOYMENT, experiment_id}:
        return experiment_id
    raise Forbidden("this credential is of another experiment; exchange it for one of that which you name")


def _spec(body: QueueJob) -> SubmitJob:
    """What is to run, without where."""
    return SubmitJob.model_validate(body.model_dump(exclude={"experiment_id"}))
