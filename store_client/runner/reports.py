"""What an attempt away from the server tells it: its files, as they grow, and its result."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from store_client.client import ControlPlaneClient
from store_client.errors import Unreachable
from store_client.wire.attempts import NEWS_BYTES, AttemptNews, AttemptResult, AttemptWish, EndAttempt

File = Literal["log", "progress", "result"]
LOOK_SECONDS = 0.5
"""How often a growing file is looked at."""
SIGN_SECONDS = 5.0
"""A silent attempt gives a sign of life so often, and learns then whether it is still wanted."""
NAMES: dict[File, str] = {"log": "log", "progress": "progress.jsonl"}


@dataclass
class Reports:
    """The news of one attempt, from the files in `folder`."""

    deployment: ControlPlaneClient
    key: tuple[str, int]
    folder: Path
    sent: dict[File, int] = field(default_factory=lambda: {"log": 0, "progress": 0, "result": 0})

    async def send(self, *, until: "asyncio.Future[Any]", told: asyncio.Event) -> str | None:
        """Send what is new for a while, and say how the attempt is to stop, if it is.

        Ends with the attempt, with the wish that it stop, and soon after somebody here wants it to.
        """
        silent_since = asyncio.get_running_loop().time()
        while not until.done():
            is_due = told.is_set() or asyncio.get_running_loop().time() - silent_since >= SIGN_SECONDS
            with suppress(Unreachable):
                stop = await self._grown()
                if stop is None and is_due:
                    stop = (await self._say("log", self.sent["log"], b"")).stop
                    silent_since = asyncio.get_running_loop().time()
                if stop is not None:
                    return await _paused(stop, until)
            if told.is_set():
                return await _paused("cancel", until)
            await _first(until, told, LOOK_SECONDS)
        return None

    async def end(self, result: AttemptResult) -> None:
        """Send the rest, the result, and the last word."""
        await self._grown()
        data = result.model_dump_json(exclude_none=True).encode()
        await self._whole("result", data)
        await self.deployment.end_attempt(*self.key, EndAttempt(result_bytes=len(data)))

    async def _grown(self) -> str | None:
        """Send what the files have more than the server; how the attempt is to stop, if it is."""
        stop = None
        for of, name in NAMES.items():
            while data := await asyncio.to_thread(_read, self.folder / name, self.sent[of]):
                stop = (await self._say(of, self.sent[of], data)).stop or stop
        return stop

    async def _whole(self, of: File, data: bytes) -> None:
        while self.sent[of] < len(data):
            await self._say(of, self.sent[of], data[self.sent[of] : self.sent[of] + NEWS_BYTES])

    async def _say(self, of: File, offset: int, data: bytes) -> AttemptWish:
        wish = await self.deployment.report_attempt(*self.key, AttemptNews(of=of, offset=offset, data=data))
        self.sent[of] = wish.next_offset
        return wish


def _read(path: Path, offset: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(NEWS_BYTES)
    except OSError:
        return b""


async def _first(until: "asyncio.Future[Any]", told: asyncio.Event, seconds: float) -> None:
    """Wait for the end of the attempt, for somebody who wants it to stop, or for so long."""
    hearing = asyncio.ensure_future(told.wait())
    await asyncio.wait({until, hearing}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    hearing.cancel()


async def _paused(stop: str, until: "asyncio.Future[Any]") -> str:
    """The wish, after a moment in which one that was heard before may have come true."""
    await asyncio.wait({until}, timeout=LOOK_SECONDS)
    return stop
