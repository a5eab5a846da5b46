"""Calls about artifacts (protocol §9)."""

from pydantic import Field

from store_client.wire.artifacts import ArtifactLine, ArtifactPage, DepositedArtifact
from store_client.wire.call import Call, PageQuery, Query, Who

P = "/v0/experiments/{experiment_id}/artifacts"
A = "/api/experiments/{experiment_id}/artifacts"


class ByUri(Query):
    uri: str


class InfoQuery(ByUri):
    with_owner: bool = Field(default=False, description="tell who left it and what cites it, too")


DEPOSIT_ARTIFACT = Call(
    "deposit_artifact", "POST", P, Who.EITHER, "Store a file", answer=DepositedArtifact, status=201, is_streamed=True,
    is_safe_to_repeat=True,
)  # fmt: skip
FETCH_ARTIFACT = Call("fetch_artifact", "GET", P, Who.EITHER, "Fetch one's own file", query=ByUri, is_streamed=True)
READ_ARTIFACT = Call(
    "read_artifact", "GET", A, Who.EITHER, "Fetch a file that an idea or variant of the experiment cites",
    query=ByUri, is_streamed=True,
)  # fmt: skip
READ_ARTIFACT_INFO = Call(
    "read_artifact_info", "GET", A + "/info", Who.EITHER, "Name, size and type of a file, and what it belongs to",
    query=InfoQuery, answer=ArtifactLine,
)  # fmt: skip
LIST_ARTIFACTS = Call(
    "list_artifacts", "GET", A + "/list", Who.ADMIN_OR_ADMINS, "List every file with what cites it, the newest first",
    query=PageQuery, answer=ArtifactPage,
)  # fmt: skip

CALLS = (DEPOSIT_ARTIFACT, FETCH_ARTIFACT, READ_ARTIFACT, READ_ARTIFACT_INFO, LIST_ARTIFACTS)
