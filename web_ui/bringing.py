"""Files that a browser sends for a new experiment, as the one archive that goes to the server."""

import asyncio
import tarfile
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import IO

from starlette.datastructures import UploadFile

ARCHIVES = (".tar", ".tar.gz", ".tgz", ".zip")
SCRIPT = b"#!"


class Unsendable(Exception):
    """Files that make no archive; says why."""


@asynccontextmanager
async def archive_of(files: Sequence[UploadFile]) -> AsyncIterator[IO[bytes]]:
    """The archive that was sent, or one of the files and folders that were."""
    packed = [file for file in files if (file.filename or "").lower().endswith(ARCHIVES)]
    if packed and len(files) > 1:
        raise Unsendable("Send one archive, or files and folders without one.")
    if packed:
        yield packed[0].file
        return
    with tempfile.TemporaryFile() as archive:
        await asyncio.to_thread(_pack, files, archive)
        yield archive


def _pack(files: Sequence[UploadFile], archive: IO[bytes]) -> None:
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for file in files:
            entry = tarfile.TarInfo((file.filename or "").lstrip("/"))
            entry.size = file.size or 0
            file.file.seek(0)
            entry.mode = 0o755 if file.file.read(2) == SCRIPT else 0o644  # a browser does not tell
            file.file.seek(0)
            tar.addfile(entry, file.file)
    archive.seek(0)
