"""Checkpoints travel: what an attempt leaves on one machine the next one finds on another, whole or not at all."""

import errno
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from control_plane.scheduler import carried
from control_plane.scheduler.carried import Carried
from store_client.client import ControlPlaneClient
from store_client.credentials import StaticBearer
from store_client.errors import IllegalTransition, InvalidPrecondition, NotFound, PayloadTooLarge
from store_client.runner.checkpoints import Checkpoints
from store_client.runner.scratch import Scratch
from store_client.transport import Transport
from store_client.wire.attempts import NEWS_BYTES, CarriedFile, KeepCheckpoints
from tests.store.task_house import open_house
from tests.wire.nodes import MOST_BYTES, SECRET, Node


@pytest.fixture
def node(sqlite_url: str, tmp_path: Path) -> Iterator[Node]:
    with open_house(sqlite_url) as store:
        yield Node(store, folder=tmp_path / "attempts")


@asynccontextmanager
async def attempt(node: Node, job_id: str, number: int, machine: Path) -> AsyncIterator[Checkpoints]:
    """An attempt that has begun on a machine and has what earlier ones left."""
    await node.begin(job_id, number)
    scratch = Scratch(machine, job_id, number)
    scratch.open()
    transport = Transport("http://here", application=httpx.ASGITransport(node.app, raise_app_exceptions=False))
    async with ControlPlaneClient(transport, StaticBearer(f"{job_id}/{number}", SECRET)) as deployment:
        found = Checkpoints(deployment, scratch)
        await found.fetch()
        yield found


