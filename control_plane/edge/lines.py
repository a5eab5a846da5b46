"""HTTP below the application: what is no request at all is refused in our vocabulary too, and a head has a limit."""

import json

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from control_plane.edge.problems import MEDIA_TYPE
from store_client.errors import BadRequest, to_problem

MAX_HEAD_BYTES = 64 * 1024


class OverlongHead(ValueError):
    """The address and the headers of a request take more than anybody needs."""


class Lines(HttpToolsProtocol):
    """One connection."""

    _head_bytes = 0
    _is_overlong = False

    def on_message_begin(self) -> None:
        self._head_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES:
            self._is_overlong = True
            raise OverlongHead  # the parser stops, and the refusal below is what is sent

    def send_400_response(self, msg: str) -> None:
        """The refusal of something that is no request, as a problem; the connection ends with it."""
        detail = f"address and headers have at most {MAX_HEAD_BYTES} bytes" if self._is_overlong else msg
        body = json.dumps(to_problem(BadRequest(detail), "/")).encode()
        head = f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        self.transport.write(STATUS_LINE[400] + head.encode() + body)
        self.transport.close()
