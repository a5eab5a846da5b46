"""An array of jobs as one card: how far it is, and the act on all of it."""

from dataclasses import dataclass

from store_client import ArrayDetail, NotFound
from web_ui.filters import plural, with_query
from web_ui.visit import Visit


@dataclass(frozen=True)
class ArrayCard:
    """One array above the list of its jobs."""

    title: str
    sentence: str
    part: float
    parts: tuple[tuple[str, int], ...]
    """How many of its jobs are in each state, by its name."""
    cancel_href: str | None
    act_href: str | None
    """The act on many jobs that cancelled it, where that can be taken back."""


async def read_array(visit: Visit, array_id: str) -> ArrayDetail | None:
    """The array that the address names; none where it names none, or one that is not there."""
    if not array_id:
        return None
    try:
        return await visit.client.read_array(array_id)
    except NotFound:
        return None


def array_card(visit: Visit, array: ArrayDetail) -> ArrayCard:
    """An array as its card."""
    unmade = array.size - array.made
    states = [(state.value, count) for state, count in array.states.items() if count]
    may_cancel = visit.is_administrator and not array.has_ended and not array.is_cancelled
    return ArrayCard(
        title=f"Array of job {array.number}, {array.name}",
        sentence=_sentence(array, unmade),
        part=array.ended / array.size,
        parts=tuple(states),
        cancel_href=visit.url("cancel_array", array=array.array_id) if may_cancel else None,
        act_href=with_query(visit.url("queue"), act=array.acts[-1]) if array.acts else None,
    )


def _sentence(array: ArrayDetail, unmade: int) -> str:
    told = f"{array.ended:,} of {plural(array.size, 'job')} ended, {array.succeeded:,} of them well"
    if array.acts and unmade:
        return f"{told}; it was cancelled with others, and {unmade:,} are not made unless that is taken back."
    if array.is_cancelled and unmade:
        return f"{told}; it was cancelled, and {unmade:,} are never made."
    return f"{told}; {unmade:,} are made as those before them start." if unmade else f"{told}."
