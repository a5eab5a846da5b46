"""An attempt on another machine: its ticket is good once, and what it says counts only while it is the current one."""

import base64
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from control_plane.scheduler.spool import Spool
from control_plane.wiring import GitGate
from store_client.wire.attempts import AttemptNews
from tests.store.task_house import open_house
from tests.wire.nodes import OTHER, SECRET, Node

RESULT = b'{"cause": "finished", "exit_code": 0, "files": {"answer.txt": "7"}}'


@pytest.fixture
def node(sqlite_url: str, tmp_path: Path) -> Iterator[Node]:
    with open_house(sqlite_url) as store:
        yield Node(store, folder=tmp_path / "attempts")


def status(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("eden://error/") if answer.is_error else ""


async def test_a_ticket_is_exchanged_for_the_order_by_one_machine_only(node: Node) -> None:
    job_id = node.placed(collect=["answer.txt"])
    assert status(await node.begin(job_id, ticket="guessed")) == (401, "unauthorized")
    order = (await node.begin(job_id)).json()
    assert (order["job_id"], order["attempt"], order["branch"]) == (job_id, 1, f"work/{job_id}/1")
    assert order["spec"]["collect"] == ["answer.txt"]
    assert (await node.begin(job_id)).json() == order
    assert status(await node.begin(job_id, secret=OTHER)) == (401, "unauthorized")


async def test_the_ticket_of_one_attempt_is_none_for_another(node: Node) -> None:
    first, second = node.placed(), node.submit()
    node.place(second, "cpu:1")
    assert status(await node.begin(first, ticket=node.ticket(second))) == (401, "unauthorized")
    assert status(await node.begin(first, ticket=node.ticket(first, 2))) == (401, "unauthorized")


async def test_what_is_not_to_run_cannot_begin(node: Node) -> None:
    lost, cancelled, early = node.placed(), node.submit(), node.submit()
    node.lose(lost)
    node.place(cancelled, "cpu:1")
    node.cancel(cancelled)
    for job_id in (lost, cancelled, early):
        assert status(await node.begin(job_id)) == (409, "illegal-transition")
    assert (await node.begin(lost, 2)).status_code == 200


async def test_an_order_that_was_taken_back_before_it_was_fetched_is_refused(node: Node) -> None:
    job_id = node.placed()
    node.spool.stop((job_id, 1), "cancel")
    assert status(await node.begin(job_id)) == (409, "illegal-transition")
    assert node.spool.begun((job_id, 1)) is not None, "so that whoever took it back sees that it may run"


async def test_only_the_attempt_itself_may_speak_for_it(node: Node) -> None:
    job_id, other = node.placed(), node.submit()
    node.place(other, "cpu:1")
    for each in (job_id, other):
        await node.begin(each)
    for bearer in (f"{job_id}/1:{OTHER}", f"{job_id}/2:{SECRET}", "admin:admin-token", "job_x/x:secret"):
        assert status(await node.say(job_id, "news", {}, bearer)) == (401, "unauthorized")
    assert status(await node.say(job_id, "news", {}, f"{other}/1:{SECRET}")) == (403, "forbidden")


async def test_news_are_written_once_and_where_they_belong(node: Node) -> None:
    job_id = node.placed()
    await node.begin(job_id)
    log = node.spool.of((job_id, 1)) / "log"
    assert (await node.news(job_id, "log", b"one\n")).json() == {"next_offset": 4}
    assert (await node.news(job_id, "log", b"three\n", 8)).json() == {"next_offset": 4}, "a hole is not left"
    assert (await node.news(job_id, "log", b"one\ntwo\n")).json() == {"next_offset": 8}, "again is as once"
    assert (await node.news(job_id, "log", b"three\xff\n", 8)).json() == {"next_offset": 15}
    assert log.read_bytes() == b"one\ntwo\nthree\xff\n"


async def test_an_attempt_hears_that_it_is_to_stop(node: Node) -> None:
    job_id = node.placed()
    await node.begin(job_id)
    node.spool.stop((job_id, 1), "preempt")
    assert (await node.news(job_id, "log", b"")).json() == {"next_offset": 0, "stop": "preempt"}
    node.spool.stop((job_id, 1), "cancel")
    assert (await node.news(job_id, "log", b"")).json()["stop"] == "cancel"


async def test_the_last_word_counts_when_the_result_is_whole(node: Node) -> None:
    job_id = node.placed()
    await node.begin(job_id)
    end = {"result_bytes": len(RESULT)}
    assert status(await node.say(job_id, "end", end)) == (409, "invalid-precondition")
    await node.news(job_id, "result", RESULT[:20])
    assert status(await node.say(job_id, "end", end)) == (409, "invalid-precondition")
    await node.news(job_id, "result", RESULT[20:], 20)
    for _ in range(2):
        assert (await node.say(job_id, "end", end)).status_code == 204
    assert set(node.arrived) == {(job_id, 1)}
    assert node.spool.result((job_id, 1)).files == {"answer.txt": "7"}


async def test_a_result_that_is_none_is_refused(node: Node) -> None:
    job_id = node.placed()
    await node.begin(job_id)
    await node.news(job_id, "result", b'{"cause": "magic"}')
    assert status(await node.say(job_id, "end", {"result_bytes": 18})) == (409, "invalid-precondition")
    assert not node.spool.has_result((job_id, 1))


async def test_a_stale_attempt_is_told_so_and_changes_nothing(node: Node) -> None:
    job_id = node.placed()
    await node.begin(job_id)
    await node.news(job_id, "log", b"before")
    node.lose(job_id)
    assert status(await node.news(job_id, "log", b" and after", 6)) == (409, "illegal-transition")
    assert status(await node.say(job_id, "end", {"result_bytes": 1})) == (409, "illegal-transition")
    assert (node.spool.of((job_id, 1)) / "log").read_bytes() == b"before"
    assert node.arrived == []


async def test_git_lets_a_living_attempt_read_its_experiment_and_push_one_branch(node: Node) -> None:
    gate, job_id = GitGate(node.store.house), node.placed()
    experiment = node.store.experiment_id
    assert await gate(experiment, f"{job_id}/1", SECRET) is None
    await node.begin(job_id)
    access = await gate(experiment, f"{job_id}/1", SECRET)
    assert access is not None
    assert (access.experiment_id, access.push_prefixes) == (experiment, (f"refs/heads/work/{job_id}/1",))
    assert await gate(experiment, f"{job_id}/1", OTHER) is None
    assert await gate(f"exp_{'0' * 26}", f"{job_id}/1", SECRET) is None
    node.lose(job_id)
    assert await gate(experiment, f"{job_id}/1", SECRET) is None


@pytest.mark.parametrize("attempt", ["0", "-1", "x", "1" * 12, "1.0"])
async def test_an_attempt_without_a_number_is_none(node: Node, attempt: str) -> None:
    job_id = node.placed()
    async with node.client() as client:
        body = {"ticket": node.ticket(job_id), "secret": SECRET}
        answer = await client.post(f"/api/attempts/{job_id}/{attempt}/begin", json=body)
    assert answer.status_code in {401, 404}


def test_a_log_beyond_its_limit_is_cut_and_does_not_hold_the_attempt_up(tmp_path: Path) -> None:
    spool, key = Spool(tmp_path, limits={"log": 10}), ("job_x", 1)
    assert spool.append(key, "log", 0, b"12345678") == 8
    assert spool.append(key, "log", 8, b"9abcdef") == 15
    assert spool.append(key, "log", 15, b"ghi") == 18
    assert (tmp_path / "job_x" / "1" / "log").read_bytes() == b"123456789a"


@pytest.mark.parametrize(("act", "body"), [("news", {}), ("end", {"result_bytes": len(RESULT)})])
async def test_while_the_disk_is_full_an_attempt_is_told_to_come_again_and_nothing_is_lost(
    node: Node, monkeypatch: pytest.MonkeyPatch, act: str, body: dict[str, Any]
) -> None:
    job_id = node.placed()
    await node.begin(job_id)
    await node.news(job_id, "result", RESULT)

    def fails(*_: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(os, "pwrite", fails)
        full.setattr(os, "fsync", fails)
        refused = await node.say(job_id, act, body)
    assert (refused.status_code, refused.headers["content-type"].partition(";")[0]) == (503, "application/problem+json")
    assert int(refused.headers["retry-after"]) > 0
    assert "disk is full" in refused.json()["detail"]
    assert (await node.say(job_id, act, body)).is_success
    assert (await node.say(job_id, "end", {"result_bytes": len(RESULT)})).is_success
    assert node.spool.result((job_id, 1)).files == {"answer.txt": "7"}


def test_news_travel_in_either_alphabet_of_base64() -> None:
    for text in (base64.b64encode(b"\xff\xfe\xfd"), base64.urlsafe_b64encode(b"\xff\xfe\xfd")):
        assert AttemptNews.model_validate_json(b'{"data": "%b"}' % text, strict=True).data == b"\xff\xfe\xfd"
