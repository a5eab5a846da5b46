"""Checkpoints between real deployments: moved by the command and run on, cut off by death and by hanging up."""

import asyncio
import io
import json
import tarfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from store_client import Status
from tests.acceptance.conftest import Deploy
from tests.acceptance.experiments import Recipe
from tests.cli.commands import invoked
from tests.databases import sqlite_database
from tests.git.stock import Stock
from tests.store.vault import Parts, essence, rows_of, unpack
from tests.wire.live import ADMIN_TOKEN, end, ready, start

ADMIN = {"Authorization": f"Bearer admin:{ADMIN_TOKEN}"}
DEADLINE_SECONDS = 60.0
LINES = 4000


def asked(data: Path, *arguments: str) -> Any:
    answer = invoked("experiment", arguments[0], "--data", str(data), "--json", *arguments[1:])
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def test_an_experiment_moves_to_another_deployment_and_runs_on_there(deploy: Deploy, tmp_path: Path) -> None:
    first, second = deploy("first").up(), deploy("second")
    experiment = first.create(Recipe(variants=6, parallel=1).write(tmp_path / "source"), "moving")
    first.until(lambda: first.store(experiment).read_experiment_detail().counts.evaluated >= 2, "two variants")
    first.store(experiment).pause_experiment()
    file = tmp_path / "moving.tar"
    said = asked(first.data, "checkpoint", "moving", "--to", str(file))
    assert said["size_bytes"] == file.stat().st_size
    again = invoked("experiment", "checkpoint", "--data", str(first.data), "moving", "--to", str(file))
    assert again.returncode == 1
    assert [path.name for path in tmp_path.glob(".*")] == []
    archive = unpack(file.read_bytes())
    first.stop()
    second.up()
    made = asked(second.data, "import", str(file))
    there = second.store(made["experiment_id"])
    detail = there.read_experiment_detail()
    assert (detail.slug, detail.status) == ("moving", Status.PAUSED)
    another = tmp_path / "another.tar"
    asked(second.data, "checkpoint", "moving", "--to", str(another))
    assert essence(archive)["events"] == essence(unpack(another.read_bytes()))["events"]
    git = Stock(tmp_path / "home")
    theirs, ours = (
        data / "repos" / f"{experiment_id}.git"
        for data, experiment_id in ((first.data, experiment.experiment_id), (second.data, made["experiment_id"]))
    )
    here = refs(git, ours)
    assert here == bundled(git, archive, tmp_path) <= refs(git, theirs), "what was claimed there was finished there"
    assert any("refs/heads/variant/" in ref for ref in here)
    assert git("fsck", "--strict", cwd=ours) == ""
    there.resume_experiment()
    ended = second.until(lambda: there.read_experiment_detail().status.is_final, "it ends by its policy")
    assert ended
    counts = there.read_experiment_detail().counts
    assert counts.evaluated >= 4
    held = [task["task_id"] for task in rows_of(archive, "tasks")]
    assert set(held) <= {task.task_id for task in there.list_tasks()}


def refs(git: Stock, repository: Path) -> set[str]:
    return set(git("for-each-ref", "--format=%(objectname) %(refname)", cwd=repository).splitlines())


def bundled(git: Stock, archive: Parts, folder: Path) -> set[str]:
    """The refs in the repository of an archive."""
    (content,) = (content for path, content in archive.items() if path.endswith(".bundle"))
    (folder / "bundle").write_bytes(content)
    return {line for line in git("bundle", "list-heads", "bundle", cwd=folder).splitlines() if " refs/" in line}


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """An archive with a repository and enough lines for an import to take a while."""
    return tmp_path / "large.tar"


@pytest.fixture
def server(tmp_path: Path, sqlite_template: Path) -> Iterator["Alone"]:
    """A control plane alone, that a test kills and starts again."""
    alone = Alone(sqlite_database(sqlite_template, tmp_path / "alone.db"), tmp_path / "alone")
    alone.begin()
    yield alone
    alone.kill()


class Alone:
    """One server process at a time, over one database and one data directory."""

    def __init__(self, url: str, data: Path) -> None:
        self._database, self.data = url, data

    def begin(self) -> None:
        self.process = start(self._database, self.data)
        self.url = ready(self.process, self.data)

    def kill(self) -> None:
        self.process.kill()
        end(self.process)

    def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = ADMIN | more.pop("headers", {})
        return httpx.request(method, self.url + path, headers=headers, timeout=60, **more)

    def experiments(self) -> list[str]:
        return [each["experiment_id"] for each in self.call("GET", "/api/experiments").json()]

    def beside(self) -> set[str]:
        """What lies beside the database: repositories, notes, credentials, and anything on its way."""
        folders = ("repos", "imports", "spool")
        return {f"{folder}/{path.name}" for folder in folders for path in (self.data / folder).glob("*")}


