"""Nonsense in every address and every form gets a page that says so, never a fault."""

import random
from collections.abc import Iterator, Sequence
from urllib.parse import quote

import httpx
import pytest
from starlette.routing import BaseRoute, Mount, Route

from store_client import ExperimentDetail, NotFound
from store_client.transport import Message
from store_client.wire.calls.tasks import READ_TASK
from tests.web.reading import page
from tests.web.work import Worker
from tests.web.world import World

HOSTILE = [
    "",
    "x",
    "0",
    "-1",
    "NaN",
    "1e999",
    "9" * 400,
    "../../etc/passwd",
    "..",
    "%2e%2e%2f",
    "\x00",
    "a\x00b",
    "\r\nSet-Cookie: a=b",
    "<script>alert(1)</script>",
    "{{ 7 * 7 }}",
    "'; DROP TABLE tasks; --",
    "é" * 300,
    "\N{PILE OF POO}",
    "\u202e",
    "\ufffe",
    "x" * 2_000,
    "exp_00000000000000000000000000",
    "wkr_00000000000000000000000000",
    "--help",
    "null",
    "[]",
]
FIELDS = (
    *("name", "member_id", "role", "mode", "automation", "next", "code", "reason", "state", "order", "after", "metric"),
    *("uri", "offset", "priority", "limit", "slug", "content", "parent_commits", "commit_sha", "status", "description"),
    *("error", "note", "claim", "minutes", "seconds"),
)
ROUNDS = 3
ENDS = ("/signout", "/end", "/live")


def patterns(routes: Sequence[BaseRoute], prefix: str = "") -> Iterator[tuple[str, str]]:
    for route in routes:
        if isinstance(route, Mount) and route.routes:
            yield from patterns(route.routes, prefix + route.path)
        elif isinstance(route, Route):
            yield from ((method, prefix + route.path) for method in sorted((route.methods or set()) - {"HEAD"}))


def filled(pattern: str, chance: random.Random, real: dict[str, list[str]]) -> str:
    """An address of a route: mostly a real experiment, and a real or a hostile word for any other parameter."""
    parts = []
    for part in pattern.split("/"):
        name = part.strip("{}")
        if part.startswith("{"):
            known = real.get(name, [])
            is_real = known and chance.random() < (0.9 if name == "experiment" else 0.5)
            parts.append(quote(chance.choice(known if is_real else HOSTILE[1:]), safe=""))
        else:
            parts.append(part)
    return "/".join(parts)


async def test_no_address_and_no_form_brings_a_fault_about(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    ada = await Worker.of(world, hello)
    await ada.evaluate(error=1.0)
    variant = await ada.variant("one", 1.5, error=0.25)
    store = world.store(hello.experiment_id)
    real = {
        "experiment": ["hello", hello.experiment_id],
        "variant": [variant],
        "idea": ["i-0"],
        "task": [task.task_id for task in (await store.list_task_page()).items],
        "worker": [ada.worker_id],
        "group": [group.group_id for group in (await store.list_experiment_groups()).groups],
    }
    chance = random.Random(20)  # noqa: S311 - the same nonsense in every run
    faults = []
    table = [one for one in patterns(world.app.routes) if not one[1].endswith(ENDS)]
    for method, pattern in table * ROUNDS:
        path = filled(pattern, chance, real)
        fields = {name: chance.choice(HOSTILE) for name in chance.sample(FIELDS, 12)}
        if method == "GET":
            answer = await browser_of_admin.get(path, params=fields)
        elif chance.random() < 0.3:
            answer = await browser_of_admin.post(path, data=fields, files={"files": ("\x00../x", b"\x00" * 50, "x")})
        else:
            answer = await browser_of_admin.post(path, data=fields)
        if answer.status_code >= 500:
            faults.append((method, path[:200], answer.status_code))
        elif "text/html" in answer.headers.get("content-type", ""):
            assert page(answer).find("h1") is not None, path
            assert "<script>alert" not in answer.text, path
    assert faults == []


def test_a_name_that_means_the_folder_above_stays_a_name() -> None:
    path = Message(READ_TASK, {"experiment_id": "exp", "task_id": ".."}).path
    assert path.endswith("/tasks/%2E%2E")
    assert httpx.URL("http://control-plane" + path).raw_path.endswith(b"/tasks/%2E%2E")
    with pytest.raises(NotFound):
        Message(READ_TASK, {"experiment_id": "exp", "task_id": ""}).path  # noqa: B018 - it is computed when asked for
