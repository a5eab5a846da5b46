"""The sample pages on a small server of their own, with the headers and the static files of the product."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from jinja2 import FileSystemLoader

from tests.web import sample_pages, sample_pieces
from web_ui.templating import Page, Templates

ROOT = Path(__file__).parents[2]
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
KINDS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
PAGES: dict[str, Callable[[], Page]] = {
    "/home": sample_pages.home,
    "/overview": sample_pages.overview,
    "/pieces": sample_pieces.pieces,
    "/empty-home": sample_pages.empty_home,
    "/empty-overview": sample_pages.empty_overview,
    "/many": lambda: sample_pages.overview(4_000),
}


def templates() -> Templates:
    """The product's templates, with the pattern page beside them."""
    made = Templates(ROOT / "templates", ROOT / "static", lambda name, **_: f"/{name}")
    made.environment.loader = FileSystemLoader([ROOT / "templates", ROOT / "tests/web/patterns"])
    return made


@dataclass
class Answer:
    """What the site says to one address."""

    body: str | bytes
    kind: str = "text/html"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


class Site:
    """A test changes `answers` to change the world, calls `happen` to tell the pages, and reads what was `asked`."""

    def __init__(self) -> None:
        self.templates = templates()
        self.answers: dict[str, Callable[[], Answer]] = {}
        self.asked: list[str] = []
        self.position = 41
        self.told = 0
        self.kinds: list[str] | None = None
        self.is_refusing = False
        self.changed = threading.Condition()
        self.origin = ""
        for path, page in PAGES.items():
            self.show(path, page)
        self.answers["/log"] = lambda: Answer("", "text/plain", headers={"X-Log-Offset": "120"})

    def show(self, path: str, page: Callable[[], Page]) -> None:
        """From now on this page stands at this address."""
        self.answers[path] = lambda: Answer(self.templates.text(page()), headers={"Content-Security-Policy": POLICY})

    def happen(self) -> None:
        """One more event in the log, for every open stream."""
        with self.changed:
            self.position += 1
            self.changed.notify_all()

    def refuse(self, *, is_refusing: bool = True) -> None:
        """End every stream and take no new one, until told otherwise."""
        with self.changed:
            self.is_refusing = is_refusing
            self.changed.notify_all()

    def answer(self, path: str) -> Answer:
        """The answer to one request."""
        self.asked.append(path)
        bare = path.partition("?")[0]
        file = ROOT / "static" / "/".join(bare.split("/")[3:])
        if bare.startswith("/static/") and file.is_file():
            return Answer(file.read_bytes(), KINDS[file.suffix])
        return self.answers.get(bare, lambda: Answer("not here", "text/plain", 404))()

    def events(self, seen: int) -> Iterator[bytes]:
        """The stream after a position, as long as it is not refused."""
        yield b": open\n\n"
        while not self.is_refusing:
            position = self.position
            if position > seen:
                told = {"of": "", "position": position, "kinds": self.kinds}
                yield f"data: {json.dumps(told)}\n\n".encode()
                self.told = position
            seen = self.wait_past(max(seen, position))

    def wait_past(self, seen: int) -> int:
        """Wait until something happened after a position, or streams are refused; gives the position back."""
        with self.changed:
            self.changed.wait_for(lambda: self.position > seen or self.is_refusing)
        return seen


class Server(ThreadingHTTPServer):
    """A server that knows its site."""

    daemon_threads = True

    def __init__(self, site: Site) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.site = site


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        site = self.server.site
        if not self.path.startswith("/events/stream"):
            self._send(site.answer(self.path))
        elif site.is_refusing:
            self._send(Answer("not now", "text/plain", 503))
        else:
            self._stream(site)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _send(self, answer: Answer) -> None:
        body = answer.body.encode() if isinstance(answer.body, str) else answer.body
        self.send_response(answer.status)
        for name, value in {"Content-Type": f"{answer.kind}; charset=utf-8", **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, site: Site) -> None:
        site.asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        with suppress(ConnectionError):  # the page was closed
            for event in site.events(int(self.path.rpartition("%3A")[2] or 0)):
                self.wfile.write(event)


@contextmanager
def open_site() -> Iterator[Site]:
    """A site on a free port, closed afterwards."""
    site = Site()
    server = Server(site)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    site.origin = f"http://127.0.0.1:{server.server_port}"
    yield site
    site.refuse()
    server.shutdown()
    server.server_close()
    thread.join()
