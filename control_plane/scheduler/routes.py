"""The scheduler's calls and the operation behind each."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from control_plane.db.transaction import Tx
from control_plane.edge.endpoint import (
    Operation,
    endpoint,
    prepare,
    read_arguments,
    respond,
    waiting_endpoint,
)
from control_plane.edge.house import House
from control_plane.scheduler import logs, remote_routes
from control_plane.scheduler.engines.engine import Engine
from control_plane.scheduler.inventory import Inventory
from control_plane.scheduler.operations import fleet, gpus, listing, submit, views
from control_plane.scheduler.operations.views import View
from control_plane.scheduler.ports import Claims
from control_plane.scheduler.remote_routes import Remote
from store_client.errors import NotFound, SwitchyardError
from store_client.wire.call import Call
from store_client.wire.calls import gpus as gpu_calls
from store_client.wire.calls import jobs as calls
from store_client.wire.jobs import Fleet, JobDetail, JobState, Reprioritise, SubmitJob


@dataclass(frozen=True)
class Yard:
    """What the queue's routes ask beyond the database."""

    engine: Engine
    inventory: Inventory
    claims: Claims
    remote: Remote | None = None
    """Where attempts on other machines send their news, if this process hears them."""


def routes(house: House, yard: Yard) -> list[Route]:
    """Every route of the queue."""
    acts = _Acts(yard)
    table: dict[Call, Operation] = {
        calls.SUBMIT_JOB: acts.submit,
        calls.CANCEL_EXPERIMENT_JOB: acts.cancel,
        calls.LIST_EXPERIMENT_JOBS: listing.page,
        calls.LIST_JOBS: listing.page,
        calls.CANCEL_JOB: acts.cancel,
        calls.RETRY_JOB: acts.retry,
        calls.REPRIORITISE_JOB: acts.reprioritise,
        calls.READ_FLEET: acts.fleet,
        gpu_calls.LIST_GPUS: gpus.read,
        gpu_calls.READ_GPU_HISTORY: gpus.history,
        gpu_calls.QUARANTINE_GPU: gpus.quarantine,
        gpu_calls.DRAIN_GPU: gpus.drain,
        gpu_calls.READMIT_GPU: gpus.readmit,
    }
    return [
        *(endpoint(house, call, act) for call, act in table.items()),
        waiting_endpoint(house, calls.READ_JOB, acts.read, _has_ended),
        waiting_endpoint(house, calls.READ_EXPERIMENT_JOB, acts.read, _has_ended),
        _log_route(house, acts),
        *(remote_routes.routes(house, yard.remote) if yard.remote is not None else ()),
    ]


def _has_ended(job: JobDetail) -> bool:
    return job.state.is_final


@dataclass(frozen=True)
class _Acts:
    """Operations of the queue that answer with a whole job."""

    yard: Yard

    def submit(self, tx: Tx, body: SubmitJob) -> JobDetail:
        return self._whole(tx, submit.submit(tx, body, self.yard.claims))

    def cancel(self, tx: Tx, job_id: str) -> JobDetail:
        return self._whole(tx, submit.cancel(tx, job_id))

    def retry(self, tx: Tx, job_id: str) -> JobDetail:
        return self._whole(tx, submit.retry(tx, job_id, self.yard.claims))

    def reprioritise(self, tx: Tx, job_id: str, body: Reprioritise) -> JobDetail:
        return self._whole(tx, submit.reprioritise(tx, job_id, body))

    def read(self, tx: Tx, job_id: str, query: calls.WaitQuery) -> JobDetail:  # noqa: ARG002 - the edge waits by it
        return self._whole(tx, submit.load(tx, job_id))

    def fleet(self, tx: Tx) -> Fleet:
        seen = views.load(tx) or [View("", self.yard.inventory.sight().slots)]  # before a scheduler has looked
        return fleet.read(tx, seen)

    def log(self, tx: Tx, job_id: str, query: calls.LogQuery) -> logs.LogFile:
        """The log file of an attempt; the newest one unless the query names another."""
        row = submit.load(tx, job_id)
        attempt = query.attempt or row["attempt"]
        if attempt > row["attempt"]:
            raise NotFound(f"job {row['number']} has had {row['attempt']} attempts")
        is_complete = attempt < row["attempt"] or JobState(row["state"]).is_final
        return logs.LogFile(self._log_path(row, attempt), attempt, is_complete)

    def _whole(self, tx: Tx, row: RowMapping) -> JobDetail:
        return listing.detail(tx, row, logs.size(self._log_path(row, row["attempt"])))

    def _log_path(self, row: RowMapping, attempt: int) -> Any:
        return self.yard.engine.log(row["job_id"], attempt)


def _log_route(house: House, acts: _Acts) -> Route:
    """Reading a log waits for a file, not for a commit."""
    call = calls.READ_JOB_LOG

    async def serve(request: Request) -> Response:
        arguments = await read_arguments(request, call)
        find = prepare(house, call, acts.log, (request, arguments))
        first = await house.read(find)
        assert not isinstance(arguments, SwitchyardError)  # noqa: S101 - the read above has raised it
        query: calls.LogQuery = arguments["query"]

        def look() -> Any:
            return logs.read(first if first.is_complete else house.read_now(find), query.offset, query.limit)

        return respond(call, await logs.follow(look, query.wait_seconds, lambda: house.hub.is_closed))

    return Route(call.path, serve, methods=[call.method], name=call.name)
