"""Artifacts (protocol §9)."""

from store_client.wire.record import Record
from store_client.wire.scalars import ActorId, ArtifactUri, NonEmpty, Timestamp


class DepositedArtifact(Record):
    artifacts_uri: NonEmpty
    size_bytes: int
    content_type: NonEmpty


class ArtifactInfo(Record):
    artifacts_uri: ArtifactUri
    filename: str
    size_bytes: int
    content_type: NonEmpty
    sha256: str
    created_by: ActorId
    created_at: Timestamp
