"""A job's log followed as server-sent events, taken up again where it broke off, until its attempt has ended."""

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager

from pydantic import ValidationError

from store_client.download import Download
from store_client.errors import ProtocolBroken, Unreachable
from store_client.resources.event_stream import Block, blocks
from store_client.transport import Patience
from store_client.wire.calls.reports import StreamQuery
from store_client.wire.jobs import LogSlice

Opening = Callable[[StreamQuery], AbstractAsyncContextManager[Download]]


async def follow_log(
    opening: Opening, place: StreamQuery, patience: Patience | None = None
) -> AsyncGenerator[LogSlice, None]:
    """Every piece of a log from a byte on; Unreachable only after several attempts that brought nothing."""
    patience, failures = patience or Patience(), 0
    while True:
        try:
            async with opening(place) as download:
                async for block in blocks(download.chunks()):
                    failures, place = 0, _place(block, place)
                    if "event" not in block:
                        yield _piece(block, place)
                    elif _has_ended(block):
                        return
        except Unreachable:
            failures += 1
            if failures >= patience.attempts:
                raise
        await patience.pause(failures)


def _place(block: Block, last: StreamQuery) -> StreamQuery:
    attempt, _, offset = block.get("id", "").partition(":")
    return StreamQuery(attempt=int(attempt), offset=int(offset)) if offset else last


def _piece(block: Block, place: StreamQuery) -> LogSlice:
    try:
        found = json.loads(block.get("data", ""))
        return LogSlice.model_validate({**found, "is_complete": False, "attempt": place.attempt})
    except (ValueError, TypeError, ValidationError) as error:
        raise ProtocolBroken("the stream holds something that is no piece of a log") from error


def _has_ended(block: Block) -> bool:
    """Whether the attempt has ended, and not only this stream."""
    return block["event"] == "end" and "bytes" in json.loads(block.get("data") or "{}")
