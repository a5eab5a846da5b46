"""The task store's calls and the operation behind each."""

import asyncio
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import RowMapping
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from control_plane.db.tables import DEPLOYMENT
from control_plane.db.transaction import Tx
from control_plane.edge.endpoint import Operation, endpoint, prepare, read_arguments, respond, waiting_endpoint
from control_plane.edge.house import House
from control_plane.edge.lists import Lists
from control_plane.edge.streams import stream_endpoint
from control_plane.edge.waiting import read_until
from control_plane.task_store import downloads, uploads
from control_plane.task_store.artifact_files import MAX_BYTES, ArtifactFiles
from control_plane.task_store.branch_routes import branch_routes
from control_plane.task_store.checkpoints import routes as checkpoint_routes
from control_plane.task_store.checkpoints.routes import Checkpoints
from control_plane.task_store.operations import (
    artifact_pages,
    artifacts,
    bulk,
    bulk_records,
    claims,
    course,
    details,
    drafts,
    event_search,
    events,
    git,
    ideas,
    leaderboard,
    lineage,
    listing,
    paces,
    progress,
    results,
    sample,
    stages,
    task_pages,
    tasks,
    variants,
    whole,
    work,
)
from control_plane.task_store.ports import IsUnchanged, JobsOfTasks, WorkRefs, by_name_alone, no_jobs
from store_client.errors import SwitchyardError
from store_client.wire.call import Call
from store_client.wire.calls import artifacts as a
from store_client.wire.calls import boards as b
from store_client.wire.calls import bulk as k
from store_client.wire.calls import drafts as d
from store_client.wire.calls import events as e
from store_client.wire.calls import ideas as i
from store_client.wire.calls import tasks as t
from store_client.wire.calls import variants as v
from store_client.wire.calls import workers as w


@dataclass(frozen=True)
class Shelf:
    """What the task store keeps beside its tables, and what another wing lends it."""

    artifacts: Path
    max_artifact_bytes: int = MAX_BYTES
    jobs: JobsOfTasks = no_jobs
    checkpoints: Checkpoints | None = None
    is_unchanged: IsUnchanged = by_name_alone
    refs: WorkRefs | None = None


def routes(house: House, shelf: Shelf) -> list[Route]:
    """Every route of the task store."""
    files = ArtifactFiles(shelf.artifacts, shelf.max_artifact_bytes)
    table = (
        _tasks(house, shelf.jobs)
        | _ideas()
        | _variants()
        | _drafts(shelf.jobs)
        | _bulk(shelf.jobs)
        | _found_events()
        | {e.READ_EVENTS: events.read, a.READ_ARTIFACT_INFO: artifact_pages.info, a.LIST_ARTIFACTS: artifact_pages.page}
    )
    return [
        *(endpoint(house, call, act) for call, act in table.items()),
        *_lists(house),
        waiting_endpoint(house, e.SUBSCRIBE, events.read, lambda batch: batch.events),
        _log(house, e.READ_LOG),
        _log(house, e.READ_DEPLOYMENT_LOG),
        stream_endpoint(house, e.STREAM_LOG, events.read_log),
        stream_endpoint(house, e.STREAM_DEPLOYMENT_LOG, events.read_log),
        _submit(house, shelf.is_unchanged),
        _deposit(house, files),
        *(checkpoint_routes.routes(house, shelf.checkpoints) if shelf.checkpoints else ()),
        *(branch_routes(house, shelf.refs) if shelf.refs else ()),
        _fetch(house, a.FETCH_ARTIFACT, artifacts.fetch, files),
        _fetch(house, a.READ_ARTIFACT, artifacts.view, files),
    ]


def _lists(house: House) -> list[Route]:
    lists = Lists(house, whole.BATCH)
    return [
        lists.endpoint(t.LIST_TASKS, tasks.list_all),
        lists.endpoint(i.LIST_IDEAS, ideas.list_all),
        lists.endpoint(v.LIST_VARIANTS, variants.list_all),
    ]


def _tasks(house: House, jobs: JobsOfTasks) -> dict[Call, Operation]:
    return {
        t.CREATE_TASK: tasks.create,
        t.READ_TASK: tasks.read,
        t.READ_SUBMISSION: tasks.read_submission,
        t.CLAIM_TASK: tasks.claim,
        t.ACCEPT_TASK: tasks.accept,
        t.REJECT_TASK: tasks.reject,
        t.RECLAIM_TASK: tasks.reclaim,
        t.REASSIGN_TASK: tasks.reassign,
        t.LIST_TASK_PAGE: partial(task_pages.page, jobs=jobs),
        t.READ_TASK_DETAIL: partial(details.read_task, jobs=jobs),
        t.READ_STAGES: stages.read,
        w.READ_WORKER_PACES: paces.read,
        t.RENEW_CLAIM: claims.renew,
        t.RELEASE_CLAIM: claims.release,
        t.GIT_PASSWORD: partial(git.password, keys=house.keys),
    }


