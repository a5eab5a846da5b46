"""Artifacts: shown safely, and downloaded, streamed through the console with the operator's own rights."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response, StreamingResponse

from store_client import BadRequest, NotFound, Refused, Unreachable
from web_ui.active import Here
from web_ui.citations import Owner, owner_of
from web_ui.frame import experiment_frame
from web_ui.previews import Preview, picture, preview
from web_ui.templating import Frame

SANDBOX = "default-src 'none'; sandbox"


@dataclass(frozen=True)
class ArtifactPage:
    """The page at /e/{experiment}/artifacts/view."""

    template: ClassVar[str] = "artifacts/show.html"

    frame: Frame
    preview: Preview
    owner: Owner
    bundle_href: str | None


async def show(here: Here) -> Response:
    """A file that an idea, a variant or a submission cites, as far as it can be shown."""
    uri, entry = _asked(here)
    shown, owner = await asyncio.gather(preview(here, uri, entry), _owner(here, uri))
    bundle = (await preview(here, uri)).view_href if entry else None
    return here.visit.show(ArtifactPage(experiment_frame(here, shown.name, "", None), shown, owner, bundle))


async def _owner(here: Here, uri: str) -> Owner:
    """Whose the file is, where that can be told: why it cannot be read the page says itself."""
    if not here.visit.offers.is_ours:
        return Owner()
    try:
        return owner_of(here, (await here.store.read_artifact_info(uri, with_owner=True)).cited_by)
    except (Refused, Unreachable):
        return Owner()


async def inline(here: Here) -> Response:
    """A picture for a page of ours; what is no picture by its first bytes is not given out."""
    found = await picture(here, *_asked(here))
    if found is None:
        raise NotFound("this is no picture")
    content, kind = found
    headers = {"Content-Security-Policy": SANDBOX, "Cache-Control": "private, max-age=3600"}
    return Response(content, media_type=kind, headers=headers)


async def download(here: Here) -> Response:
    """A file that an idea or variant of the experiment cites; always an attachment, whatever its type."""
    uri, _ = _asked(here)
    stack = AsyncExitStack()
    file = await stack.enter_async_context(here.files.read_artifact(uri))

    async def chunks() -> AsyncIterator[bytes]:
        async with stack:
            async for chunk in file.chunks():
                yield chunk

    name, headers = file.filename, {"Content-Security-Policy": SANDBOX}
    if here.visit.offers.is_ours:
        info = await here.store.read_artifact_info(uri)
        name, headers["Content-Length"] = info.filename, str(info.size_bytes)
    safe = "".join(one for one in name if one.isalnum() or one in "._-")[:100] or "file"
    headers["Content-Disposition"] = f'attachment; filename="{safe}"'
    return StreamingResponse(chunks(), media_type="application/octet-stream", headers=headers)


def _asked(here: Here) -> tuple[str, str]:
    query = here.visit.request.query_params
    if not query.get("uri", ""):
        raise BadRequest("say which file: the address needs its uri")
    return query["uri"], query.get("entry", "")[:1000]
