"""What narrows the lists of tasks and ideas: what was written in their box, as the server takes it."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from store_client import TASK_FIELDS, IdeaState, TaskView, view_of
from web_ui.active import Here
from web_ui.filter_language import Field, Narrowing, Term, narrowing, suggestions, write
from web_ui.listing import Place
from web_ui.named_workers import worker_named

IDEA_FIELDS = (Field("state", tuple(one.value for one in IdeaState)), Field("by", example="me"))


@dataclass(frozen=True)
class WantedTasks:
    """What is wanted of the tasks: who has them, who handed them in, when they were made, and words."""

    narrowing: Narrowing
    worker: str | None = None
    beyond: TaskView = field(default_factory=TaskView)

    @property
    def is_by_age(self) -> bool:
        """Whether the list is in the order of age, since it is asked for by that or by who handed it in."""
        return bool(self.beyond.keys() - {"q"})

    @property
    def is_narrow(self) -> bool:
        """Whether it leaves something out."""
        return not self.narrowing.problem and bool(self.beyond or set(self.narrowing.chosen.values()) - {"any"})


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
        links = [one for one in fields if place.fields.get(one.name) and one.takes == "word"]
        terms = [(one, Term(one.name, place.fields[one.name])) for one in links]
        known = [term for one, term in terms if not one.values or term.value in one.values]
        return narrowing(write(known), fields)
    return narrowing(written, fields)


def box(place: Place, found: Narrowing, fields: tuple[Field, ...], hint: str) -> FilterBox:
    """The box as it stands."""
    return FilterBox(place.path, found.text, found.problem, suggestions(fields), hint, _clear(place))


def _clear(place: Place) -> str:
    return place.having(**dict.fromkeys(set(place.fields) - {"view"}))


async def of_ideas(here: Here, place: Place) -> tuple[Narrowing, str | None]:
    """What is wanted of the ideas, and the id of their author; words are looked for by our own search alone."""
    found = asked(place, IDEA_FIELDS)
    if found.words and not found.problem and not here.visit.offers.is_ours:
        found = replace(found, problem="This server has no search for words: narrow by state or by author.")
    author, problem = await _worker(here, found, "by")
    return replace(found, problem=problem), author


async def of_tasks(here: Here, place: Place, now: datetime | None = None) -> WantedTasks:
    """What is wanted of the tasks, as of a moment."""
    found = asked(place, TASK_FIELDS)
    worker, problem = await _worker(here, found, "worker")
    by, problem = await _worker(here, replace(found, problem=problem), "by")
    beyond = view_of(found, now or here.visit.now)
    if by is not None:
        beyond["submitted_by"] = by
    return WantedTasks(replace(found, problem=problem), worker, beyond)


async def _worker(here: Here, found: Narrowing, name: str) -> tuple[str | None, str]:
    """The worker whom a condition names, by id, and what is wrong with the conditions so far."""
    named = found.chosen.get(name)
    if named is None or named == "me" or found.problem:
        return named, found.problem
    return await worker_named(here, named)
