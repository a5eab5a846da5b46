"""Checkpoints of an experiment: saved, listed, fetched, deleted, and brought back as a new experiment."""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response

from store_client import (
    BadRequest,
    CheckpointFile,
    CheckpointInvalid,
    ExperimentIdConflict,
    Forbidden,
    PayloadTooLarge,
    SpecVersionMismatch,
    UnsupportedCheckpointVersion,
)
from web_ui.active import Here
from web_ui.downloads import attachment
from web_ui.failures import sentence
from web_ui.filters import Moment, plural, size
from web_ui.forms.field import text, uploads
from web_ui.frame import experiment_frame
from web_ui.gates import UPLOAD_BYTES
from web_ui.pages.checkpoint_words import Report, Schedule, report, schedule
from web_ui.templating import Frame

FAULTS = (
    BadRequest,
    CheckpointInvalid,
    ExperimentIdConflict,
    PayloadTooLarge,
    SpecVersionMismatch,
    UnsupportedCheckpointVersion,
)


@dataclass(frozen=True)
class Row:
    """One archive that the server keeps; `kind` says until when."""

    name: str
    moment: Moment
    size: str
    kind: str
    fetch_href: str
    delete_href: str


@dataclass(frozen=True)
class Checkpoints:
    """`/e/{experiment}/admin/checkpoints`."""

    template: ClassVar[str] = "admin_checkpoints/index.html"

    frame: Frame
    name: str
    schedule: Schedule | None
    rows: tuple[Row, ...]
    sentence: str
    why_not: str
    save_href: str
    import_href: str | None
    limit: str
    report: Report | None = None
    problem: str = ""


async def index(here: Here) -> Response:
    """The archives of the experiment, for its administrators."""
    return await _page(here)


async def save(here: Here) -> Response:
    """The whole experiment as one archive, as it is now."""
    stamp = here.visit.now.strftime("%Y%m%dT%H%M%SZ")
    return await attachment(here.store.save_checkpoint(), f"{here.experiment.slug}-{stamp}.tar")


async def fetch(here: Here) -> Response:
    """One that the server wrote by itself."""
    name = _named(here)
    return await attachment(here.store.fetch_checkpoint(name), f"{here.experiment.slug}-{name}")


async def delete(here: Here) -> Response:
    """Delete one of them for good."""
    name = _named(here)
    await here.store.delete_checkpoint(name)
    return here.visit.go(here.url("checkpoints"), ("done", f"{name} is deleted."))


async def bring_back(here: Here) -> Response:
    """Check an archive, or make an experiment of it; a refusal says what is wrong with it and leaves nothing."""
    if not here.visit.manages_deployment:
        raise Forbidden("only administrators of the deployment make experiments")
    form = await here.visit.request.form()
    files = uploads(form, "archive")
    if not files:
        return await _page(here, problem="Choose the archive, a .tar file that an experiment was saved to.")
    archive = files[0].file
    try:
        found = report(await here.visit.client.inspect_checkpoint(archive))
        if text(form, "act") != "import":
            return await _page(here, found)
        made = await here.visit.client.load_checkpoint(archive)
    except FAULTS as error:
        return await _page(here, problem=f"Nothing was made: {sentence(str(error))}")
    href = here.visit.url("overview", experiment=made.experiment_id)
    return await _page(here, Report("Imported as a new experiment", found.facts, made.warnings, href))


async def _page(here: Here, found: Report | None = None, problem: str = "") -> Response:
    may = here.registry is not None
    manages = here.visit.manages_deployment
    detail, kept, fleet = await asyncio.gather(
        here.store.read_experiment_detail(), _kept(here) if may else _nothing(), here.visit.fleet()
    )
    page = Checkpoints(
        frame=experiment_frame(here, "Checkpoints", "checkpoints", fleet),
        name=here.experiment.name,
        schedule=schedule(detail, kept) if may else None,
        rows=tuple(_row(here, one) for one in kept),
        sentence=_sentence(kept) if may else "A checkpoint is the whole experiment in one file.",
        why_not=""
        if may
        else "Only administrators of this experiment see and save its checkpoints: they hold everything.",
        save_href=here.url("save_checkpoint"),
        import_href=here.url("import_checkpoint") if manages else None,
        limit=size(UPLOAD_BYTES),
        report=found,
        problem=problem,
    )
    return here.visit.show(page, 422 if problem else 200)


async def _kept(here: Here) -> tuple[CheckpointFile, ...]:
    return (await here.store.list_checkpoints()).checkpoints


async def _nothing() -> tuple[CheckpointFile, ...]:
    return ()


def _row(here: Here, one: CheckpointFile) -> Row:
    return Row(
        name=one.name,
        moment=one.created_at,
        size=size(one.size_bytes),
        kind="of the end, kept for good" if one.is_final else "automatic",
        fetch_href=here.url("fetch_checkpoint", archive=one.name),
        delete_href=here.url("delete_checkpoint", archive=one.name),
    )


def _sentence(kept: tuple[CheckpointFile, ...]) -> str:
    if not kept:
        return "The server keeps no archive of this experiment."
    return f"The server keeps {plural(len(kept), 'archive')}, {size(sum(one.size_bytes for one in kept))} in all."


def _named(here: Here) -> str:
    return str(here.visit.request.path_params["archive"])