def _ideas() -> dict[Call, Operation]:
    return {
        i.CREATE_IDEA: ideas.create,
        i.READ_IDEA: ideas.read,
        i.MARK_IDEA_READY: ideas.mark_ready,
        i.LIST_IDEA_PAGE: listing.idea_page,
        i.READ_IDEA_DETAIL: details.read_idea,
    }


def _variants() -> dict[Call, Operation]:
    return {
        v.CREATE_VARIANT: variants.create,
        v.READ_VARIANT: variants.read,
        v.DECLARE_EVALUATION_ERROR: variants.declare_evaluation_error,
        v.INTEGRATE_VARIANT: variants.integrate,
        v.LIST_VARIANT_PAGE: listing.variant_page,
        v.READ_VARIANT_DETAIL: details.read_variant,
        v.READ_PROGRESS: progress.read,
        v.READ_COURSE: course.read,
        v.READ_SAMPLE: sample.read,
        b.LIST_LEADERBOARD: leaderboard.page,
        v.READ_LINEAGE: lineage.page,
        v.READ_LINEAGE_AROUND: lineage.around,
    }


def _drafts(jobs: JobsOfTasks) -> dict[Call, Operation]:
    return {
        d.READ_DRAFT: drafts.read,
        d.SAVE_DRAFT: drafts.save,
        d.FORGET_DRAFT: drafts.forget,
        d.READ_WORK: partial(work.read, jobs=jobs),
        d.READ_DEPLOYMENT_WORK: partial(work.read, jobs=jobs),
    }


def _bulk(jobs: JobsOfTasks) -> dict[Call, Operation]:
    return {
        k.PREVIEW_BULK_ACT: partial(bulk.preview, jobs=jobs),
        k.BEGIN_BULK_ACT: bulk.begin,
        k.UNDO_BULK_ACT: bulk.undo,
        k.LIST_BULK_ACTS: bulk_records.page,
        k.READ_BULK_ACT: bulk_records.read,
        k.LIST_BULK_ITEMS: bulk_records.items,
    }


def _found_events() -> dict[Call, Operation]:
    return {
        e.FIND_EVENTS: event_search.find,
        e.FIND_DEPLOYMENT_EVENTS: event_search.find,
        e.COUNT_EVENTS: event_search.count,
        e.COUNT_DEPLOYMENT_EVENTS: event_search.count,
    }


def _log(house: House, call: Call) -> Route:
    """Reading the log may wait for the next events; where to wait is settled before waiting begins."""

    async def serve(request: Request) -> Response:
        arguments: Any = await read_arguments(request, call)
        work = prepare(house, call, events.read_log, (request, arguments))
        page = await house.read(work)
        query = arguments["query"]
        if not page.events and query.wait_seconds > 0 and not query.is_newest_first:
            here = {"query": query.having(after=page.cursor)}
            work = prepare(house, call, events.read_log, (request, here))
            scope = request.path_params.get("experiment_id", DEPLOYMENT)
            page = await read_until(house, work, lambda found: found.events, query.wait_seconds, scope)
        return respond(call, page)

    return Route(call.path, serve, methods=[call.method], name=call.name)


def _submit(house: House, is_unchanged: IsUnchanged) -> Route:
    """What git says of a successful execution's commit is asked before the transaction that takes it in."""
    call = t.SUBMIT_TASK

    async def serve(request: Request) -> Response:
        arguments = await read_arguments(request, call)
        same = False
        commit = None if isinstance(arguments, SwitchyardError) else results.commit_in(arguments["body"].payload)
        if commit is not None:
            here = {"task_id": request.path_params["task_id"]}
            parents = await house.read(prepare(house, call, results.parents_for, (request, here)))
            same = bool(parents) and await asyncio.to_thread(
                is_unchanged, request.path_params["experiment_id"], commit, parents
            )
        work = prepare(house, call, partial(tasks.submit, is_unchanged=same), (request, arguments))
        return respond(call, await house.write(work))

    return Route(call.path, serve, methods=[call.method], name=call.name)


def _deposit(house: House, files: ArtifactFiles) -> Route:
    """The caller is admitted before a byte of the body is read, and the file is durable before its row is."""
    call = a.DEPOSIT_ARTIFACT

    async def serve(request: Request) -> Response:
        await house.read(prepare(house, call, _admitted, (request, {})))
        stored = await uploads.receive(request, files)
        return respond(call, await house.write(prepare(house, call, artifacts.record, (request, {"stored": stored}))))

    return Route(call.path, serve, methods=[call.method], name=call.name)


def _admitted(_tx: Tx) -> None:
    """Nothing more is asked of a caller who may be here."""


def _fetch(house: House, call: Call, find: Operation, files: ArtifactFiles) -> Route:
    """The bytes of an artifact, to be saved and never run; no reader is held while they are looked through."""

    async def serve(request: Request) -> Response:
        row: RowMapping = await house.read(prepare(house, call, find, (request, await read_arguments(request, call))))
        return downloads.answer(request, row, await asyncio.to_thread(files.open_whole, row["sha256"]))

    return Route(call.path, serve, methods=[call.method], name=call.name)
