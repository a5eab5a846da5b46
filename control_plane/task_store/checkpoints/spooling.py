"""Archives on their way in and out: through files without names, so that nothing is left whatever happens."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from store_client.errors import BadRequest, PayloadTooLarge
from store_client.wire.checkpoints import MEDIA_TYPE

T = TypeVar("T")
CHUNK_BYTES = 1024 * 1024
MAX_BYTES = 64 * 1024**3
LEFT_FREE_BYTES = 256 * 1024**2
"""What an upload leaves free on the disk for everybody else."""
LOOK_EVERY_BYTES = 16 * 1024**2
THREADS = 2


@dataclass
class Spool:
    """The folder for archives on their way, and the few threads that work on them."""

    folder: Path
    max_bytes: int = MAX_BYTES
    threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(THREADS, thread_name_prefix="checkpoint")
    )

    async def run(self, work: Callable[[], T]) -> T:
        """Work that takes long, a few at a time, on threads that nobody else needs."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, work)

    def file(self) -> IO[bytes]:
        """A file that is gone when it is closed."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return tempfile.TemporaryFile(dir=self.folder)

    async def receive(self, request: Request, file: IO[bytes]) -> None:
        """Write a request's body into a file; PayloadTooLarge beyond the cap, and before the disk is full."""
        announced = request.headers.get("content-length", "")
        self._must_fit(int(announced) if announced.isdecimal() else 0)
        received = looked = 0
        try:
            async for chunk in request.stream():
                received += len(chunk)
                if received - looked >= LOOK_EVERY_BYTES or received > self.max_bytes:
                    looked = received
                    self._must_fit(received, written=received)
                await asyncio.to_thread(file.write, chunk)
        except ClientDisconnect as error:
            raise BadRequest("the upload broke off") from error

    def _must_fit(self, size: int, written: int = 0) -> None:
        if size > self.max_bytes:
            raise PayloadTooLarge(f"an archive has at most {self.max_bytes} bytes")
        if size - written + LEFT_FREE_BYTES > shutil.disk_usage(self.folder).free:
            raise PayloadTooLarge("the server has not enough disk space for this archive")


class Archived(StreamingResponse):
    """A file streamed out, and closed however that ends."""

    def __init__(self, file: IO[bytes], filename: str) -> None:
        self._file = file
        headers = {"content-disposition": f'attachment; filename="{filename}"'}
        super().__init__(_chunks(file), media_type=MEDIA_TYPE, headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._file.close()


async def _chunks(file: IO[bytes]) -> AsyncIterator[bytes]:
    file.seek(0)
    while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
        yield chunk
