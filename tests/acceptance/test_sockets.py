"""Listening sockets: an answer leaves at once, and does not wait for the other side to acknowledge what came before."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

import control_plane.__main__
import control_plane.settings
import web_ui.__main__
import web_ui.settings


def of_control_plane(data: Path) -> socket.socket:
    return control_plane.__main__.listen(control_plane.settings.parse(["--data", str(data), "--port", "0"], {}))


def of_console(data: Path) -> socket.socket:
    (data / "console-token").write_text("wkr_1:secret", encoding="utf-8")
    return web_ui.__main__.listen(web_ui.settings.parse(["--data", str(data), "--port", "0"], {}))


@pytest.mark.parametrize("listen", [of_control_plane, of_console])
async def test_a_server_sends_each_answer_at_once(listen: Callable[[Path], socket.socket], tmp_path: Path) -> None:
    is_at_once: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    class Accepted(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            own = transport.get_extra_info("socket")
            is_at_once.set_result(bool(own.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)))
            transport.close()

    listener = listen(tmp_path)
    server = await asyncio.get_running_loop().create_server(Accepted, sock=listener)
    async with server:
        _, writer = await asyncio.open_connection(*listener.getsockname()[:2])
        assert await asyncio.wait_for(is_at_once, 60)
        writer.close()
        await writer.wait_closed()
