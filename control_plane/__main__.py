"""`python -m control_plane`: the control plane alone."""

import asyncio
import gc
import json
import logging
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import replace
from types import FrameType

import uvicorn
import uvloop

from control_plane.app import build
from control_plane.edge.hub import Hub
from control_plane.edge.lines import Lines
from control_plane.settings import Settings, from_process

AUTH_IS_OFF = (
    "WARNING: --auth off. NO CREDENTIAL IS CHECKED: every caller is whom it says it is, and may do everything."
)


class Server(uvicorn.Server):
    """Ends what waits for the log as soon as it is asked to stop, so that stopping is quick."""

    def __init__(self, config: uvicorn.Config, hub: Hub) -> None:
        super().__init__(config)
        self._hub = hub

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._hub.close()
        super().handle_exit(sig, frame)


def main(argv: Sequence[str]) -> int:
    """Serve until asked to stop."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    settings = from_process(argv)
    if not settings.runs_api:
        return run_loops(settings)
    if not settings.checks_credentials:
        print(AUTH_IS_OFF, file=sys.stderr, flush=True)  # noqa: T201 - it must be seen, whatever is logged
    listener = listen(settings)
    host, port = listener.getsockname()[:2]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    app = build(replace(settings, own_url=url))
    config = uvicorn.Config(
        app,
        http=Lines,
        ws="none",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=3,
        server_header=False,
    )
    server = Server(config, app.state.parts.house.hub)
    gc.freeze()  # what is there stays: no request waits for a collection that looks through all of it
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn sends itself the signal again when it has stopped; a clean stop is no death by signal.
        signal.signal(number, server.handle_exit)
    print(json.dumps({"event": "ready", "control_plane": url}), flush=True)  # noqa: T201 - the ready line
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(server.serve(sockets=[listener]))
    return 0


def run_loops(settings: Settings) -> int:
    """The loops of this process without an API, until asked to stop."""
    parts = build(settings).state.parts
    stops = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, stops)

    async def start() -> None:
        parts.start()

    asyncio.run(start())
    print(json.dumps({"event": "ready"}), flush=True)  # noqa: T201 - the ready line
    signal.sigwait(stops)
    parts.stop()
    return 0


def listen(settings: Settings) -> socket.socket:
    """A listening socket; port 0 picks a free one."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # The protocol by name: asyncio sends at once (TCP_NODELAY) only on sockets that say they are TCP.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((settings.host, settings.port))
    listener.listen(256)
    return listener


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
