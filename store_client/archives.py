"""Archives of experiments on this side of the wire: sent piece by piece, and asked what they are."""

import json
import tarfile
from collections.abc import AsyncIterator
from typing import IO

import anyio
from pydantic import ValidationError

from store_client.errors import BadRequest
from store_client.wire.checkpoints import Manifest

CHUNK_BYTES = 1024 * 1024
LARGEST_MANIFEST_BYTES = 8 * 1024 * 1024


async def pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    """The whole file, from its beginning, a piece at a time."""
    await anyio.to_thread.run_sync(file.seek, 0)
    while piece := await anyio.to_thread.run_sync(file.read, CHUNK_BYTES):
        yield piece


def size_of(file: IO[bytes]) -> int:
    return file.seek(0, 2)


def read_manifest(file: IO[bytes]) -> Manifest:
    """What an archive says of itself; BadRequest when it is none."""
    file.seek(0)
    try:
        with tarfile.open(fileobj=file, mode="r:") as tar:
            for member in tar:
                if member.isfile() and member.name.partition("/")[2] == "manifest.json":
                    content = tar.extractfile(member)
                    raw = content.read(LARGEST_MANIFEST_BYTES) if content is not None else b""
                    return Manifest.model_validate(json.loads(raw))
    except (tarfile.TarError, OSError, ValueError, ValidationError) as error:
        raise BadRequest(f"this is no checkpoint: {error}") from error
    raise BadRequest("this is no checkpoint: there is no manifest.json in it")
