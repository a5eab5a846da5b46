"""`python -m web_ui`: the console alone."""

import asyncio
import gc
import json
import logging
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from urllib.parse import quote

import uvicorn
import uvloop

from web_ui.app import build
from web_ui.door import OwnDoor
from web_ui.settings import Settings, from_process

ADDRESS = "console-address"


class Server(uvicorn.Server):
    """Ends the open streams as soon as it is asked to stop, so that stopping is quick."""

    def __init__(self, config: uvicorn.Config, stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._stop = stop

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._stop()
        super().handle_exit(sig, frame)


def main(argv: Sequence[str]) -> int:
    """Serve until asked to stop."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    settings = from_process(argv)
    if settings.wants_link:
        print(another_link(settings))  # noqa: T201 - what was asked for
        return 0
    listener = listen(settings)
    app = build(settings)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_graceful_shutdown=3, server_header=False
    )

    def stop() -> None:
        app.state.live.stop()
        if settings.own is not None:
            (settings.data / ADDRESS).unlink(missing_ok=True)

    server = Server(config, stop)
    gc.freeze()  # what is there stays: no request waits for a collection that looks through all of it
    print(json.dumps(ready(settings, address(listener))), flush=True)  # noqa: T201 - the ready line
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(server.serve(sockets=[listener]))
    return 0


def ready(settings: Settings, web: str) -> dict[str, str]:
    """What the ready line says; a console with an operator of its own says how to sign in, and notes where it is."""
    told = {"event": "ready", "web": web}
    if settings.own is None:
        return told
    (settings.data / ADDRESS).write_text(web + "\n", encoding="utf-8")
    return {**told, "signin": link(settings.data, web)}


def another_link(settings: Settings) -> str:
    """Another link to the console that runs on the data directory."""
    try:
        return link(settings.data, (settings.data / ADDRESS).read_text(encoding="utf-8").strip())
    except FileNotFoundError:
        sys.exit(f"no console with an operator of its own was started on {settings.data}")


def link(data: Path, web: str) -> str:
    """A link that signs the operator in, once."""
    return f"{web}/signin?code={quote(OwnDoor(data).mint(), safe='')}"


def listen(settings: Settings) -> socket.socket:
    """A listening socket; port 0 picks a free one."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # The protocol by name: asyncio sends at once (TCP_NODELAY) only on sockets that say they are TCP.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((settings.host, settings.port))
    listener.listen(256)
    return listener


def address(listener: socket.socket) -> str:
    """Where a listening socket is reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
