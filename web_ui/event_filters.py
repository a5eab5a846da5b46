"""What narrows a list of events, in its address and in words."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from starlette.requests import Request

from store_client import EventQuery, format_time, parse_time
from web_ui.filter_language import Field, Narrowing, Term, narrowing, seconds, suggestions, without
from web_ui.listing import Place

FIELDS = ("type", "about", "by", "text", "since", "until", "order", "at")
LONGEST = {"type": 100, "about": 200, "by": 200, "text": 200}
TERMS = (
    Field("type", example="task.claimed"),
    Field("about"),
    Field("by", example="admin"),
    Field("age", example="1h", takes="age"),
)
"""What may be written into the box for words beside them; it goes before the other fields."""
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
POSITION = re.compile(r"\d{1,18}")
ENTERED_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?")


@dataclass(frozen=True)
class Filters:
    """The fields of the form as they were entered, and what of them was not understood."""

    action: str
    type: str
    about: str
    by: str
    text: str
    since: str
    until: str
    order: str
    clear_href: str | None
    odd: tuple[str, ...]
    place: Place
    told: Narrowing
    """What the box for words says; it goes before the other fields."""
    now: datetime

    @property
    def is_oldest_first(self) -> bool:
        return self.order == "oldest"

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the box for words says which events, or in what order."""
        return self.is_oldest_first or any((self.type, self.about, self.by, self.since, self.until))

    @property
    def problem(self) -> str:
        return self.told.problem

    @property
    def suggestions(self) -> tuple[str, ...]:
        return suggestions(TERMS)

    @property
    def wanted_type(self) -> str:
        return self.told.chosen.get("type", self.type)

    def of_type(self, type_: str | None) -> str:
        """The first page of the events of one type, or of any, whatever the box says of it."""
        return self.place.having(text=without(self.text, "type"), type=type_, at=None)

    @property
    def query(self) -> EventQuery:
        """The question to the server; what was not understood is left out."""
        at = self.place.fields.get("at", "")
        after = self.place.after or ""
        chosen, ages = self.told.chosen, dict(map(self._since_or_until, self.told.compared))
        return EventQuery(
            type=self.wanted_type or None,
            about=chosen.get("about", self.about) or None,
            by=chosen.get("by", self.by) or None,
            text=" ".join(self.told.words) or None,
            since=ages.get("since", _moment(self.since)),
            until=ages.get("until", _moment(self.until)),
            is_oldest_first=self.is_oldest_first,
            at=int(at) if POSITION.fullmatch(at) else None,
            after=int(after) if POSITION.fullmatch(after) else None,
        )

    def _since_or_until(self, age: Term) -> tuple[str, str]:
        """What is older than an age happened until a moment, what is younger since then."""
        longest = (self.now - EARLIEST).total_seconds()
        moment = self.now - timedelta(seconds=min(seconds(age.value) or 0, longest))
        return ("until" if age.is_least else "since"), format_time(moment)


def filters(request: Request, now: datetime) -> Filters:
    """What a request narrows its list to."""
    place = Place.of(request, *FIELDS)
    given = place.fields
    plain = {name: given.get(name, "").strip().replace("\x00", "")[:most] for name, most in LONGEST.items()}
    times = {name: given.get(name, "").strip()[:32] for name in ("since", "until")}
    return Filters(
        action=place.path,
        **plain,
        **times,
        order="oldest" if given.get("order") == "oldest" else "newest",
        clear_href=place.path if any(given.get(name) for name in (*LONGEST, "since", "until", "at")) else None,
        odd=tuple(name for name, time in times.items() if time and _moment(time) is None),
        place=place,
        told=narrowing(plain["text"], TERMS),
        now=now,
    )


def _moment(entered: str) -> str | None:
    """A time as the wire has it, from what a browser's field for a date and a time gives; None when it is no time."""
    if ENTERED_TIME.fullmatch(entered) is None:
        return None
    told = f"{entered}Z" if entered.count(":") == 2 else f"{entered}:00Z"
    try:
        parse_time(told)
    except ValueError:
        return None
    return told
