"""Which route answers: found by the segments of its path, so that it costs the same among ten routes and a thousand."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

Values = tuple[str, ...]
"""What stands in a path for its parameters."""


@dataclass
class Junction:
    """Where paths part: at the name of a segment, or at any segment that stands for a parameter."""

    named: dict[str, "Junction"] = field(default_factory=dict)
    other: "Junction | None" = None
    routes: dict[str, tuple[Route, tuple[str, ...]]] = field(default_factory=dict)
    """The routes that end here, by method, and what their parameters are called."""

    def branch(self, segment: str) -> "Junction":
        """The way that this segment of a pattern leads, made when nobody went it before."""
        if not is_parameter(segment):
            return self.named.setdefault(segment, Junction())
        if self.other is None:
            self.other = Junction()
        return self.other

    def ends(self, segments: Sequence[str], at: int = 0, values: Values = ()) -> Iterator[tuple["Junction", Values]]:
        """Wherever these segments lead, names before parameters."""
        if at == len(segments):
            if self.routes:
                yield self, values
            return
        segment = segments[at]
        if segment in self.named:
            yield from self.named[segment].ends(segments, at + 1, values)
        if self.other is not None and segment:
            yield from self.other.ends(segments, at + 1, (*values, segment))


def is_parameter(segment: str) -> bool:
    return segment.startswith("{")


class Switchboard(BaseRoute):
    """Many routes as one; of two that claim the same path and method the first has it."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        self._root = Junction()
        for route in self.routes:
            segments = route.path.split("/")
            end = self._root
            for segment in segments:
                end = end.branch(segment)
            names = tuple(segment[1:-1] for segment in segments if is_parameter(segment))
            for method in route.methods or ():
                end.routes.setdefault(method, (route, names))

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """The route of this path and method; a path that has only others is refused."""
        is_known = False
        if scope["type"] == "http":
            for end, values in self._root.ends(scope["path"].split("/")):
                if scope["method"] in end.routes:
                    route, names = end.routes[scope["method"]]
                    return Match.FULL, {"endpoint": route.app, "path_params": dict(zip(names, values, strict=True))}
                is_known = True
        return (Match.PARTIAL, {"endpoint": _refuse}) if is_known else (Match.NONE, {})

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await scope["endpoint"](scope, receive, send)


async def _refuse(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise HTTPException(405)
