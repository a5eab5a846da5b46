"""Files and notes that go with a result: one artifact, a bundle when there are several."""

import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO

import anyio
from starlette.datastructures import UploadFile

from store_client import DraftFile, StoreClient, Upload

CHUNK_BYTES = 1_048_576


@dataclass(frozen=True)
class Attachments:
    """What to keep with a result: files chosen now, files kept with its draft; `note` becomes a file of its own."""

    files: Sequence[UploadFile] = ()
    note: str = ""
    note_name: str = "notes.md"
    kept: Sequence[DraftFile] = ()


async def deposit(store: StoreClient, attachments: Attachments) -> str | None:
    """The address of the artifact; None when there is nothing to keep."""
    files, kept, note = attachments.files, attachments.kept, attachments.note
    if not files and not kept:
        return await deposit_text(store, attachments.note_name, note) if note else None
    if len(kept) == 1 and not files and not note:
        return kept[0].artifacts_uri
    if len(files) == 1 and not kept and not note:
        upload = Upload(name_of(files[0]), files[0].file, files[0].content_type or "application/octet-stream")
        return (await store.deposit_artifact(upload)).artifacts_uri
    return await _deposit_bundle(store, attachments)


async def deposit_text(store: StoreClient, name: str, text: str) -> str:
    """The address of a text kept as a file."""
    upload = Upload(name, text.encode(), "text/markdown; charset=utf-8")
    return (await store.deposit_artifact(upload)).artifacts_uri


def name_of(file: UploadFile) -> str:
    """The last part of the name that the browser gave."""
    return PurePosixPath((file.filename or "").replace("\\", "/")).name or "file"


async def _deposit_bundle(store: StoreClient, attachments: Attachments) -> str:
    with tempfile.TemporaryFile() as bundle:
        with zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED) as archive:
            if attachments.note:  # first and as it is, so that it is read without the rest
                archive.writestr(attachments.note_name, attachments.note, zipfile.ZIP_STORED)
            for place, kept in enumerate(attachments.kept, 1):
                with archive.open(f"{place}-{kept.filename}", "w") as entry:
                    await _fetch(store, kept.artifacts_uri, entry)
            await anyio.to_thread.run_sync(_add, archive, attachments.files, len(attachments.kept) + 1)
        bundle.seek(0)
        return (await store.deposit_artifact(Upload("files.zip", bundle, "application/zip"))).artifacts_uri


async def _fetch(store: StoreClient, uri: str, entry: IO[bytes]) -> None:
    async with store.read_artifact(uri) as download:
        async for chunk in download.chunks():
            await anyio.to_thread.run_sync(entry.write, chunk)


def _add(archive: zipfile.ZipFile, files: Sequence[UploadFile], first: int) -> None:
    for place, file in enumerate(files, first):
        file.file.seek(0)
        with archive.open(f"{place}-{name_of(file)}", "w") as entry:
            while chunk := file.file.read(CHUNK_BYTES):
                entry.write(chunk)
