"""What narrows the lists of tasks and ideas: what was written in their box, as the server takes it."""

from dataclasses import dataclass, replace

from store_client import KINDS, IdeaState, TaskState
from web_ui.active import Here
from web_ui.filter_language import Field, Narrowing, Term, narrowing, suggestions, write
from web_ui.listing import Place
from web_ui.named_workers import worker_named

TASK_FIELDS = (
    Field("state", ("any", *(one.value for one in TaskState))),
    Field("kind", KINDS),
    Field("worker", example="me"),
)
IDEA_FIELDS = (Field("state", tuple(one.value for one in IdeaState)),)


@dataclass(frozen=True)
class FilterBox:
    """The box above a list."""

    action: str
    text: str
    problem: str
    suggestions: tuple[str, ...]
    hint: str
    clear_href: str


def asked(place: Place, fields: tuple[Field, ...]) -> Narrowing:
    """The conditions of an address: what was written, else what its links chose."""
    written = place.fields.get("q")
    if written is None:
        terms = [Term(one.name, place.fields[one.name]) for one in fields if place.fields.get(one.name)]
        known = [term for term in terms if term.value in next(one.values for one in fields if one.name == term.field)]
        return narrowing(write(known), fields)
    return narrowing(written, fields)


def box(place: Place, found: Narrowing, fields: tuple[Field, ...], hint: str) -> FilterBox:
    """The box as it stands."""
    return FilterBox(place.path, found.text, found.problem, suggestions(fields), hint, _clear(place))


def _clear(place: Place) -> str:
    return place.having(**dict.fromkeys(set(place.fields) - {"view"}))


def of_ideas(here: Here, place: Place) -> Narrowing:
    """What is wanted of the ideas; words are looked for by our own search alone."""
    found = asked(place, IDEA_FIELDS)
    if found.words and not found.problem and not here.visit.offers.is_ours:
        return replace(found, problem="This server has no search for words: narrow by state.")
    return found


async def of_tasks(here: Here, place: Place) -> tuple[Narrowing, str | None]:
    """What is wanted of the tasks, and the id of the worker who has them."""
    found = asked(place, TASK_FIELDS)
    if found.words and not found.problem:
        problem = "Tasks have no text to look for. Paste an id into the search of the top bar, or use a field."
        found = replace(found, problem=problem)
    named = found.chosen.get("worker")
    if named is None or named == "me" or found.problem:
        return found, named
    worker_id, problem = await worker_named(here, named)
    return replace(found, problem=problem), worker_id
