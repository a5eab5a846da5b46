"""Somebody else's repositories over plain HTTP, for everybody to read."""

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit


class Handler(BaseHTTPRequestHandler):
    """Hands requests to git; `/elsewhere` leads away, and `/never` does not answer before `over`."""

    root: Path
    over: threading.Event

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path.startswith("/never"):
            self.over.wait(60)
        elif parts.path.startswith("/elsewhere"):
            self.send_response(302)
            self.send_header("Location", self.path.replace("/elsewhere", "", 1))
            self.end_headers()
        else:
            self._answer(parts.path, parts.query)

    do_POST = do_GET  # noqa: N815 - the name that the server looks for

    def _answer(self, path: str, query: str) -> None:
        told = {
            "GIT_PROJECT_ROOT": str(self.root), "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path, "QUERY_STRING": query,
            "REQUEST_METHOD": self.command, "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""), "PATH": os.environ["PATH"],
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""), "HOME": str(self.root),
        }  # fmt: skip
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        git = str(shutil.which("git"))
        done = subprocess.run([git, "http-backend"], env=told, input=body, capture_output=True, check=False)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_told: object) -> None:
        """Nobody reads it."""


@contextmanager
def plain_served(root: Path) -> Iterator[str]:
    """The address of every repository below a folder."""
    over = threading.Event()
    handler = type("HandlerOfOne", (Handler,), {"root": root, "over": over})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        over.set()
        server.shutdown()
        thread.join(60)
        server.server_close()
