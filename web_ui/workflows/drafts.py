"""Keeping a draft: its files are deposited, then all of it is saved over the version it was made from."""

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import ValidationError
from starlette.datastructures import UploadFile

from store_client import (
    Draft,
    DraftFile,
    InvalidPrecondition,
    KeptFile,
    NotFound,
    NotOffered,
    Refused,
    StoreClient,
    Unauthorized,
    Unreachable,
    Upload,
)
from web_ui.forms.drafts import Entered
from web_ui.workflows.attachments import name_of


@dataclass(frozen=True)
class Kept:
    """All of it is saved."""

    draft: Draft


@dataclass(frozen=True)
class Overtaken:
    """Another tab has saved another version, or has ended the draft: then there is none."""

    theirs: Draft | None
    files: tuple[DraftFile, ...]


@dataclass(frozen=True)
class NotKept:
    """It could not be saved; `files` are those that are safe all the same."""

    reason: str
    files: tuple[DraftFile, ...]


Keeping = Kept | Overtaken | NotKept


async def read(store: StoreClient, task_id: str) -> Draft | None:
    """The draft of a task, or None."""
    try:
        return await store.read_draft(task_id)
    except (NotFound, NotOffered):
        return None


async def keep(store: StoreClient, task_id: str, entered: Entered) -> Keeping:
    """Save what was entered; never raises but for a session that has ended."""
    files = entered.kept
    try:
        for field, file in entered.chosen:
            files = (*files, await _deposit(store, field, file))
        return Kept(await store.save_draft(task_id, entered.fields, _named(files), version=entered.version))
    except InvalidPrecondition:
        return await _overtaken(store, task_id, files)
    except Unauthorized:
        raise
    except Refused as refusal:
        return NotKept(refusal.detail, files)
    except Unreachable:
        return NotKept("the control plane does not answer", files)
    except ValidationError:
        return NotKept("it has more fields or files, or longer names, than a draft may have", files)


async def _overtaken(store: StoreClient, task_id: str, files: tuple[DraftFile, ...]) -> Keeping:
    try:
        return Overtaken(await read(store, task_id), files)
    except Unreachable:
        return NotKept("the control plane does not answer", files)


async def _deposit(store: StoreClient, field: str, file: UploadFile) -> DraftFile:
    upload = Upload(name_of(file), file.file, file.content_type or "application/octet-stream")
    stored = await store.deposit_artifact(upload)
    return DraftFile(
        field=field,
        artifacts_uri=stored.artifacts_uri,
        filename=upload.filename,
        size_bytes=stored.size_bytes,
        content_type=stored.content_type,
    )


def _named(files: Iterable[DraftFile]) -> list[KeptFile]:
    return [KeptFile(field=file.field, artifacts_uri=file.artifacts_uri) for file in files]
