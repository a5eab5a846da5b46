"""Files that the server streams, handed on to a browser as they arrive."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack

from starlette.responses import StreamingResponse

from store_client import Download

SANDBOX = "default-src 'none'; sandbox"


async def attachment(opening: AbstractAsyncContextManager[Download], filename: str) -> StreamingResponse:
    """The file as a download under a harmless name; a refusal is raised before its first byte."""
    stack = AsyncExitStack()
    file = await stack.enter_async_context(opening)

    async def chunks() -> AsyncIterator[bytes]:
        async with stack:
            async for chunk in file.chunks():
                yield chunk

    safe = "".join(one for one in filename if one.isascii() and (one.isalnum() or one in "._-"))[:150] or "file"
    headers = {"Content-Security-Policy": SANDBOX, "Content-Disposition": f'attachment; filename="{safe}"'}
    return StreamingResponse(chunks(), media_type="application/octet-stream", headers=headers)
