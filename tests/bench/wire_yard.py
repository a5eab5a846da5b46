"""What the wire's benchmarks are run on: one API process on either database, one worker, many clients."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from control_plane.db.identities import Keys
from control_plane.db.migrate import upgrade
from tests.bench.durable import durable_database
from tests.bench.load import Load, Outcome, Request, Script
from tests.bench.raw import Raw
from tests.wire.live import ROOT, serving_processes, settle

TICKS = os.sysconf("SC_CLK_TCK")
AT = "2026-01-01T00:00:00Z"


@dataclass(frozen=True)
class Wire:
    """A server, an experiment in it, and a worker who may create tasks too."""

    pid: int
    url: str
    raw: Raw
    """The same database for bare drivers."""
    experiment_id: str
    worker_id: str
    secret: str

    @property
    def headers(self) -> str:
        bearer = f"{self.worker_id}:{self.secret}"
        return f"Authorization: Bearer {bearer}\r\nX-Eden-Experiment-Id: {self.experiment_id}\r\n"

    def to(self, path: str, body: dict[str, Any] | None = None) -> Request:
        """A request under the experiment: a POST when it has a body."""
        text = "" if body is None else json.dumps(body)
        return ("GET" if body is None else "POST", f"/v0/experiments/{self.experiment_id}/{path}", text)

    def creation(self, task_id: str) -> Script:
        payload = {"experiment_id": self.experiment_id}
        same = {"state": "pending", "created_at": AT, "updated_at": AT}
        return [self.to("tasks", {"task_id": task_id, "kind": "ideation", "payload": payload, **same})]

    def cycle(self, task_id: str) -> Script:
        """Claim a task and submit its result."""
        result = {"payload": {"idea_ids": [], "status": "success"}}
        return [self.to(f"tasks/{task_id}/claim", {}), self.to(f"tasks/{task_id}/submit", result)]

    def loaded(self, clients: int, scripts: Sequence[Script]) -> tuple[Outcome, float]:
        """What came of the scripts, all of which must succeed, and the server's CPU seconds."""
        where = urlsplit(self.url)
        assert where.hostname is not None
        assert where.port is not None
        load = Load(where.hostname, where.port, self.headers, clients, scripts)
        before = cpu_seconds(self.pid)
        command = [sys.executable, "-m", "tests.bench.load"]
        ran = subprocess.run(
            command, input=json.dumps(asdict(load)), stdout=subprocess.PIPE, text=True, cwd=ROOT, check=True
        )
        outcome = Outcome(**json.loads(ran.stdout))
        assert set(outcome.statuses) == {"200"}, outcome
        return outcome, cpu_seconds(self.pid) - before


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used, in all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


@contextmanager
def wired(kind: str) -> Iterator[Wire]:
    """The API of one control-plane process on a durable database of this kind."""
    with tempfile.TemporaryDirectory(prefix="switchyard-bench-") as folder, durable_database(kind, Path(folder)) as url:
        upgrade(url)
        with serving_processes(url, Path(folder, "data")) as servers:
            pid = servers.processes[0].pid
            yield asyncio.run(_settled(servers.urls[0], pid, servers.data, url))


async def _settled(url: str, pid: int, data: Path, database_url: str) -> Wire:
    async with httpx.AsyncClient(base_url=url, timeout=60) as http:
        people = (await settle(http)).store
    name = "orchestrators"
    here, worker_id, secret = people.experiment_id, people.id_of(name), people.tokens[name]
    digest = Keys("", (data / "pepper").read_text(encoding="utf-8").strip().encode()).digest(secret)
    return Wire(pid, url, Raw(database_url, here, worker_id, digest), here, worker_id, secret)
