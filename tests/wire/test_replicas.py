"""Several servers on one PostgreSQL and one data directory: started at once on nothing, started again, one killed."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from control_plane.settings import kept_secret
from tests.wire.live import ADMIN_TOKEN, Servers, end, ready, serving_processes, settle, start

pytestmark = pytest.mark.postgres
ADMIN = {"Authorization": f"Bearer admin:{ADMIN_TOKEN}"}


def credentials(data: Path) -> list[str]:
    """What is left for console and automatic workers."""
    console = (data / "console-token").read_text(encoding="utf-8").strip()
    return [console, *json.loads((data / "runner-tokens.json").read_text(encoding="utf-8")).values()]


def works(url: str, credential: str) -> bool:
    answer = httpx.get(f"{url}/v0/control/whoami", headers={"Authorization": f"Bearer {credential}"}, timeout=60)
    return bool(answer.status_code == 200 and answer.json()["worker_id"] == credential.partition(":")[0])


def test_three_that_start_at_once_on_nothing_make_one_deployment(empty_postgresql_url: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving_processes(empty_postgresql_url, data, 3) as servers:
        left = credentials(data)
        assert len(left) == 4
        assert all(works(url, credential) for url in servers.urls for credential in left)
        for noun, name in (("workers", "console"), ("workers", "orchestrator"), ("groups", "admins")):
            asked = httpx.get(f"{servers.urls[0]}/v0/control/{noun}", params={"name": name}, headers=ADMIN, timeout=60)
            assert len(asked.json()[noun]) == 1
        again = start(empty_postgresql_url, data)
        try:
            url = ready(again, data)
            assert credentials(data) == left
            assert all(works(each, credential) for each in (*servers.urls, url) for credential in left)
        finally:
            end(again)
    assert sorted(path.name for path in data.iterdir() if path.name.startswith((".pepper", ".console"))) == []


def test_a_credential_that_no_longer_works_is_replaced_at_the_next_start(
    empty_postgresql_url: str, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    with serving_processes(empty_postgresql_url, data):
        before = credentials(data)
    (data / "console-token").write_text(before[0][:-1], encoding="utf-8")
    (data / "runner-tokens.json").write_text("{", encoding="utf-8")
    with serving_processes(empty_postgresql_url, data) as servers:
        after = credentials(data)
        assert not set(before) & set(after)
        assert all(works(servers.urls[0], credential) for credential in after)


async def test_what_one_acknowledged_the_others_serve_when_it_is_killed(
    empty_postgresql_url: str, tmp_path: Path
) -> None:
    with serving_processes(empty_postgresql_url, tmp_path / "data", 2) as servers:
        async with Servers(servers.urls[:1], [], servers.data).client() as first:
            app = await settle(first)
        servers.processes[0].kill()
        servers.processes[0].wait()
        async with Servers(servers.urls[1:], [], servers.data).client() as second:
            path = f"/v0/experiments/{app.store.experiment_id}/whoami"
            answer = await second.get(path, headers=app.headers("ann"))
            assert answer.json()["worker_id"] == app.store.id_of("ann")


def test_secrets_that_are_asked_for_at_once_are_one_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as threads:
        found = set(threads.map(lambda _: kept_secret(tmp_path / "secret"), range(64)))
    assert len(found) == 1
    assert len(found.pop()) == 43
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
