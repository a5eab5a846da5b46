"""Why no GPU that is here is one that a job asks for, in a sentence."""

from collections.abc import Collection, Sequence

from control_plane.scheduler.rules.board import Slot
from control_plane.scheduler.rules.needs import Need
from store_client.wire.jobs import Resources

MOST_NAMED = 6
ONLY_WHOLE = "the GPUs here are given out whole, not in shares"


def mismatch(slots: Sequence[Slot], asked: Resources) -> str | None:
    """What all of the GPUs here lack; None where there are none, or one would do."""
    need, cards = Need.of(asked), [slot for slot in slots if slot.kind != "cpu"]
    whole = [slot for slot in cards if slot.kind == "gpu"]
    if need.profile is not None and not any(slot.profile == need.profile for slot in cards):
        profiles = {slot.profile for slot in cards if slot.profile is not None}
        return (
            f"the slices here are {_listed(profiles)}" if profiles else _none(cards, "no GPU here is cut into slices")
        )
    if need.share is not None and (only_whole(slots) or not whole):
        return _none(whole, ONLY_WHOLE)
    if cards and need.only and not any(need.allows(slot) for slot in cards):
        models = {slot.model for slot in cards if slot.model is not None}
        names = models or {slot.slot_id for slot in cards}
        return f"none here is called {_listed(need.only, 'or')}: there are {_listed(names)}"
    return None


def only_whole(slots: Sequence[Slot]) -> bool:
    """Whether there are GPUs here, and none of them has parts that could be given out."""
    whole = [slot for slot in slots if slot.kind == "gpu"]
    return bool(whole) and all(slot.units == 1 for slot in whole)


def _none(cards: Sequence[Slot], sentence: str) -> str | None:
    return sentence if cards else None


def _listed(names: Collection[str], word: str = "and") -> str:
    *others, last = sorted(names)[:MOST_NAMED]
    rest = len(names) - MOST_NAMED
    if rest > 0:
        return f"{', '.join((*others, last))} {word} {rest} more"
    return f"{', '.join(others)} {word} {last}" if others else last
