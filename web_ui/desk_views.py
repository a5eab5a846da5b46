"""How a desk lists what waits: its order and what it leaves out, all of it in the address."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from store_client import TaskView
from web_ui.listing import PAGE, Place, choice
from web_ui.visit import Visit

FIELDS = ("sort", "dir", "eligible", "target", "group", "parent", "q")
LONGEST_WORDS = 300
SORTS = ("priority", "age")
TARGETS: Mapping[str, Literal["targeted", "untargeted"] | None] = MappingProxyType(
    {"all": None, "targeted": "targeted", "untargeted": "untargeted"}
)
DIRECTIONS = {"priority": "desc", "age": "asc"}
"""Which way round each is unless the address says otherwise."""


@dataclass(frozen=True)
class Column:
    """A column head that sorts: its address, and the order that it has now, if it is the one."""

    label: str
    href: str
    order: str


@dataclass(frozen=True)
class View:
    """The order and the choice of a list."""

    sort: str
    direction: str
    is_eligible_only: bool
    target: str
    is_grouped: bool
    words: str
    """What the idea's or variant's name has."""
    place: Place
    columns: tuple[Column, ...]

    @property
    def query(self) -> TaskView:
        """What the server is asked for."""
        return TaskView(
            after=self.place.after,
            limit=PAGE,
            sort="age" if self.sort == "age" else "priority",
            direction="asc" if self.direction == "asc" else "desc",
            eligible=self.is_eligible_only,
            target=TARGETS[self.target],
            q=self.words or None,
        )

    @property
    def hidden(self) -> tuple[tuple[str, str], ...]:
        """What the form of the other choices carries along."""
        kept = (("sort", self.sort), ("dir", self.direction), ("parent", self.place.fields.get("parent", "")))
        return tuple((name, value) for name, value in kept if value)

    @property
    def is_narrow(self) -> bool:
        return self.is_eligible_only or self.target != "all" or bool(self.words)

    @property
    def is_chosen(self) -> bool:
        """Whether it differs from what everybody begins with, but for the order."""
        return not self.is_eligible_only or self.target != "all" or self.is_grouped or bool(self.words)

    @property
    def all_href(self) -> str:
        """The same list with nothing left out."""
        return self.place.having(eligible="0", target=None, q=None)


def view(visit: Visit) -> View:
    """The view that an address asks for; a word that means nothing is passed over."""
    request = visit.request
    sort = choice(request, "sort", SORTS) or "priority"
    direction = choice(request, "dir", ("asc", "desc")) or DIRECTIONS[sort]
    allowed = {"sort": SORTS, "dir": ("asc", "desc"), "eligible": ("0", "1"), "group": ("1",)}
    allowed["target"] = ("all", "targeted", "untargeted")
    place = Place.of(request, *FIELDS)
    fields = {name: value for name, value in place.fields.items() if value in allowed.get(name, (value,))}
    place = Place(place.path, fields, place.trail)
    return View(
        sort=sort,
        direction=direction,
        is_eligible_only=choice(request, "eligible", ("0",)) is None,
        target=choice(request, "target", allowed["target"]) or "all",
        is_grouped=choice(request, "group", ("1",)) == "1",
        words=place.fields.get("q", "").strip()[:LONGEST_WORDS],
        place=place,
        columns=tuple(_column(place, label, name, sort, direction) for label, name in COLUMNS),
    )


COLUMNS = (("Priority", "priority"), ("Waits", "age"))


def _column(place: Place, label: str, name: str, sort: str, direction: str) -> Column:
    is_current = name == sort
    turned = {"asc": "desc", "desc": "asc"}[direction] if is_current else DIRECTIONS[name]
    order = {"asc": "ascending", "desc": "descending"}[direction] if is_current else ""
    return Column(label, place.having(sort=name, dir=turned), order)
