"""What narrows a list of events, in its address and in words."""

import re
from dataclasses import dataclass

from starlette.requests import Request

from store_client import EventQuery, parse_time
from web_ui.listing import Place

FIELDS = ("type", "about", "by", "text", "since", "until", "order", "at")
LONGEST = {"type": 100, "about": 200, "by": 200, "text": 200}
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

    @property
    def is_oldest_first(self) -> bool:
        return self.order == "oldest"

    @property
    def query(self) -> EventQuery:
        """The question to the server; what was not understood is left out."""
        at = self.place.fields.get("at", "")
        after = self.place.after or ""
        return EventQuery(
            type=self.type or None,
            about=self.about or None,
            by=self.by or None,
            text=self.text or None,
            since=_moment(self.since),
            until=_moment(self.until),
            is_oldest_first=self.is_oldest_first,
            at=int(at) if POSITION.fullmatch(at) else None,
            after=int(after) if POSITION.fullmatch(after) else None,
        )


def filters(request: Request) -> Filters:
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