def texts(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def write(folder: Path, **contents: bytes) -> None:
    for name, data in contents.items():
        (folder / name).write_bytes(data)


async def test_what_an_attempt_leaves_the_next_finds_on_another_machine(node: Node, tmp_path: Path) -> None:
    job_id, large = node.placed(), os.urandom(NEWS_BYTES + 7)
    async with attempt(node, job_id, 1, tmp_path / "n1") as first:
        folder = first.scratch.checkpoints
        (folder / "step-2").mkdir()
        write(folder, model=large, empty=b"")
        write(folder / "step-2", state=b"2")
        await first.send()
        (folder / "empty").unlink()
        write(folder / "step-2", state=b"three")
        await first.send()
        left = texts(folder)
    node.lose(job_id)
    async with attempt(node, job_id, 2, tmp_path / "n2") as second:
        assert texts(second.scratch.checkpoints) == left == {"model": large, "step-2/state": b"three"}
        assert second.known == first.known


async def test_a_machine_with_older_checkpoints_gets_the_newer_and_one_with_the_newest_keeps_its_own(
    node: Node, tmp_path: Path
) -> None:
    job_id = node.placed()
    async with attempt(node, job_id, 1, tmp_path / "n1") as first:
        write(first.scratch.checkpoints, step=b"1", only_here=b"")
        await first.send()
    node.lose(job_id)
    async with attempt(node, job_id, 2, tmp_path / "n2") as second:
        (second.scratch.checkpoints / "only_here").unlink()
        write(second.scratch.checkpoints, step=b"22")
        await second.send()
    node.finish_and_place(job_id, 2)
    async with attempt(node, job_id, 3, tmp_path / "n1") as third:
        assert texts(third.scratch.checkpoints) == {"step": b"22"}
        write(third.scratch.checkpoints, step=b"333")  # and the machine goes off before it is sent
    node.finish_and_place(job_id, 3)
    async with attempt(node, job_id, 4, tmp_path / "n1") as fourth:
        assert texts(fourth.scratch.checkpoints) == {"step": b"333"}


async def test_only_what_is_new_is_sent(node: Node, tmp_path: Path) -> None:
    job_id = node.placed()
    async with attempt(node, job_id, 1, tmp_path / "n1") as first:
        write(first.scratch.checkpoints, old=b"old", new=b"new")
        await first.send()
        kept = node.spool.root / job_id / "checkpoints"
        inodes = {path.name: path.stat().st_ino for path in kept.iterdir()}
        write(first.scratch.checkpoints, new=b"newer")
        await first.send()
        assert (kept / "old").stat().st_ino == inodes["old"]
        assert texts(kept) == {"old": b"old", "new": b"newer"}
        assert not list((node.spool.root / job_id / "1").glob("checkpoint-parts/*"))


async def test_a_stale_attempt_changes_nothing_and_reads_nothing(node: Node, tmp_path: Path) -> None:
    job_id = node.placed()
    async with attempt(node, job_id, 1, tmp_path / "n1") as first:
        write(first.scratch.checkpoints, step=b"1")
        await first.send()
        node.lose(job_id)
        write(first.scratch.checkpoints, step=b"late")
        with pytest.raises(IllegalTransition):
            await first.send()
        with pytest.raises(IllegalTransition):
            await first.deployment.keep_checkpoints(job_id, 1, KeepCheckpoints(files=()))
        with pytest.raises(IllegalTransition):
            await first.fetch()
        with pytest.raises(IllegalTransition):
            async with first.deployment.fetch_carried_checkpoint(job_id, 1, "step"):
                pytest.fail("it was given out")
    assert texts(node.spool.root / job_id / "checkpoints") == {"step": b"1"}


async def test_what_has_not_arrived_whole_is_not_kept(node: Node, tmp_path: Path) -> None:
    job_id = node.placed()
    async with attempt(node, job_id, 1, tmp_path / "n1") as first:
        missing = CarriedFile(name="model", bytes=3, modified_microseconds=1)
        with pytest.raises(InvalidPrecondition, match="model has not arrived whole"):
            await first.deployment.keep_checkpoints(job_id, 1, KeepCheckpoints(files=(missing,)))
        write(first.scratch.checkpoints, model=b"123")
        await first.send()
        first.known = {"model": missing}
        write(first.scratch.checkpoints, model=b"1234")
        await first.send()
    assert texts(node.spool.root / job_id / "checkpoints") == {"model": b"1234"}


async def test_no_more_is_taken_than_a_job_may_keep_and_the_newest_goes_first(node: Node, tmp_path: Path) -> None:
    job_id = node.placed()
    async with attempt(node, job_id, 1, tmp_path / "n1") as first:
        for step in range(3):
            write(first.scratch.checkpoints, **{f"step-{step}": bytes(MOST_BYTES // 2)})
            os.utime(first.scratch.checkpoints / f"step-{step}", (step + 1, step + 1))
        await first.send()
        assert sorted(first.known) == ["step-1", "step-2"]
        first.most_bytes = 2 * MOST_BYTES
        write(first.scratch.checkpoints, large=bytes(MOST_BYTES + 1))
        with pytest.raises(PayloadTooLarge):
            await first.send()


@pytest.mark.parametrize("name", ["../1/begun.json", "/etc/passwd", "a/../../1/begun.json", "link", "missing"])
async def test_no_file_but_a_checkpoint_is_given_out(node: Node, tmp_path: Path, name: str) -> None:
    job_id = node.placed()
    async with attempt(node, job_id, 1, tmp_path / "n1") as first:
        write(first.scratch.checkpoints, step=b"1")
        await first.send()
        (node.spool.root / job_id / "checkpoints" / "link").symlink_to("/etc/passwd")
        with pytest.raises(NotFound):
            async with first.deployment.fetch_carried_checkpoint(job_id, 1, name):
                pytest.fail("it was given out")


def test_a_change_that_was_cut_off_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, step = Carried(tmp_path, MOST_BYTES), CarriedFile(name="step", bytes=1, modified_microseconds=5)
    kept.take(1, step, 0, b"1")
    kept.keep(1, [step])
    rename = Path.rename

    def fails(self: Path, target: Path) -> Path:
        if self.name == carried.NEW:
            raise OSError(errno.EIO, "the machine went off here")
        return rename(self, target)

    newer = step.having(modified_microseconds=6)
    kept.take(2, newer, 0, b"2")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", fails)
        with pytest.raises(OSError, match="went off"):
            kept.keep(2, [newer])
    assert kept.listed().files == (step,)
    kept.keep(2, [newer])
    assert (kept.listed().files, kept.listed().attempt) == ((newer,), 2)
