"""Every file that was deposited in an experiment: what it belongs to, who left it, and the way to look at it."""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response

from store_client import ArtifactLine, ArtifactPage
from web_ui.active import Here
from web_ui.citations import Owner, owner_of
from web_ui.filters import Moment, short_id, size, with_query
from web_ui.frame import experiment_frame
from web_ui.listing import PAGE, Pager, Place
from web_ui.templating import Frame

SENTENCE = "What ideators, executors and evaluators left here, the newest first."
NOT_YOURS = "Only administrators of this experiment see every file; those of an idea or a variant are on its page."


@dataclass(frozen=True)
class FileRow:
    """One file."""

    uri: str
    name: str
    kind: str
    size: str
    moment: Moment
    view_href: str
    download_href: str
    owner: Owner
    by: str
    by_href: str | None


@dataclass(frozen=True)
class Files:
    """`/e/{experiment}/admin/files`."""

    template: ClassVar[str] = "admin_files/index.html"

    frame: Frame
    sentence: str
    rows: tuple[FileRow, ...]
    why_not: str
    pager: Pager


async def index(here: Here) -> Response:
    """The files of the experiment, for its administrators."""
    place = Place.of(here.visit.request)
    found, fleet = await asyncio.gather(_found(here, place.after), here.visit.fleet())
    page = Files(
        frame=experiment_frame(here, "Files", "files", fleet),
        sentence=SENTENCE,
        rows=tuple(_row(here, one) for one in found.items),
        why_not="" if here.registry is not None else NOT_YOURS,
        pager=place.pager(len(found.items), found.next),
    )
    return here.visit.show(page)


async def _found(here: Here, after: str | None) -> ArtifactPage:
    return await here.store.list_artifacts(PAGE, after) if here.registry is not None else ArtifactPage(items=())


def _row(here: Here, one: ArtifactLine) -> FileRow:
    return FileRow(
        uri=one.artifacts_uri,
        name=one.filename,
        kind=one.content_type.partition(";")[0],
        size=size(one.size_bytes),
        moment=one.created_at,
        view_href=with_query(here.url("artifact_view"), uri=one.artifacts_uri),
        download_href=with_query(here.url("artifact"), uri=one.artifacts_uri),
        owner=owner_of(here, one.cited_by),
        by=one.by_name or short_id(one.created_by),
        by_href=here.url("worker", worker=one.created_by) if one.created_by.startswith("wkr_") else None,
    )
