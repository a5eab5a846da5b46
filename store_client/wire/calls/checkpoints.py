"""Calls about checkpoints (protocol §10), and about the ones that the server writes by itself."""

from store_client.wire.call import Call, Query, Who
from store_client.wire.checkpoints import CheckpointList, CheckpointReport, ImportedCheckpoint

P = "/v0/experiments/{experiment_id}"
E = "/api/experiments/{experiment_id}/checkpoints"


class Format(Query):
    format_version: str | None = None


class Landing(Query):
    as_experiment_id: str | None = None


EXPORT_CHECKPOINT = Call(
    "export_checkpoint", "POST", P + "/checkpoint", Who.ADMIN, "Write the whole experiment into an archive",
    query=Format, is_streamed=True,
)  # fmt: skip
IMPORT_CHECKPOINT = Call(
    "import_checkpoint", "POST", "/v0/checkpoints/import", Who.ADMIN, "Make an experiment from an archive",
    query=Landing, answer=ImportedCheckpoint, status=201, is_streamed=True,
)  # fmt: skip
SAVE_CHECKPOINT = Call(
    "save_checkpoint", "POST", E, Who.ADMIN_OR_ADMINS, "The same archive, for the experiment's own admins",
    query=Format, is_streamed=True,
)  # fmt: skip
LOAD_CHECKPOINT = Call(
    "load_checkpoint", "POST", "/api/checkpoints", Who.ADMIN_OR_ADMINS, "The same import, for the deployment's admins",
    query=Landing, answer=ImportedCheckpoint, status=201, is_streamed=True,
)  # fmt: skip
INSPECT_CHECKPOINT = Call(
    "inspect_checkpoint", "POST", "/api/checkpoints/inspect", Who.ADMIN_OR_ADMINS,
    "Check an archive as its import would, and make nothing", answer=CheckpointReport, is_streamed=True,
    is_safe_to_repeat=True,
)  # fmt: skip
LIST_CHECKPOINTS = Call(
    "list_checkpoints", "GET", E, Who.ADMIN_OR_ADMINS, "List the archives that the server wrote by itself",
    answer=CheckpointList,
)  # fmt: skip
FETCH_CHECKPOINT = Call(
    "fetch_checkpoint", "GET", E + "/{name}", Who.ADMIN_OR_ADMINS, "Fetch one of them", is_streamed=True
)
DELETE_CHECKPOINT = Call(
    "delete_checkpoint", "DELETE", E + "/{name}", Who.ADMIN_OR_ADMINS, "Delete one of them", status=204
)

CALLS = (
    EXPORT_CHECKPOINT, IMPORT_CHECKPOINT, SAVE_CHECKPOINT, LOAD_CHECKPOINT, LIST_CHECKPOINTS, FETCH_CHECKPOINT,
    INSPECT_CHECKPOINT, DELETE_CHECKPOINT,
)  # fmt: skip
