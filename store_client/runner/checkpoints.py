"""A job's checkpoints on the way: an attempt sends what it keeps to the server, the next one fetches it from there.

Whole files alone travel: one that is written to while it is sent is sent again, and until that is done the server keeps
its state of before. Links do not.
"""

import asyncio
import logging
import os
import shutil
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from store_client.client import ControlPlaneClient
from store_client.errors import InvalidPrecondition, PayloadTooLarge, Refused, Unreachable
from store_client.runner.scratch import Scratch
from store_client.wire.attempts import (
    MOST_CHECKPOINTS,
    NEWS_BYTES,
    AttemptNews,
    CarriedCheckpoints,
    CarriedFile,
    KeepCheckpoints,
)

logger = logging.getLogger(__name__)
LOOK_SECONDS = 5.0
SHARE = 4.0
"""So many times as long as it sent it waits before it looks again."""
PASSES = 3


@dataclass
class Checkpoints:
    """What one job keeps, here and at the server."""

    deployment: ControlPlaneClient
    scratch: Scratch
    known: dict[str, CarriedFile] = field(default_factory=dict)
    """What the server keeps."""
    most_bytes: int = 0
    look_seconds: float = LOOK_SECONDS

    @property
    def _key(self) -> tuple[str, int]:
        return self.scratch.job_id, self.scratch.attempt

    async def fetch(self) -> None:
        """Have here what the newest attempt left: it worked here itself, or what it left is fetched."""
        listed = await self.deployment.list_carried_checkpoints(*self._key)
        self.most_bytes = listed.most_bytes
        self.known = {file.name: file for file in listed.files}
        if listed.attempt > self.scratch.newest:
            await self._replace(listed)
        await asyncio.to_thread(self.scratch.sign)

    async def _replace(self, listed: CarriedCheckpoints) -> None:
        """The server's files in the place of those here, which an older attempt left."""
        new = self.scratch.kept / "coming"
        await asyncio.to_thread(shutil.rmtree, new, ignore_errors=True)
        new.mkdir(mode=0o700, parents=True)
        for file in listed.files:
            await self._fetch(file, new / file.name)
        await asyncio.to_thread(shutil.rmtree, self.scratch.checkpoints, ignore_errors=True)
        new.rename(self.scratch.checkpoints)

    async def _fetch(self, file: CarriedFile, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.open("wb") as out:
            async with self.deployment.fetch_carried_checkpoint(*self._key, file.name) as download:
                async for chunk in download.chunks():
                    await asyncio.to_thread(out.write, chunk)
        os.utime(path, ns=(file.modified_microseconds * 1000,) * 2)
        if _state(path.parent, path.name) != file.having(name=path.name):
            raise Unreachable(f"the checkpoint {file.name} did not arrive whole")

    async def watch(self) -> None:
        """Send what is new, now and then, until cancelled or told that the attempt is over."""
        pause = self.look_seconds
        while True:
            await asyncio.sleep(pause)
            began = time.monotonic()
            try:
                await self.send()
            except Unreachable as error:
                logger.debug("the checkpoints of %s/%d wait: %s", *self._key, error)
            except PayloadTooLarge as error:
                logger.warning("the checkpoints of %s/%d do not travel: %s", *self._key, error)
            except Refused:  # whoever sends the log hears why
                return
            pause = max(self.look_seconds, SHARE * (time.monotonic() - began))

    async def send(self) -> None:
        """Have the server keep what is kept here."""
        try:
            await self._keep()
        except InvalidPrecondition:  # it has other files than we think
            self.known = {}
            await self._keep()

    async def _keep(self) -> None:
        wanted = await self._settled()
        if wanted != self.known:
            await self.deployment.keep_checkpoints(*self._key, KeepCheckpoints(files=tuple(wanted.values())))
            self.known = wanted

    async def _settled(self) -> dict[str, CarriedFile]:
        """What was sent and has not changed since; in the place of a file that never stands still its state before."""
        for left in reversed(range(PASSES)):
            sent = await self._sent()
            moving = {name for name, file in sent.items() if _state(self.scratch.checkpoints, name) != file}
            if not moving or not left:
                break
        before = {name: self.known[name] for name in moving if name in self.known}
        return {name: file for name, file in sent.items() if name not in moving} | before

    async def _sent(self) -> dict[str, CarriedFile]:
        """The files that are here now, each of them sent as far as it could be."""
        here = await asyncio.to_thread(_newest, self.scratch.checkpoints, self.most_bytes)
        for file in here:
            if self.known.get(file.name) != file:
                await self._send(file)
        return {file.name: file for file in here}

    async def _send(self, file: CarriedFile) -> None:
        offset, path = 0, self.scratch.checkpoints / file.name
        while True:
            data = await asyncio.to_thread(_read, path, offset, min(NEWS_BYTES, file.bytes - offset))
            if not data and offset < file.bytes:
                return  # it was cut short meanwhile, and is another now
            news = AttemptNews(of="checkpoint", file=file, offset=offset, data=data)
            offset = (await self.deployment.report_attempt(*self._key, news)).next_offset
            if offset >= file.bytes:
                return


def _newest(folder: Path, most_bytes: int) -> list[CarriedFile]:
    """The newest entries of a folder that the server takes in all, each whole."""
    entries: dict[str, list[CarriedFile]] = {}
    for file in _files(folder):
        entries.setdefault(file.name.partition("/")[0], []).append(file)
    found: list[CarriedFile] = []
    newest_first = sorted(entries.values(), key=lambda inside: -max(file.modified_microseconds for file in inside))
    for inside in newest_first:
        if len(found) + len(inside) > MOST_CHECKPOINTS or sum(each.bytes for each in (*found, *inside)) > most_bytes:
            break
        found += inside
    return found


def _files(folder: Path) -> Iterator[CarriedFile]:
    for parent, _, names in os.walk(folder):
        for name in names:
            file = _state(folder, str(Path(parent, name).relative_to(folder)))
            if file is not None:
                yield file


def _state(folder: Path, name: str) -> CarriedFile | None:
    """A plain file as it is now; None for anything else, and for a name that cannot be told."""
    try:
        found = (folder / name).lstat()
        if not stat.S_ISREG(found.st_mode):
            return None
        name.encode()
        return CarriedFile(name=name, bytes=found.st_size, modified_microseconds=max(found.st_mtime_ns // 1000, 0))
    except (OSError, ValueError):
        return None


def _read(path: Path, offset: int, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(limit)
    except OSError:
        return b""
