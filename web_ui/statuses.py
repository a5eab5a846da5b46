"""The shape and the word that every status wears."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

Shape = Literal["run", "wait", "ok", "bad", "idle"]

WORN_BY: Mapping[Shape, frozenset[str]] = MappingProxyType(
    {
        "run": frozenset({"running", "claimed", "starting", "cancelling", "ours", "placed", "live"}),
        "wait": frozenset(
            {
                "waiting",
                "queued",
                "pending",
                "paused",
                "submitted",
                "ready",
                "manual",
                "foreign",
                "quarantined",
                "draining",
                "approval",
                "stale",
                "preempted",
            }
        ),
        "ok": frozenset(
            {"completed", "succeeded", "success", "accepted", "integrated", "automatic", "free", "passed", "done"}
        ),
        "bad": frozenset(
            {
                "failed",
                "error",
                "evaluation_error",
                "timed_out",
                "timeout",
                "oom",
                "out_of_memory",
                "lost",
                "rejected",
                "crashed",
            }
        ),
        "idle": frozenset(
            {"draft", "drafting", "dispatched", "cancelled", "terminated", "baseline", "idle", "reserved", "in_slices"}
        ),
    },
)
WORDS: Mapping[str, str] = MappingProxyType(
    {
        "manual": "by hand",
        "success": "scored",
        "error": "failed",
        "evaluation_error": "not evaluated",
        "queued": "waiting",
        "oom": "out of memory",
        "timeout": "timed out",
    },
)


def shape(status: str) -> Shape:
    """The shape of a status; one that is not known stands idle."""
    return next((worn for worn, statuses in WORN_BY.items() if status in statuses), "idle")


def words(status: str) -> str:
    """A status as people say it."""
    return WORDS.get(status, status.replace("_", " "))
