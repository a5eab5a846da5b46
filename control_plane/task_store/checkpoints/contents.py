"""The files of an archive's artifacts: checked, named anew, and put where artifacts lie."""

import hashlib
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import AfterValidator, StringConstraints, TypeAdapter, ValidationError

from control_plane.db.staging import Staging
from control_plane.task_store.artifact_files import ArtifactFiles
from control_plane.task_store.checkpoints.archive import CHUNK_BYTES, Archive, Member
from control_plane.task_store.checkpoints.snapshot import CONTENT
from control_plane.task_store.operations.artifacts import SCHEME
from store_client.errors import CheckpointInvalid
from store_client.wire.record import Record
from store_client.wire.scalars import ActorId, Timestamp

HASH = re.compile("[0-9a-f]{64}")


def _printable(text: str) -> str:
    """It is sent in headers, so nothing in it may end a line."""
    if not text.isprintable():
        raise ValueError("must be printable")
    return text


class Noted(Record):
    """What an exporter like us knows of one artifact."""

    filename: Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_printable)]
    content_type: Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_printable)]
    created_by: ActorId
    created_at: Timestamp


NOTES = TypeAdapter(tuple[Noted, ...])


@dataclass(frozen=True)
class Contents:
    """The artifacts of one archive, on their way into one deployment."""

    archive: Archive
    folder: str
    stage: Staging

    def lay_out(self, exported_at: str) -> None:
        """Give every artifact a name of its own here; CheckpointInvalid for a file whose bytes are not its name's."""
        for member in self._members():
            sha256 = member.path.rsplit("/", 1)[-1]
            if HASH.fullmatch(sha256) is None:
                raise CheckpointInvalid(f"{member.path[:200]!r} is not named by the SHA-256 of its bytes")
            self._must_be_whole(member, sha256)
            for noted in _notes(member, exported_at):
                named = noted.filename, noted.content_type, member.size_bytes, noted.created_by, noted.created_at
                self.stage.add("artifacts", None, secrets.token_hex(16), sha256, *named)

    def local(self, uri: str | None, author: str | None, where: str) -> str | None:
        """The address of a cited file here, its author's own copy before others; other addresses stay as they are."""
        if uri is None or not uri.startswith(CONTENT):
            return uri
        mine = "SELECT id FROM artifacts WHERE sha256 = ? ORDER BY created_by IS ? DESC, n LIMIT 1"
        found = self.stage.first(mine, (uri.removeprefix(CONTENT), author))
        if found is None:
            raise CheckpointInvalid(f"{where}: {uri[:200]} is not in the archive")
        return str(SCHEME + found[0])

    def place(self, files: ArtifactFiles) -> None:
        """Make every content durable under its hash, before any row names it."""
        for member in self._members():
            incoming = replace(files, max_bytes=member.size_bytes).incoming()
            try:
                for chunk in self._chunks(member):
                    incoming.write(chunk)
                incoming.keep()
            finally:
                incoming.discard()

    def _members(self) -> Iterator[Member]:
        return self.archive.below(self.folder)

    def _chunks(self, member: Member) -> Iterator[bytes]:
        with self.archive.open(member.path) as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk

    def _must_be_whole(self, member: Member, sha256: str) -> None:
        digest = hashlib.sha256()
        for chunk in self._chunks(member):
            digest.update(chunk)
        if digest.hexdigest() != sha256:
            raise CheckpointInvalid(f"{member.path}: its bytes have another SHA-256")


def _notes(member: Member, exported_at: str) -> tuple[Noted, ...]:
    """What is noted of a file; of one without a note, nothing but that it is there."""
    unknown = Noted(
        filename="file", content_type="application/octet-stream", created_by="admin", created_at=exported_at
    )
    if member.note is None:
        return (unknown,)
    try:
        return NOTES.validate_json(member.note) or (unknown,)
    except ValidationError as error:
        raise CheckpointInvalid(f"{member.path}: what is noted of it cannot be read") from error
