"""The calls about checkpoints: admitted first, then worked on where nobody waits for the thread."""

import asyncio
import re
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from control_plane.db.transaction import Tx
from control_plane.edge.auth import HEADER
from control_plane.edge.endpoint import endpoint, prepare, read_arguments, respond
from control_plane.edge.house import House
from control_plane.task_store.artifact_files import ArtifactFiles
from control_plane.task_store.checkpoints.dump import Dump
from control_plane.task_store.checkpoints.importing import Import
from control_plane.task_store.checkpoints.journal import Journal
from control_plane.task_store.checkpoints.ports import Bundles, Registry
from control_plane.task_store.checkpoints.ring import Ring
from control_plane.task_store.checkpoints.spooling import Archived, Spool
from store_client.errors import BadRequest, ExperimentIdMismatch, NotFound
from store_client.wire.call import Call
from store_client.wire.calls import checkpoints as c
from store_client.wire.checkpoints import FORMAT_VERSIONS, MEDIA_TYPE, CheckpointList
from store_client.wire.scalars import SUFFIX

EXPERIMENT = re.compile(f"exp_{SUFFIX}")


@dataclass(frozen=True)
class Checkpoints:
    """What these routes stand on."""

    dump: Dump
    load: Import
    spool: Spool
    ring: Ring


def open_checkpoints(house: House, data: Path, bundles: Bundles, registry: Registry) -> Checkpoints:
    """Checkpoints of the deployment in this data directory."""
    files, spool = ArtifactFiles(data / "artifacts"), Spool(data / "spool")
    spool.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    load = Import(house, files, bundles, registry, spool.folder, Journal(data / "imports"))
    return Checkpoints(Dump(house, files, bundles, spool.folder), load, spool, Ring(data / "checkpoints"))


def routes(house: House, checkpoints: Checkpoints) -> list[Route]:
    """Every route about checkpoints."""
    return [
        *(_out(house, call, checkpoints) for call in (c.EXPORT_CHECKPOINT, c.SAVE_CHECKPOINT)),
        *(_in(house, call, checkpoints) for call in (c.IMPORT_CHECKPOINT, c.LOAD_CHECKPOINT)),
        endpoint(house, c.LIST_CHECKPOINTS, partial(_list, ring=checkpoints.ring)),
        endpoint(house, c.FETCH_CHECKPOINT, partial(_fetch, ring=checkpoints.ring)),
        _inspect(house, checkpoints),
        _delete(house, checkpoints.ring),
    ]


def _out(house: House, call: Call, checkpoints: Checkpoints) -> Route:
    """The archive is whole before its first byte leaves, so that a fault can still be told."""

    async def serve(request: Request) -> Response:
        asked = request, await read_arguments(request, call)
        experiment_id = await house.read(prepare(house, call, _may_export, asked))
        with ExitStack() as opened:
            file = opened.enter_context(checkpoints.spool.file())
            await checkpoints.spool.run(lambda: checkpoints.dump.write(experiment_id, file))
            opened.pop_all()  # whoever sends it closes it
        return Archived(file, f"{experiment_id}.tar")

    return Route(call.path, serve, methods=[call.method], name=call.name)


def _in(house: House, call: Call, checkpoints: Checkpoints) -> Route:
    """The caller is admitted before a byte of the body is read."""

    async def serve(request: Request) -> Response:
        asked = request, await read_arguments(request, call)
        header = request.headers.get(HEADER)
        landing_id = await house.read(prepare(house, call, partial(_land_where, header=header), asked))
        with checkpoints.spool.file() as file:
            await checkpoints.spool.receive(request, file)
            return respond(call, await checkpoints.spool.run(lambda: checkpoints.load.run(file, landing_id)))

    return Route(call.path, serve, methods=[call.method], name=call.name)


def _inspect(house: House, checkpoints: Checkpoints) -> Route:
    """The same without its end."""
    call = c.INSPECT_CHECKPOINT

    async def serve(request: Request) -> Response:
        landing_id = await house.read(prepare(house, call, _some_id, (request, await read_arguments(request, call))))
        with checkpoints.spool.file() as file:
            await checkpoints.spool.receive(request, file)
            return respond(call, await checkpoints.spool.run(lambda: checkpoints.load.check(file, landing_id)))

    return Route(call.path, serve, methods=[call.method], name=call.name)


def _delete(house: House, ring: Ring) -> Route:
    """Files are no part of a transaction: the caller is admitted first."""
    call = c.DELETE_CHECKPOINT

    async def serve(request: Request) -> Response:
        found = await house.read(prepare(house, call, _named, (request, await read_arguments(request, call))))
        if not await asyncio.to_thread(ring.delete, *found):
            raise NotFound(f"there is no checkpoint {found[1][:100]}")
        return respond(call, None)

    return Route(call.path, serve, methods=[call.method], name=call.name)


def _some_id(tx: Tx) -> str:
    """An id that nothing has, for what is looked at and not made."""
    return tx.mint("exp")


def _named(tx: Tx, name: str) -> tuple[str, str]:
    """Which checkpoint is meant; a member of another experiment's admins never comes so far."""
    return tx.experiment_id, name


def _may_export(tx: Tx, query: c.Format) -> str:
    if query.format_version not in {None, *FORMAT_VERSIONS}:
        raise BadRequest(f"this server writes the formats {', '.join(FORMAT_VERSIONS)}")
    return tx.experiment_id


def _land_where(tx: Tx, query: c.Landing, header: str | None) -> str:
    """The id under which the archive lands: the override, else a new one that no header can have named."""
    override = query.as_experiment_id
    if override is not None and EXPERIMENT.fullmatch(override) is None:
        raise BadRequest("as_experiment_id is no experiment id")
    landing_id = override or tx.mint("exp")
    if header not in {None, landing_id}:
        raise ExperimentIdMismatch(
            "X-Eden-Experiment-Id names another experiment than the one that the archive becomes"
        )
    return landing_id


def _list(tx: Tx, ring: Ring) -> CheckpointList:
    return CheckpointList(checkpoints=tuple(ring.of(tx.experiment_id)))


def _fetch(tx: Tx, name: str, ring: Ring) -> FileResponse:
    path: Path | None = ring.path(tx.experiment_id, name)
    if path is None:
        raise NotFound(f"there is no checkpoint {name[:100]}")
    return FileResponse(path, media_type=MEDIA_TYPE, filename=name)
