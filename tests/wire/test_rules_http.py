"""§1.2 and §16 at the edge: whatever is sent, the answer is in the vocabulary, as a problem, and never a fault."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from control_plane.edge.endpoint import MAX_BODY_BYTES
from control_plane.edge.lines import MAX_HEAD_BYTES
from store_client.errors import kinds
from tests.wire.live import Servers
from tests.wire.yard import Yard

PROBLEM = "application/problem+json; charset=utf-8"
SEGMENTS = ("%00", "%FF%FE", "%C0%AF", "%ED%A0%80", "..", "%2E%2E", "%2e%2e%2fadmin", "%", "%zz", "x" * 5000, "%0A")
BODIES = (
    *((body, "application/json") for body in (b"", b"{", b"null", b"[]", b'"x"', b"7", b"\xff\xfe{}", b"[" * 100_000)),
    (b'{"reason": "\\ud800"}', "application/json"),
    (b'{"reason": NaN}', "application/json"),
    (b'{"a": 1e999999}', "application/json"),
    (b'{"reason": "worker_error", "reason": 1}', "application/json"),
    (b"{}", "text/html"),
    (b"reason=worker_error", "application/x-www-form-urlencoded"),
)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")


def is_in_the_vocabulary(answer: httpx.Response, status: int, kind: str) -> bool:
    """Whether a refusal is whole: type, title, status, detail, instance and media type."""
    assert answer.headers["content-type"] == PROBLEM, answer.text
    if answer.request.method == "HEAD":
        return answer.status_code == status
    problem = answer.json()
    assert problem["title"]
    assert problem["detail"]
    assert problem["instance"].startswith("/")
    assert kinds()[problem["type"]].status == problem["status"] == answer.status_code
    return (answer.status_code, problem["type"]) == (status, f"eden://error/{kind}")


async def test_a_path_that_is_none_is_not_found_whatever_the_method(yard: Yard) -> None:
    for method in METHODS:
        for path in ("/v0", "/v0/", "/v0/nothing", "/v0/experiments", "/v0/control", "/v0/checkpoints"):
            answer = await yard.http.request(method, path, headers=yard.headers("admin"))
            assert is_in_the_vocabulary(answer, 404, "not-found"), (method, path)


async def test_a_method_that_a_path_does_not_have_is_not_found(yard: Yard) -> None:
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"):
        answer = await yard.http.request(method, f"{yard.v0}/tasks", headers=yard.headers("admin"))
        assert is_in_the_vocabulary(answer, 404, "not-found"), method


async def test_a_slash_too_many_leads_nowhere(yard: Yard) -> None:
    for path in (f"{yard.v0}/", f"{yard.v0}/tasks/", f"{yard.v0}//tasks", f"{yard.api}/"):
        answer = await yard.http.get(path, headers=yard.headers("admin"), follow_redirects=False)
        assert is_in_the_vocabulary(answer, 404, "not-found"), path


async def test_a_head_is_a_read_without_its_bytes(yard: Yard) -> None:
    answer = await yard.http.head(f"{yard.v0}/state", headers=yard.headers("ann"))
    assert answer.status_code == 200
    refused = await yard.http.head(f"{yard.v0}/state")
    assert is_in_the_vocabulary(refused, 401, "unauthorized")


async def test_an_encoded_slash_belongs_to_the_id(yard: Yard) -> None:
    whole = await yard.task()
    odd = await yard.task(task_id=f"{whole}/claim %2F?#é")
    path = f"{yard.v0}/tasks/{whole}%2Fclaim%20%252F%3F%23%C3%A9"
    assert (await yard.http.get(path, headers=yard.headers("ann"))).json()["task_id"] == odd
    assert (await yard.http.post(f"{path}/claim", json={}, headers=yard.headers("ann"))).status_code == 200
    answer = await yard.http.post(f"{yard.v0}/tasks/{whole}%2Fclaim", json={}, headers=yard.headers("bob"))
    assert is_in_the_vocabulary(answer, 404, "not-found")
    assert (await yard.see("task", whole))["state"] == "pending"


async def test_ids_that_cannot_be_are_not_found(yard: Yard) -> None:
    for segment in SEGMENTS:
        for noun in ("tasks", "ideas", "variants", "workers", "groups"):
            answer = await yard.http.get(f"{yard.v0}/{noun}/{segment}", headers=yard.headers("ann"))
            if answer.request.url.raw_path.decode().endswith(f"/{noun}/{segment}"):  # clients take dots out themselves
                assert is_in_the_vocabulary(answer, 404, "not-found"), (noun, segment)


async def test_a_body_that_is_none_is_a_bad_request(yard: Yard) -> None:
    for content, kind in BODIES:
        headers = yard.headers("orchestrators") | {"Content-Type": kind}
        for path in ("tasks/t/reject", "ideas", "terminate", "variants/v/integrate"):
            answer = await yard.http.post(f"{yard.v0}/{path}", content=content, headers=headers)
            assert is_in_the_vocabulary(answer, 400, "bad-request"), (path, content[:100])


async def test_an_odd_dispatch_mode_is_a_bad_request(yard: Yard) -> None:
    odd: tuple[Any, ...] = ({"": []}, {"new": None}, {"new": {}}, {"new": True}, {"a\x00b": "auto"}, {"new": "Auto"})
    for body in odd:
        await yard.changes_nothing("bad-request", "admins", "v0:dispatch_mode", body, "PATCH")


async def test_a_body_beyond_the_limit_is_too_large(yard: Yard) -> None:
    for length, expected in ((MAX_BODY_BYTES, (400, "bad-request")), (MAX_BODY_BYTES + 1, (413, "payload-too-large"))):
        body = b'{"reason": "' + b"x" * (length - 14) + b'"}'
        answer = await yard.http.post(f"{yard.v0}/tasks/t/reject", content=body, headers=yard.headers("orchestrators"))
        assert is_in_the_vocabulary(answer, *expected)


async def test_odd_queries_are_bad_requests_or_ignored(yard: Yard) -> None:
    for query in ("cursor=-1", "cursor=x", "cursor=1.5", "cursor=%FF", "cursor=%00", f"cursor={2**70}"):
        answer = await yard.http.get(f"{yard.v0}/events?{query}", headers=yard.headers("ann"))
        assert is_in_the_vocabulary(answer, 400, "bad-request"), query
    for query in ("", "unknown=1", "cursor=", "&&&", "cursor=0&cursor=0", "%FF=%FE"):
        answer = await yard.http.get(f"{yard.v0}/events?{query}", headers=yard.headers("ann"))
        assert answer.status_code == 200, query


async def test_nothing_to_say_is_zero_bytes_and_the_rest_is_json_with_its_charset(yard: Yard) -> None:
    fault = {"policy_kind": "k", "error_type": "t", "error_message": ""}
    silent = await yard.call("orchestrators", "POST", "v0:policy-errors", fault)
    assert (silent.status_code, silent.content, "content-type" in silent.headers) == (204, b"", False)
    created = await yard.call("orchestrators", "POST", "v0:tasks", body := yard.task_body())
    assert (created.status_code, created.headers["content-type"]) == (200, "application/json; charset=utf-8")
    await yard.claim(body["task_id"])
    reclaimed = await yard.call("ann", "POST", f"v0:tasks/{body['task_id']}/reclaim", {"cause": "operator"})
    assert (reclaimed.status_code, reclaimed.content) == (200, b"")


GARBAGE = (
    b"nonsense\r\n\r\n",
    b"GET /v0/\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * (MAX_HEAD_BYTES + 1) + b"\r\n\r\n",
    b"GET /" + b"x" * (MAX_HEAD_BYTES + 1) + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
)


@pytest.mark.parametrize("sent", GARBAGE, ids=range(len(GARBAGE)))
async def test_what_is_no_request_is_a_bad_request_too(live_sqlite: Servers, sent: bytes) -> None:
    url = httpx.URL(live_sqlite.urls[0])
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(sent)
    head, _, body = (await asyncio.wait_for(reader.read(), 60)).partition(b"\r\n\r\n")
    writer.close()
    assert head.startswith(b"HTTP/1.1 400 ")
    assert f"content-type: {PROBLEM}".encode() in head
    assert json.loads(body)["type"] == "eden://error/bad-request"


async def test_a_body_that_breaks_off_is_no_fault_of_the_server(live_sqlite: Servers) -> None:
    url = httpx.URL(live_sqlite.urls[0])
    for head in (b"Content-Length: 100\r\n\r\n{", b"Transfer-Encoding: chunked\r\n\r\n5\r\n{\r\n"):
        reader, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(b"POST /api/experiments HTTP/1.1\r\nHost: x\r\n" + head)
        writer.write_eof()
        await asyncio.wait_for(reader.read(), 60)
        writer.close()
    async with live_sqlite.client() as http:
        assert (await http.get("/health")).status_code == 200
    assert "ClientDisconnect" not in (live_sqlite.data / "errors.log").read_text()