def enlarged(server: Alone, source: Path, large: Path) -> tuple[str, Path]:
    """The id of an experiment with a repository, and its archive with many more events."""
    made = server.call(
        "POST", "/api/experiments", json={"directory": str(Recipe().write(source)), "name": "Large"}
    ).json()
    base = f"/v0/experiments/{made['experiment_id']}"
    there = {"X-Eden-Experiment-Id": made["experiment_id"]}
    parts = unpack(server.call("POST", base + "/checkpoint", headers=there).content)
    told: dict[str, Any] = {"type": "experiment.policy_error", "occurred_at": "2026-01-01T00:00:00Z"}
    told |= {"experiment_id": made["experiment_id"]}
    told |= {"data": {"policy_kind": "k", "error_type": "t", "error_message": "x"}}
    lines = b"".join(json.dumps({**told, "event_id": f"e{number}"}).encode() + b"\n" for number in range(LINES))
    with tarfile.open(large, "w") as tar:
        for path, content in {**parts, "events.jsonl": lines}.items():
            info = tarfile.TarInfo(f"top/{path}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return made["experiment_id"], large


async def until(condition: Callable[[], bool], what: str) -> None:
    """Look again and again, for so long and no longer."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        if condition():
            return
        await asyncio.sleep(0.001)
    raise AssertionError(f"not within {DEADLINE_SECONDS:g} seconds: {what}")


def has_noted(server: Alone, content: bytes) -> bool:
    """Whether an import has noted this much."""
    return any(_read(note) == content for note in (server.data / "imports").glob("exp_*"))


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


@pytest.mark.parametrize("moment", [b"", b"placing\n"], ids=["while it is checked", "while it lands"])
async def test_a_server_killed_in_an_import_shows_all_of_it_or_nothing(
    server: Alone, tmp_path: Path, large: Path, moment: bytes
) -> None:
    source, archive = enlarged(server, tmp_path / "source", large)
    before = server.beside()
    sending = asyncio.create_task(_send(server, archive.read_bytes()))
    await until(lambda: has_noted(server, moment) or sending.done(), "an import that has come so far")
    server.kill()
    await sending
    server.begin()
    landed = set(server.experiments()) - {source}
    left = {name for name in server.beside() - before if not any(each in name for each in landed)}
    assert left == set()
    events = server.call("GET", "/api/events", params={"limit": 1000}).json()["events"]
    assert {event.get("experiment_id") for event in events} <= {source, None, *landed}
    assert server.call("POST", "/v0/checkpoints/import", content=archive.read_bytes()).status_code == 201


async def _send(server: Alone, archive: bytes) -> None:
    async with httpx.AsyncClient(timeout=60) as client:
        try:
            await client.post(server.url + "/v0/checkpoints/import", content=archive, headers=ADMIN)
        except httpx.TransportError:
            return


async def test_whoever_hangs_up_leaves_nothing_lying_about(server: Alone, tmp_path: Path, large: Path) -> None:
    source, archive = enlarged(server, tmp_path / "source", large)
    before = server.beside()
    content = archive.read_bytes()

    async def half() -> AsyncIterator[bytes]:
        yield content[: len(content) // 2]
        raise httpx.WriteError("gone")

    there = ADMIN | {"X-Eden-Experiment-Id": source}
    async with httpx.AsyncClient(timeout=60) as client:
        with pytest.raises(httpx.WriteError):
            await client.post(server.url + "/v0/checkpoints/import", content=half(), headers=ADMIN)
        async with client.stream("POST", f"{server.url}/v0/experiments/{source}/checkpoint", headers=there) as response:
            assert response.status_code == 200
    assert server.experiments() == [source]
    await until(lambda: server.beside() == before and _spooled(server) == [], "nothing lies about")


def _spooled(server: Alone) -> list[str]:
    """The files without names that the server holds open in its spool."""
    held = map(_target, Path(f"/proc/{server.process.pid}/fd").iterdir())
    return [target for target in held if str(server.data / "spool") in target]


def _target(descriptor: Path) -> str:
    """What it leads to; nothing once it is closed, which may be in this moment."""
    with suppress(FileNotFoundError):
        return str(descriptor.readlink())
    return ""
