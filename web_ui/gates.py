"""Guards before every page: pure ASGI, default deny."""

import re
from collections.abc import Callable, Iterable
from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from ulid import ULID

from web_ui.door import Door
from web_ui.session import Cookies

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
UPLOAD_BYTES = 128 * 1024 * 1024
"""More than the control plane takes, so that its own refusal, which names its limit, is the one that people read."""
FORM_BYTES = 4 * 1024 * 1024
UPLOADS = "multipart/form-data"
CHARSET = re.compile(r"charset\s*=\s*(?!\"?utf-?8\b)")
"""No browser names another encoding, and some decode to text that cannot be written down again."""


class SecurityHeaders:
    """Adds the security headers, a request id, and keeps pages out of shared caches."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = str(ULID()).lower()[-12:]
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers["X-Request-Id"] = request_id
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self.app(scope, receive, send_with_headers)


class SameOrigin:
    """Refuses every act that another site could have caused: no hidden field in any form, nothing to forget."""

    def __init__(self, app: ASGIApp, refuse: Callable[[Request], Response]) -> None:
        self.app, self._refuse = app, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in SAFE_METHODS and not is_same_origin(Headers(scope=scope)):
            await self._refuse(Request(scope))(scope, receive, send)
            return
        await self.app(scope, receive, send)


def is_same_origin(headers: Headers) -> bool:
    """Whether the browser says that the request comes from one of our own pages."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    scheme, mark, host = headers.get("origin", "").partition("://")
    return scheme in {"http", "https"} and bool(mark) and host == headers.get("host")


class SmallBodies:
    """Refuses a form that grows beyond what any page of ours sends, while it arrives, or is in no encoding of ours."""

    def __init__(self, app: ASGIApp, form_bytes: int = FORM_BYTES, upload_bytes: int = UPLOAD_BYTES) -> None:
        self.app, self._form_bytes, self._upload_bytes = app, form_bytes, upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in SAFE_METHODS:
            await self.app(scope, receive, send)
            return
        kind = Headers(scope=scope).get("content-type", "").lower()
        limit, received = self._upload_bytes if kind.startswith(UPLOADS) else self._form_bytes, 0

        async def receive_some() -> Message:
            nonlocal received
            if CHARSET.search(kind):
                raise HTTPException(400, "Forms are written in UTF-8")
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise HTTPException(413, f"This has more than {limit // 1_000_000} MB")
            return message

        await self.app(scope, receive_some, send)


class SignedInOnly:
    """Leads everybody else to the sign-in page, and back afterwards; a few paths are open."""

    def __init__(self, app: ASGIApp, cookies: Cookies, open_paths: Iterable[str], door: Door) -> None:
        self.app, self._cookies, self._open, self._door = app, cookies, tuple(open_paths), door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or (scope["type"] == "http" and self._is_open(scope["path"])):
            await self.app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        who = self._cookies.read(connection)
        if who is None or not self._door.is_open(who):
            await RedirectResponse(sign_in_url(connection), 303)(scope, receive, send)
            return
        scope.setdefault("state", {})["who"] = who
        await self.app(scope, receive, send)

    def _is_open(self, path: str) -> bool:
        return any(path == one or (one.endswith("/") and path.startswith(one)) for one in self._open)


def sign_in_url(connection: HTTPConnection) -> str:
    """Where to sign in, with the way back to the page that was asked for, or that an act came from."""
    scope = connection.scope
    if scope.get("method") in SAFE_METHODS:
        query = scope.get("query_string", b"").decode("latin-1")
        back = quote(scope["path"]) + (f"?{query}" if query else "")
    else:
        back = came_from(connection)
    back = own_path(back)
    return f"/signin?next={quote(back, safe='')}" if back != "/" else "/signin"


def came_from(connection: HTTPConnection) -> str:
    """The path of our page that holds the form or link of this request; empty when it does not say."""
    try:
        return urlsplit(connection.headers.get("referer", "")).path
    except ValueError:
        return ""


def own_path(wanted: str) -> str:
    """A path of ours, whatever was wanted; home when it leads anywhere else."""
    is_ours = wanted.startswith("/") and not wanted.startswith("//") and "\\" not in wanted
    return wanted if is_ours and wanted.isprintable() else "/"
