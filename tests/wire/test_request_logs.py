"""§1.2.5: whatever is logged, and however loudly, no secret is in it."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn

from control_plane.__main__ import Server
from control_plane.app import build
from control_plane.edge.lines import Lines
from control_plane.settings import Settings
from tests.wire.live import ADMIN_TOKEN, settle


@asynccontextmanager
async def talkative(url: str, data: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A server of this process that logs all that it can, with an access log too."""
    app = await asyncio.to_thread(build, Settings(data=data, database_url=url, admin_token=ADMIN_TOKEN))
    config = uvicorn.Config(app, http=Lines, ws="none", log_level="trace", access_log=True, log_config=None)
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(config, app.state.parts.house.hub)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=60) as http:
            yield http
    finally:
        server.should_exit = True
        await serving
        listener.close()


async def test_no_secret_is_ever_logged(database_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(1)
    logging.getLogger("sqlalchemy.engine").setLevel(logging.DEBUG)
    async with talkative(database_url, tmp_path / "data") as http:
        app = await settle(http)
        secrets = [ADMIN_TOKEN, *app.store.tokens.values()]
        await app.get("v0:whoami")
        await app.refused("forbidden", "ann", "POST", "v0:workers", {})
        await app.refused("bad-request", "ann", "POST", "v0:ideas", {"secret": "x"})
        wrong = {"Authorization": "Bearer admin:a-wrong-but-well-meant-secret"}
        assert (await http.get("/api/experiments", headers=wrong)).status_code == 401
        code = (await http.post("/api/sign-in-codes", headers=app.headers("admin"))).json()["code"]
        session = (await http.post("/api/sessions", json={"code": code}, headers=app.headers("admin"))).json()[
            "session"
        ]
        fresh = await app.post(f"v0:workers/{app.store.id_of('ann')}/reissue-credential", name="admin")
        app.http.headers["Authorization"] = f"Bearer {app.store.id_of('ann')}:{fresh['registration_token']}\x7f"
        await http.get(f"{app.v0}/state")  # no legal header at all
        secrets += ["a-wrong-but-well-meant-secret", code, session, fresh["registration_token"]]
    logging.getLogger("sqlalchemy.engine").setLevel(logging.NOTSET)
    assert "/whoami" in caplog.text
    assert "SELECT" in caplog.text
    assert [secret for secret in secrets if secret in caplog.text] == []
