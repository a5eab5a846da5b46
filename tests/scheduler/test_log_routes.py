"""The files of a job over HTTP: its log as a file and as a stream, its reports and its checkpoints."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from control_plane.edge.problems import HANDLERS
from control_plane.scheduler import log_streams
from control_plane.scheduler.engines.local import LocalEngine
from control_plane.scheduler.keeping import Keeping
from control_plane.scheduler.log_routes import Files, routes
from control_plane.scheduler.log_streams import LogFeed
from control_plane.scheduler.logs import LogFile
from control_plane.scheduler.operations.attempts import Ending
from store_client.download import Download
from store_client.errors import Forbidden
from store_client.resources.log_stream import follow_log
from store_client.transport import Message, Transport
from store_client.wire.calls.reports import STREAM_JOB_LOG, StreamQuery
from store_client.wire.jobs import JobState
from tests.scheduler.queue_house import Queue, Repositories
from tests.store.task_house import open_house

S = JobState


@dataclass
class Desk:
    """The queue, the files of its jobs, and HTTP to both."""

    queue: Queue
    folder: Path

    def __post_init__(self) -> None:
        self.house = self.queue.store.house
        self.engine = LocalEngine(self.folder, Repositories(self.folder))
        files = Files(self.engine, Keeping(days=7, checkpoint_bytes=1000))
        self.app = Starlette(routes=routes(self.house, files), exception_handlers=dict(HANDLERS))

    @asynccontextmanager
    async def client(self, bearer: str = "admin:admin-token") -> AsyncIterator[httpx.AsyncClient]:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        headers = {"Authorization": f"Bearer {bearer}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://here/api/jobs", headers=headers) as client:
            yield client

    def write(self, job_id: str, name: str, text: str, attempt: int = 1) -> Path:
        path = self.engine.directory(job_id, attempt) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path


@pytest.fixture
def desk(sqlite_url: str, tmp_path: Path) -> Iterator[Desk]:
    with open_house(sqlite_url) as store:
        yield Desk(Queue(store), tmp_path / "attempts")


def events(text: str) -> list[dict[str, str]]:
    """The fields of each event of a stream."""
    return [dict(line.split(": ", 1) for line in block.split("\n")) for block in text.split("\n\n") if block.strip()]


async def test_a_log_is_fetched_as_a_file_whole_or_in_part(desk: Desk) -> None:
    job_id = desk.queue.bring(S.SUCCEEDED)
    desk.write(job_id, "log", "0123456789" * 100_000)
    async with desk.client() as client:
        whole = await client.get(f"/{job_id}/log/download")
        assert (whole.status_code, len(whole.content)) == (200, 1_000_000)
        assert whole.headers["content-type"] == "text/plain; charset=utf-8"
        assert whole.headers["content-disposition"] == 'attachment; filename="job-1-attempt-1.log"'
        for asked, status, start, stop in (
            ("bytes=10-19", 206, 10, 20),
            ("bytes=999990-", 206, 999_990, 1_000_000),
            ("bytes=-5", 206, 999_995, 1_000_000),
            ("bytes=20-10", 200, 0, 1_000_000),
            ("lines=1-2", 200, 0, 1_000_000),
        ):
            part = await client.get(f"/{job_id}/log/download", headers={"Range": asked})
            assert (part.status_code, part.content) == (status, whole.content[start:stop]), asked
            if status == 206:
                assert part.headers["content-range"] == f"bytes {start}-{stop - 1}/1000000"
        beyond = await client.get(f"/{job_id}/log/download", headers={"Range": "bytes=1000000-"})
        assert (beyond.status_code, beyond.content) == (416, b"")
        assert beyond.headers["content-range"] == "bytes */1000000"


async def test_a_log_that_grows_is_fetched_as_it_was_when_it_was_asked_for(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = desk.queue.bring(S.RUNNING)
    path = desk.write(job_id, "log", "before")
    monkeypatch.setattr("control_plane.scheduler.logs.size", lambda _path: 6)
    path.write_text("before and after")
    async with desk.client() as client:
        assert (await client.get("/1/log/download")).text == "before"


async def test_a_stream_gives_the_log_from_any_byte_on_and_ends_with_the_attempt(desk: Desk) -> None:
    job_id = desk.queue.bring(S.SUCCEEDED)
    text = "ein Gruß\n" * 20_000
    desk.write(job_id, "log", text)
    async with desk.client() as client:
        answer = await client.get(f"/{job_id}/log/stream")
        assert answer.headers["content-type"].startswith("text/event-stream")
        hello, *pieces, end = events(answer.text.replace("\r\n", "\n"))
        assert (hello["event"], end["event"]) == ("hello", "end")
        assert len(pieces) == 1 + len(text.encode()) // log_streams.PIECE_BYTES
        assert "".join(json.loads(piece["data"])["text"] for piece in pieces) == text
        assert json.loads(end["data"]) == {"attempt": 1, "bytes": len(text.encode())}
        again = await client.get(f"/{job_id}/log/stream", headers={"Last-Event-ID": pieces[-2]["id"]})
        assert [event["id"] for event in events(again.text)][1:] == [pieces[-1]["id"], end["id"]]
        rest = await client.get(f"/{job_id}/log/stream?offset=199990")
        assert json.loads(events(rest.text)[1]["data"])["text"] == text.encode()[199_990:].decode()
        for wrong in ("x", "1:", "-1:3", "1:2:3", "9" * 40):
            refused = await client.get(f"/{job_id}/log/stream", headers={"Last-Event-ID": wrong})
            assert refused.status_code == 400, wrong


async def test_a_stream_waits_for_more_and_for_the_end(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_streams, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(log_streams, "ASK_SECONDS", 0.01)
    job_id = desk.queue.bring(S.RUNNING)
    path, is_over = desk.write(job_id, "log", ""), False

    def find() -> LogFile:
        return LogFile(path, 1, is_complete=is_over)

    blocks = LogFeed(desk.house, find, find(), 0).blocks()
    async with asyncio.timeout(60):
        assert b"event: hello" in await anext(blocks)
        waiting = asyncio.ensure_future(anext(blocks))
        path.write_text("one\n")
        assert b'"text": "one\\n"' in await waiting
        waiting = asyncio.ensure_future(anext(blocks))
        is_over = True
        assert b"event: end" in await waiting
        with pytest.raises(StopAsyncIteration):
            await anext(blocks)


async def test_a_stream_ends_when_its_client_may_no_longer_read(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_streams, "ASK_SECONDS", 0.0)

    def refuse() -> LogFile:
        raise Forbidden("no more")

    feed = LogFeed(desk.house, refuse, LogFile(desk.folder / "log", 1, is_complete=False), 0)
    _, last = [block async for block in feed.blocks()]
    assert b"event: end" in last
    assert b"no more" in last


async def test_a_stream_of_an_old_attempt_never_becomes_one_of_the_next(desk: Desk) -> None:
    job_id = desk.queue.submit()
    desk.queue.finish(job_id, desk.queue.place(job_id), Ending("node_lost"))
    desk.queue.finish(job_id, desk.queue.place(job_id), Ending("finished", 0))
    desk.write(job_id, "log", "first attempt", 1)
    desk.write(job_id, "log", "second attempt", 2)
    async with desk.client() as client:
        answer = await client.get(f"/{job_id}/log/stream", headers={"Last-Event-ID": "1:6"})
        assert json.loads(events(answer.text)[1]["data"])["text"] == "attempt"
        assert json.loads(events(answer.text)[2]["data"]) == {"attempt": 1, "bytes": 13}


async def test_metrics_and_checkpoints_are_listed(desk: Desk) -> None:
    job_id = desk.queue.bring(S.RUNNING)
    desk.write(
        job_id, "progress.jsonl", '{"step": 1, "metrics": {"loss": 2}}\nx\n{"step": 2, "metrics": {"loss": 1}}\n'
    )
    desk.write(job_id, "../checkpoints/step-2/model", "xxx")
    async with desk.client() as client:
        found: dict[str, Any] = (await client.get(f"/{job_id}/metrics")).json()
        series = {"name": "loss", "points": [{"value": 2, "step": 1}, {"value": 1, "step": 2}]}
        assert found["series"] == [series]
        assert (found["attempt"], found["is_complete"], found["passed_over"]) == (1, False, 1)
        later = (await client.get(f"/{job_id}/metrics", params={"after": found["next"]})).json()
        assert (later["series"], later["next"]) == ([], found["next"])
        kept = (await client.get(f"/{job_id}/checkpoints")).json()
        assert [(item["name"], item["bytes"]) for item in kept["items"]] == [("step-2/model", 3)]
        assert (kept["total_bytes"], kept["most_bytes"]) == (3, 1000)


async def test_removed_files_say_that_they_were_removed_and_missing_ones_are_empty(desk: Desk) -> None:
    gone, waiting = desk.queue.bring(S.FAILED), desk.queue.bring(S.QUEUED)
    async with desk.client() as client:
        for path in ("log", "log/download", "log/stream", "metrics"):
            answer = await client.get(f"/{gone}/{path}")
            assert answer.status_code == 404
            assert answer.json()["detail"] == "the files of job 1 were removed: they are kept for 7 days after its end"
        assert (await client.get(f"/{waiting}/log")).json()["text"] == ""
        assert (await client.get(f"/{waiting}/metrics")).json()["series"] == []
        assert (await client.get(f"/{waiting}/checkpoints")).json()["items"] == []
        assert (await client.get(f"/{waiting}/log/download?attempt=1")).status_code == 404


async def test_files_are_for_those_who_may_read_jobs(desk: Desk) -> None:
    desk.queue.bring(S.RUNNING)
    async with desk.client("wkr_nobody:nothing") as client:
        for path in ("log/download", "log/stream", "metrics", "checkpoints"):
            assert (await client.get(f"/1/{path}")).status_code == 401


async def test_the_client_follows_a_log_to_its_end(desk: Desk) -> None:
    job_id = desk.queue.bring(S.SUCCEEDED)
    text = "line\n" * 40_000
    desk.write(job_id, "log", text)
    transport = Transport("http://here", application=httpx.ASGITransport(desk.app))

    def opening(query: StreamQuery) -> AbstractAsyncContextManager[Download]:
        return transport.fetch(Message(STREAM_JOB_LOG, {"job_id": job_id}, query=query), "admin:admin-token")

    async with asyncio.timeout(60):
        pieces = [piece async for piece in follow_log(opening, StreamQuery(offset=5))]
        await transport.aclose()
    assert "".join(piece.text for piece in pieces) == text[5:]
    assert [piece.offset for piece in pieces[1:]] == [piece.next_offset for piece in pieces[:-1]]
    assert {piece.attempt for piece in pieces} == {1}
