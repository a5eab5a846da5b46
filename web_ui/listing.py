"""Pages of long lists: forward by the server's cursor, back by the cursors that led here, all in the address."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.requests import Request

PAGE = 50
DEEPEST = 200


@dataclass(frozen=True)
class Pager:
    """Where in a list a page stands, in words, and the addresses beside it."""

    shown: str
    earlier: str | None = None
    later: str | None = None


@dataclass(frozen=True)
class Place:
    """A page of a list: the cursors of the pages before it, the last of them its own."""

    path: str
    fields: Mapping[str, str]
    trail: tuple[str, ...] = ()

    @classmethod
    def of(cls, request: Request, *names: str) -> "Place":
        """The place that a request asks for; `names` are the query fields that go along with it."""
        fields = {name: value for name in names if (value := request.query_params.get(name))}
        return cls(request.url.path, fields, tuple(request.query_params.getlist("after")[-DEEPEST:]))

    @property
    def after(self) -> str | None:
        """The cursor to ask the server with."""
        return self.trail[-1] if self.trail else None

    def pager(
        self, count: int, following: str | None, total: int | None = None, *, is_more: bool = False, size: int = PAGE
    ) -> Pager:
        """The words and addresses of a page with so many rows; `following` is the server's next cursor."""
        first = len(self.trail) * size + 1
        span = f"{first:,} to {first + count - 1:,}" if count else "none"
        return Pager(
            f"{span} of {total:,}{'+' if is_more else ''}" if total is not None else span,
            self._at(self.trail[:-1]) if self.trail else None,
            self._at((*self.trail, following)) if following else None,
        )

    def having(self, **changes: str | None) -> str:
        """The first page with some fields changed; None takes one out."""
        fields = {name: value for name, value in {**self.fields, **changes}.items() if value is not None}
        return _address(self.path, list(fields.items()))

    def _at(self, trail: tuple[str, ...]) -> str:
        return _address(self.path, [*self.fields.items(), *(("after", cursor) for cursor in trail)])


def _address(path: str, fields: list[tuple[str, str]]) -> str:
    return f"{path}?{urlencode(fields)}" if fields else path


def choice(request: Request, name: str, allowed: tuple[str, ...]) -> str | None:
    """A query field if it holds one of the allowed words, else None."""
    value = request.query_params.get(name)
    return value if value in allowed else None
