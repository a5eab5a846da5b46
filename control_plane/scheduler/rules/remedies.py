"""What could help a job for which no change would do: who would have to act outside the queue."""

from collections.abc import Mapping
from types import MappingProxyType

from control_plane.scheduler.rules import words
from control_plane.scheduler.rules.board import Slot, SlotState
from control_plane.scheduler.rules.constraints import Case

ACTS: Mapping[SlotState, str] = MappingProxyType(
    {
        "lost": "see to the machine of {name}, which does not answer",
        "foreign": "end the process that is not ours on {name}",
        "reserved": "take {name} out of those that are reserved in the settings",
    }
)
NAMED = 3


def remedy(case: Case) -> str:
    """A sentence: why no change would do, and what could."""
    if not case.whole:
        return "there is no machine here: start a scheduler on one"
    if not case.fits(case.whole):
        return f"{_lack(case)}; add one, or queue the job where there is one"
    acts = [_act(slot) for slot in case.situation.slots if slot.state in ACTS and _would_do(case, slot)]
    if acts:
        return f"nothing in the queue would start it; {' or '.join(acts[:NAMED])}, or add another"
    return "no single change would start it: it starts as soon as enough of what runs has ended"


def _lack(case: Case) -> str:
    """No machine, however it is asked for less."""
    asked = words.needs(case.job.resources)
    if case.need.most_gpus and not any(slot.kind != "cpu" for slot in case.whole):
        return f"no machine here has a GPU, and none could run it without: it needs {asked}"
    return f"no machine here could run it, nor less of it: it needs {asked}"


def _would_do(case: Case, slot: Slot) -> bool:
    return slot.kind == "cpu" or case.is_suitable(slot)


def _act(slot: Slot) -> str:
    return ACTS[slot.state].format(name=words.name(slot))
