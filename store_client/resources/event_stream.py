"""A log followed as server-sent events: parsed as it comes, taken up again where it broke off."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

from pydantic import ValidationError

from store_client.download import Download
from store_client.errors import ProtocolBroken, Unreachable
from store_client.transport import Patience
from store_client.wire.events import LogEvent

Block = dict[str, str]
Opening = Callable[[int | None], AbstractAsyncContextManager[Download]]


async def follow(opening: Opening, after: int | None, patience: Patience | None = None) -> AsyncGenerator[LogEvent]:
    """Every event after a position; Unreachable only after several attempts that brought nothing."""
    patience, position, failures = patience or Patience(), after, 0
    while True:
        try:
            async with opening(position) as download:
                async for block in blocks(download.chunks()):
                    failures = 0
                    position = int(block.get("id", position or 0))
                    if "event" not in block:
                        yield _event(block)
        except Unreachable:
            failures += 1
            if failures >= patience.attempts:
                raise
        await patience.pause(failures)


async def blocks(chunks: AsyncIterator[bytes]) -> AsyncIterator[Block]:
    """The fields of each event; comments are left out."""
    block: Block = {}
    async for line in _lines(chunks):
        name, _, value = line.partition(":")
        if line and name:
            block[name] = value.removeprefix(" ")
        elif not line and block:
            yield block
            block = {}


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[str]:
    rest = b""
    async for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.removesuffix(b"\r").decode()


def _event(block: Block) -> LogEvent:
    try:
        return LogEvent.model_validate_json(block.get("data", ""))
    except ValidationError as error:
        raise ProtocolBroken("the stream holds something that is no event") from error
