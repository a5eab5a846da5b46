"""Which keys of a config may change once there is an experiment, and what of its work sees the change.

What was measured stays comparable: the metrics, the objective and the baseline are fixed once it has started. What is
switched or told elsewhere is changed there. Every other key may change at any time before the end.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

_DECIDED = "from the next decision on; what is under way goes on"
_TAKEN = "for tasks that are taken from now on; jobs that wait or run keep the command they have"
_QUEUED = "for jobs that are queued from now on; jobs that wait or run keep what they have"
_CLOCK = "from the server's next look at the clock on"
_NOBODY = "nothing here reads it; it is kept for whoever does"
EFFECTS: Mapping[str, str] = MappingProxyType(
    {
        "parallel_variants": _DECIDED,
        "ideation_policy": _DECIDED,
        "termination_policy": "at the next decision, which may end the experiment where orchestrators take it",
        **dict.fromkeys(("ideation_command", "execution_command", "evaluation_command"), _TAKEN),
        "training_command": "for trainings that are scheduled from now on",
        "resources": _QUEUED,
        **dict.fromkeys(("ideation_task_deadline", "execution_task_deadline", "evaluation_task_deadline"), _QUEUED),
        "claim_seconds": "for claims from now on; claims that are held keep their end",
        "auto_checkpoint": _CLOCK,
        "max_quiescent_iterations": _NOBODY,
    }
)
"""The keys of ours that may change while the experiment runs, and from when on that shows."""
MEASURED: Mapping[str, str] = MappingProxyType(
    {
        "evaluation_schema": "what was measured could not be compared any more; clone the experiment to measure anew",
        "objective": "what was scored could not be compared any more; clone the experiment to aim elsewhere",
        "baseline": "it is where this experiment began; clone it to begin elsewhere",
    }
)
"""The keys that are fixed once the experiment has started."""
ELSEWHERE: Mapping[str, str] = MappingProxyType(
    {
        "dispatch_mode": "who decides is switched on the page Dispatch; here stands how it began",
        "automation": "who does the work is switched on the overview; here stands how it began",
        **dict.fromkeys(("name", "description", "hypothesis"), "it is changed by itself, under Name and description"),
        "slug": "addresses of the experiment would lead nowhere",
        "kind": "it is told once, when the experiment is made",
    }
)
"""The keys that only say how the experiment began."""


@dataclass(frozen=True)
class Change:
    """A key whose value differs; `effect` is none where it may not, and then `advice` says what to do."""

    key: str
    act: str
    effect: str | None
    advice: str = ""


def compare(before: Mapping[str, Any], after: Mapping[str, Any], *, is_draft: bool) -> tuple[Change, ...]:
    """What differs between two completed configs."""
    keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    return tuple(_change(key, _act(key, before, after), is_draft=is_draft) for key in keys)


def _act(key: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    if key not in before:
        return "added"
    return "changed" if key in after else "removed"


def _change(key: str, act: str, *, is_draft: bool) -> Change:
    if key in ELSEWHERE:
        return Change(key, act, None, ELSEWHERE[key])
    if key in MEASURED:
        return Change(key, act, "when the experiment is started" if is_draft else None, MEASURED[key])
    return Change(key, act, EFFECTS.get(key, _NOBODY))
