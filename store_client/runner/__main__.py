"""`python -m store_client.runner`: the automatic roles of a deployment, as a process of its own."""

import argparse
import asyncio
import logging
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from store_client.runner.automation import Automation
from store_client.transport import Transport


async def until_told_to_stop(work: Coroutine[Any, Any, None]) -> None:
    """Run until the work ends or SIGINT or SIGTERM comes."""
    task = asyncio.ensure_future(work)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        logging.getLogger(__name__).info("stopped; claims that are left expire or are taken up again")


async def run(url: str, token_file: Path) -> None:
    transport = Transport(url)
    try:
        await Automation(transport, token_file).run()
    finally:
        await transport.aclose()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m store_client.runner", description=__doc__)
    parser.add_argument("--control-plane", required=True, metavar="URL")
    parser.add_argument("--token-file", required=True, type=Path, help='JSON: {"auto-ideator": "wkr_…:secret", …}')
    parser.add_argument("--log-level", default="INFO")
    given = parser.parse_args()
    logging.basicConfig(level=given.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    asyncio.run(until_told_to_stop(run(given.control_plane, given.token_file)))


if __name__ == "__main__":
    main()
