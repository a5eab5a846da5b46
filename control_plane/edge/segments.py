"""Paths as their sender divided them: an encoded slash belongs to an id and divides nothing.

Servers hand over paths decoded, where `tasks/a%2Fclaim` looks like the act `claim` on the task `a`. Ids are opaque, so
for the routes an encoded slash (and percent sign) stays encoded, and `decode` reads the id that was meant.
"""

from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send

SLASH, PERCENT = "%2F", "%25"


class WholeSegments:
    """Keeps encoded slashes from dividing the paths of calls."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw = scope.get("raw_path", b"") if scope["type"] == "http" else b""
        if b"%" in raw and raw.startswith((b"/v0/", b"/api/")):
            scope = {**scope, "path": encode(raw.partition(b"?")[0].decode("latin-1"))}
        await self.app(scope, receive, send)


def encode(raw_path: str) -> str:
    """A raw path decoded, except for what `decode` decodes."""
    whole = (unquote(segment).replace("%", PERCENT).replace("/", SLASH) for segment in raw_path.split("/"))
    return "/".join(whole)


def decode(segment: str) -> str:
    """The id that a segment of the path stands for."""
    return segment.replace(SLASH, "/").replace(PERCENT, "%")
