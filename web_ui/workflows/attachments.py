"""Files and notes that go with a result: one artifact, a bundle when there are several."""

import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO

import anyio
from starlette.datastructures import UploadFile

from store_client import StoreClient, Upload

CHUNK_BYTES = 1_048_576


@dataclass(frozen=True)
class Attachments:
    """What to keep with a result; `note` becomes a file of its own."""

    files: Sequence[UploadFile] = ()
    note: str = ""
    note_name: str = "notes.md"


async def deposit(store: StoreClient, attachments: Attachments) -> str | None:
    """The address of the artifact; None when there is nothing to keep."""
    files, note = attachments.files, attachments.note
    if not files:
        return await deposit_text(store, attachments.note_name, note) if note else None
    if len(files) == 1 and not note:
        upload = Upload(name_of(files[0]), files[0].file, files[0].content_type or "application/octet-stream")
        return (await store.deposit_artifact(upload)).artifacts_uri
    with tempfile.TemporaryFile() as bundle:
        await anyio.to_thread.run_sync(_bundle, bundle, attachments)
        return (await store.deposit_artifact(Upload("files.zip", bundle, "application/zip"))).artifacts_uri


async def deposit_text(store: StoreClient, name: str, text: str) -> str:
    """The address of a text kept as a file."""
    upload = Upload(name, text.encode(), "text/markdown; charset=utf-8")
    return (await store.deposit_artifact(upload)).artifacts_uri


def name_of(file: UploadFile) -> str:
    """The last part of the name that the browser gave."""
    return PurePosixPath((file.filename or "").replace("\\", "/")).name or "file"


def _bundle(bundle: IO[bytes], attachments: Attachments) -> None:
    with zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED) as archive:
        if attachments.note:
            archive.writestr(attachments.note_name, attachments.note)
        for place, file in enumerate(attachments.files):
            with archive.open(f"{place + 1}-{name_of(file)}", "w") as entry:
                while chunk := file.file.read(CHUNK_BYTES):
                    entry.write(chunk)
    bundle.seek(0)
