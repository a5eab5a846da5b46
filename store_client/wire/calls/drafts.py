"""Calls about drafts, and about what the caller has at hand."""

from store_client.wire.call import Call, Who
from store_client.wire.drafts import Draft, SaveDraft, Work

A = "/api/experiments/{experiment_id}/tasks/{task_id}/draft"

READ_DRAFT = Call("read_draft", "GET", A, Who.WORKER, "Read one's own draft for a task", answer=Draft)
SAVE_DRAFT = Call(
    "save_draft", "PUT", A, Who.WORKER, "Save one's own draft for a task, over the version it was made from",
    body=SaveDraft, answer=Draft, is_safe_to_repeat=True,
)  # fmt: skip
FORGET_DRAFT = Call(
    "forget_draft", "DELETE", A, Who.WORKER, "Forget one's own draft for a task", status=204, is_safe_to_repeat=True
)
READ_WORK = Call(
    "read_work", "GET", "/api/experiments/{experiment_id}/work", Who.WORKER,
    "The tasks that the caller holds or has drafts for", answer=Work,
)  # fmt: skip
READ_DEPLOYMENT_WORK = Call(
    "read_deployment_work", "GET", "/api/work", Who.WORKER,
    "The same in every experiment that the caller has an identity in", answer=Work, is_for_members=True,
)  # fmt: skip

CALLS = (READ_DRAFT, SAVE_DRAFT, FORGET_DRAFT, READ_WORK, READ_DEPLOYMENT_WORK)
