"""The routes of what lies in the files of a job: its log in pieces, whole or as it grows; its reports; its checkpoints.

They read files, not rows: the database is asked who may read and where the files are, and let go before they are read.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from control_plane.db.transaction import Tx
from control_plane.edge.endpoint import Arguments, Operation, Served, prepare, read_arguments, respond
from control_plane.edge.house import House
from control_plane.edge.streams import EventStream
from control_plane.scheduler import log_streams, logs, reports
from control_plane.scheduler.engines.engine import Engine
from control_plane.scheduler.keeping import CHECKPOINTS, Keeping
from control_plane.scheduler.log_downloads import LogDownload
from control_plane.scheduler.log_streams import LogFeed
from control_plane.scheduler.logs import LogFile
from control_plane.scheduler.operations import submit
from control_plane.scheduler.shim import records
from store_client.errors import BadRequest, NotFound, SwitchyardError
from store_client.wire.call import Call
from store_client.wire.calls import jobs as calls
from store_client.wire.calls import reports as report_calls
from store_client.wire.jobs import JobState


@dataclass(frozen=True)
class Files:
    """Finds the files of jobs."""

    engine: Engine
    keeping: Keeping

    def log(self, tx: Tx, job_id: str, query: calls.LogQuery | report_calls.OfAttempt) -> LogFile:
        """The log of an attempt; of the newest one unless the query names another."""
        row = submit.load(tx, job_id)
        attempt = query.attempt or row["attempt"]
        if attempt > row["attempt"]:
            raise NotFound(f"job {row['number']} has had {row['attempt']} attempts")
        is_final = JobState(row["state"]).is_final
        path = self.engine.log(row["job_id"], attempt)
        if attempt and is_final and not path.parent.parent.exists():
            days = f"{self.keeping.days:g} days"
            raise NotFound(f"the files of job {row['number']} were removed: they are kept for {days} after its end")
        return LogFile(path, attempt, attempt < row["attempt"] or is_final, row["number"])

    def reports(self, tx: Tx, job_id: str, query: report_calls.MetricsQuery) -> LogFile:
        """What an attempt reported of itself; it lies beside the log."""
        log = self.log(tx, job_id, query)
        return LogFile(log.path.with_name(records.PROGRESS), log.attempt, log.is_complete, log.number)

    def checkpoints(self, tx: Tx, job_id: str) -> Any:
        row = submit.load(tx, job_id)
        return self.engine.log(row["job_id"], 1).parent.parent / CHECKPOINTS


def routes(house: House, files: Files) -> list[Route]:
    """Every route of a job's files."""
    desk = _Desk(house, files)
    return [
        _route(calls.READ_JOB_LOG, desk.piece),
        _route(report_calls.DOWNLOAD_JOB_LOG, desk.download),
        _route(report_calls.STREAM_JOB_LOG, desk.stream),
        _route(report_calls.READ_JOB_METRICS, desk.metrics),
        _route(report_calls.LIST_JOB_CHECKPOINTS, desk.checkpoints),
    ]


@dataclass(frozen=True)
class _Desk:
    """Answers each of the calls."""

    house: House
    files: Files

    async def piece(self, request: Request) -> Response:
        """Reading a log waits for a file, not for a commit."""
        house, call = self.house, calls.READ_JOB_LOG
        arguments = await read_arguments(request, call)
        find = prepare(house, call, self.files.log, (request, arguments))
        first = await house.read(find)
        query = _query(arguments)

        def look() -> Any:
            return logs.read(first if first.is_complete else house.read_now(find), query.offset, query.limit)

        return respond(call, await logs.follow(look, query.wait_seconds, lambda: house.hub.is_closed))

    async def download(self, request: Request) -> Response:
        log, _ = await self._found(report_calls.DOWNLOAD_JOB_LOG, self.files.log, request)
        return LogDownload(request, log)

    async def stream(self, request: Request) -> Response:
        house, call = self.house, report_calls.STREAM_JOB_LOG
        arguments = _begun(await read_arguments(request, call), request.headers.get("last-event-id"))
        find = prepare(house, call, self.files.log, (request, arguments))
        log = await house.read(find)
        return EventStream(LogFeed(house, lambda: house.read_now(find), log, _query(arguments).offset).blocks())

    async def metrics(self, request: Request) -> Response:
        call = report_calls.READ_JOB_METRICS
        found, query = await self._found(call, self.files.reports, request)
        return respond(call, await asyncio.to_thread(reports.metrics, found, query))

    async def checkpoints(self, request: Request) -> Response:
        call = report_calls.LIST_JOB_CHECKPOINTS
        folder, _ = await self._found(call, self.files.checkpoints, request)
        return respond(call, await asyncio.to_thread(reports.checkpoints, folder, self.files.keeping))

    async def _found(self, call: Call, find: Operation, request: Request) -> tuple[Any, Any]:
        """Where a caller who may read finds it, and the query."""
        arguments = await read_arguments(request, call)
        found = await self.house.read(prepare(self.house, call, find, (request, arguments)))
        return found, None if call.query is None else _query(arguments)


def _query(arguments: Arguments) -> Any:
    assert not isinstance(arguments, SwitchyardError)  # noqa: S101 - the read before has raised it
    return arguments["query"]


def _begun(arguments: Arguments, seen: str | None) -> Arguments:
    """The arguments of a stream, from where its client saw it last."""
    if isinstance(arguments, SwitchyardError):
        return arguments
    try:
        return {**arguments, "query": log_streams.begin(arguments["query"], seen)}
    except BadRequest as error:
        return error


def _route(call: Call, serve: Callable[[Request], Awaitable[Response]]) -> Route:
    return Route(call.path, Served(serve), methods=[call.method], name=call.name)
