"""Artifacts: who deposited what, and who may have it (protocol §9)."""

import re
import secrets

from sqlalchemy import RowMapping, insert, select

from control_plane.db import identities
from control_plane.db.transaction import Tx
from control_plane.task_store.tables import artifacts, ideas, submissions, variants
from control_plane.task_store.uploads import Stored
from store_client.errors import Forbidden, NotFound
from store_client.wire.artifacts import DepositedArtifact
from store_client.wire.calls.artifacts import ByUri

SCHEME = "eden://artifacts/"
ID = re.compile(r"[0-9a-f]{32}")
CITATIONS = (
    ideas.c.artifacts_uri,
    submissions.c.artifacts_uri,
    variants.c.artifacts_uri,
    variants.c.executor_artifacts_uri,
)


def record(tx: Tx, stored: Stored) -> DepositedArtifact:
    """Give a stored file an unguessable name of its own."""
    artifact_id = secrets.token_hex(16)
    tx.connection.execute(
        insert(artifacts).values(
            artifact_id=artifact_id,
            experiment_id=tx.experiment_id,
            sha256=stored.sha256,
            filename=stored.filename,
            content_type=stored.content_type,
            size_bytes=stored.size_bytes,
            created_by=tx.caller.worker_id,
            created_at=tx.now,
        )
    )
    return DepositedArtifact(
        artifacts_uri=SCHEME + artifact_id, size_bytes=stored.size_bytes, content_type=stored.content_type
    )


def fetch(tx: Tx, query: ByUri) -> RowMapping:
    """An artifact for its depositor or an administrator."""
    artifact = _find(tx, query.uri)
    if not _owns(tx, artifact):
        raise Forbidden("only its depositor and administrators fetch this artifact")
    return artifact


def view(tx: Tx, query: ByUri) -> RowMapping:
    """The same, and for every worker of the experiment once an idea, variant or submission cites it."""
    artifact = _find(tx, query.uri)
    if not _owns(tx, artifact) and not _is_cited(tx, query.uri):
        raise Forbidden("nothing in the experiment cites this artifact yet")
    return artifact


def _find(tx: Tx, uri: str) -> RowMapping:
    id_ = uri.removeprefix(SCHEME)
    if not uri.startswith(SCHEME) or ID.fullmatch(id_) is None:
        raise NotFound("this server has no artifact of that name")
    query = select(artifacts).where(artifacts.c.experiment_id == tx.experiment_id, artifacts.c.artifact_id == id_)
    row = tx.connection.execute(query).mappings().first()
    if row is None:
        raise NotFound("there is no such artifact in this experiment")
    return row


def _owns(tx: Tx, artifact: RowMapping) -> bool:
    if tx.caller.is_admin or artifact["created_by"] == tx.caller.worker_id:
        return True
    return identities.is_in_named(tx.connection, tx.caller, ("admins",))


def _is_cited(tx: Tx, uri: str) -> bool:
    return any(
        tx.connection.scalar(
            select(column).where(column.table.c.experiment_id == tx.experiment_id, column == uri).limit(1)
        )
        for column in CITATIONS
    )
