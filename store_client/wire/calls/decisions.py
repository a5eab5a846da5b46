"""Calls for whoever takes the orchestrator's decisions by hand."""

from store_client.wire.call import Call, Who
from store_client.wire.decisions import Backlog
from store_client.wire.variants import Variant

E = "/api/experiments/{experiment_id}"

READ_BACKLOG = Call(
    "read_backlog", "GET", E + "/decisions", Who.EITHER, "What waits for each decision of the orchestrator",
    answer=Backlog,
)  # fmt: skip
PUBLISH_VARIANT = Call(
    "publish_variant", "POST", E + "/variants/{variant_id}/publish", Who.ORCHESTRATORS,
    "Write a variant's canonical commit and its branch, and record it", answer=Variant, is_safe_to_repeat=True,
)  # fmt: skip

CALLS = (READ_BACKLOG, PUBLISH_VARIANT)
