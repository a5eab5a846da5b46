"""Downloads of artifacts, streamed through the console with the operator's own rights."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

from starlette.responses import Response, StreamingResponse

from store_client import BadRequest
from web_ui.active import Here


async def download(here: Here) -> Response:
    """A file that an idea or variant of the experiment cites; always an attachment, whatever its type."""
    uri = here.visit.request.query_params.get("uri", "")
    if not uri:
        raise BadRequest("say which file: the address needs its uri")
    stack = AsyncExitStack()
    file = await stack.enter_async_context(here.files.read_artifact(uri))

    async def chunks() -> AsyncIterator[bytes]:
        async with stack:
            async for chunk in file.chunks():
                yield chunk

    name, headers = file.filename, {}
    if here.visit.offers.is_ours:
        info = await here.store.read_artifact_info(uri)
        name, headers = info.filename, {"Content-Length": str(info.size_bytes)}
    safe = "".join(one for one in name if one.isalnum() or one in "._-")[:100] or "file"
    headers["Content-Disposition"] = f'attachment; filename="{safe}"'
    return StreamingResponse(chunks(), media_type="application/octet-stream", headers=headers)
