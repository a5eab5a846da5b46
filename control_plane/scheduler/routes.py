"""The scheduler's calls and the operation behind each."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from sqlalchemy import RowMapping
from starlette.routing import Route

from control_plane.db.transaction import Tx
from control_plane.edge.endpoint import Operation, endpoint, waiting_endpoint
from control_plane.edge.house import House
from control_plane.scheduler import batch_routes, explain_routes, log_routes, logs, policy_routes, remote_routes
from control_plane.scheduler.courses import Courses
from control_plane.scheduler.engines.engine import Engine
from control_plane.scheduler.explain_routes import Answers
from control_plane.scheduler.inventory import Inventory
from control_plane.scheduler.keeping import Keeping
from control_plane.scheduler.log_routes import Files
from control_plane.scheduler.lookout import Latest, Lookout
from control_plane.scheduler.operations import fleet, gpus, listing, submit, views
from control_plane.scheduler.operations.listing import Places
from control_plane.scheduler.operations.views import View
from control_plane.scheduler.ports import Claims
from control_plane.scheduler.remote_routes import Remote
from control_plane.scheduler.rules.board import Slot
from store_client.wire.call import Call
from store_client.wire.calls import gpus as gpu_calls
from store_client.wire.calls import jobs as calls
from store_client.wire.jobs import Fleet, JobDetail, Reprioritise, SubmitJob


@dataclass(frozen=True)
class Yard:
    """What the queue's routes ask beyond the database."""

    engine: Engine
    inventory: Inventory
    claims: Claims
    remote: Remote | None = None
    """Where attempts on other machines send their news, if this process hears them."""
    keeping: Keeping = field(default_factory=Keeping)
    latest: Latest = lambda: None
    """What the scheduler of this process, if there is one, saw last."""

    @cached_property
    def courses(self) -> Courses:
        """What GPUs read over long stretches, for all who ask."""
        return Courses()

    @cached_property
    def lookout(self) -> Lookout:
        """How the queue stands, for all who ask."""
        return Lookout(self.slots, self.latest)

    def slots(self, tx: Tx) -> Sequence[Slot]:
        """Every slot as the scheduler saw it last."""
        return [slot for view in self.seen(tx) for slot in view.slots]

    def seen(self, tx: Tx) -> Sequence[View]:
        """What each scheduler saw last."""
        return views.load(tx) or [View("", self.inventory.sight().slots)]  # before a scheduler has looked


def routes(house: House, yard: Yard) -> list[Route]:
    """Every route of the queue."""
    acts = _Acts(yard)
    lookout = yard.lookout
    page = partial(listing.page, places=lookout.places)
    table: dict[Call, Operation] = {
        calls.SUBMIT_JOB: acts.submit,
        calls.CANCEL_EXPERIMENT_JOB: acts.cancel,
        calls.LIST_EXPERIMENT_JOBS: page,
        calls.LIST_JOBS: page,
        calls.CANCEL_JOB: acts.cancel,
        calls.RETRY_JOB: acts.retry,
        calls.REPRIORITISE_JOB: acts.reprioritise,
        calls.READ_FLEET: acts.fleet,
        **batch_routes.table(yard.claims, acts.whole),
        **explain_routes.table(Answers(lookout, yard.claims, acts.fleet)),
        **policy_routes.table(),
        gpu_calls.LIST_GPUS: partial(gpus.read, courses=yard.courses.of),
        gpu_calls.READ_GPU_HISTORY: gpus.history,
        gpu_calls.QUARANTINE_GPU: gpus.quarantine,
        gpu_calls.DRAIN_GPU: gpus.drain,
        gpu_calls.READMIT_GPU: gpus.readmit,
    }
    return [
        *(endpoint(house, call, act) for call, act in table.items()),
        waiting_endpoint(house, calls.READ_JOB, acts.read, _has_ended),
        waiting_endpoint(house, calls.READ_EXPERIMENT_JOB, acts.read, _has_ended),
        *log_routes.routes(house, Files(yard.engine, yard.keeping)),
        *(remote_routes.routes(house, yard.remote) if yard.remote is not None else ()),
    ]


def _has_ended(job: JobDetail) -> bool:
    return job.state.is_final


@dataclass(frozen=True)
class _Acts:
    """Operations of the queue that answer with a whole job."""

    yard: Yard

    def submit(self, tx: Tx, body: SubmitJob) -> JobDetail:
        return self.whole(tx, submit.submit(tx, body, self.yard.claims))

    def cancel(self, tx: Tx, job_id: str) -> JobDetail:
        return self.whole(tx, submit.cancel(tx, job_id))

    def retry(self, tx: Tx, job_id: str) -> JobDetail:
        return self.whole(tx, submit.retry(tx, job_id, self.yard.claims))

    def reprioritise(self, tx: Tx, job_id: str, body: Reprioritise) -> JobDetail:
        return self.whole(tx, submit.reprioritise(tx, job_id, body))

    def read(self, tx: Tx, job_id: str, query: calls.WaitQuery) -> JobDetail:  # noqa: ARG002 - the edge waits by it
        return self.whole(tx, submit.load(tx, job_id), self.yard.lookout.places)

    def fleet(self, tx: Tx) -> Fleet:
        return fleet.read(tx, self.yard.seen(tx))

    def whole(self, tx: Tx, row: RowMapping, places: Places | None = None) -> JobDetail:
        """A job as the answer about it; in one to a change its place is not looked for."""
        return listing.detail(tx, row, logs.size(self._log_path(row, row["attempt"])), places)

    def _log_path(self, row: RowMapping, attempt: int) -> Any:
        return self.yard.engine.log(row["job_id"], attempt)
