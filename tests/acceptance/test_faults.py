"""The server and its database's connections die under load: what was acknowledged stays, and nothing happens twice."""

import asyncio
import random
import subprocess
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psycopg
import pytest

from control_plane.db import log
from control_plane.db.engine import Database
from tests.acceptance import audit
from tests.acceptance.load import Ledger, Load
from tests.machine import free_port
from tests.wire.live import end, ready, settle, start

CLIENTS = 6


@dataclass
class Mortal:
    """A server that is killed and started again at one address."""

    database_url: str
    data: Path
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[str] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def live(self) -> None:
        self.process = start(self.database_url, self.data, "--port", str(self.port))
        ready(self.process, self.data)

    def kill(self) -> None:
        """`kill -9`, and a new life."""
        assert self.process is not None
        self.process.kill()
        end(self.process)
        self.live()

    def cut(self) -> None:
        """End every connection to the database, as its administrator or a network can."""
        plain = self.database_url.replace("postgresql+psycopg", "postgresql")
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    def die(self) -> None:
        if self.process is not None:
            end(self.process)


async def endure(server: Mortal, fault: Callable[[], None], faults: int) -> tuple[str, Ledger]:
    """Work through so many faults at random moments; the experiment, and what was acknowledged in it."""
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
        people = (await settle(http)).store
    load = Load(people, server.url)
    working = asyncio.create_task(load.run(CLIENTS))
    for _ in range(faults):
        await load.ledger.await_growth(random.randrange(1, 60))  # noqa: S311 - a moment, not a secret
        await asyncio.to_thread(fault)
    await load.ledger.await_growth(100)
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working
    return people.experiment_id, load.ledger


def expect_all_kept(server: Mortal, experiment_id: str, ledger: Ledger) -> None:
    """Each acknowledged act is in the log once, and the books are in order."""
    database = Database.open(server.database_url)
    with database.reading() as connection:
        told = log.read_protocol(connection, experiment_id, 0, 10**7)
    database.close()
    found = Counter((event["type"], _named(event["type"], event["data"])) for event in told)
    assert [act for act in ledger.acknowledged if found[act] != 1] == []
    assert audit.faults(server.database_url, server.data) == []


def _named(type_: str, data: dict[str, str]) -> str:
    return data[f"{type_.partition('.')[0]}_id"]


def prove(database_url: str, folder: Path, fault: str, faults: int) -> Ledger:
    server = Mortal(database_url, folder / "data")
    try:
        server.live()
        experiment_id, ledger = asyncio.run(endure(server, getattr(server, fault), faults))
    finally:
        server.die()
    expect_all_kept(server, experiment_id, ledger)
    return ledger


def test_a_killed_server_keeps_all_that_it_acknowledged(database_url: str, tmp_path: Path) -> None:
    assert prove(database_url, tmp_path, "kill", 2).unanswered > 0


@pytest.mark.postgres
def test_cut_connections_to_the_database_lose_nothing(postgresql_url: str, tmp_path: Path) -> None:
    prove(postgresql_url, tmp_path, "cut", 3)


@pytest.mark.long
def test_a_hundred_kills_of_the_server_lose_nothing(database_url: str, tmp_path: Path) -> None:
    prove(database_url, tmp_path, "kill", 100)


@pytest.mark.long
@pytest.mark.postgres
def test_a_hundred_cuts_of_the_database_lose_nothing(postgresql_url: str, tmp_path: Path) -> None:
    prove(postgresql_url, tmp_path, "cut", 100)
