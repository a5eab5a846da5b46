"""Thirty-two clients at once, each on a connection of its own: one server on each database, and three on one."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import httpx
import pytest

from tests.store.task_house import CONFIG, sha
from tests.wire.control_desk import CONFIG_URI, C, ControlDesk
from tests.wire.live import ADMIN_TOKEN, RoundRobin, Servers, settle
from tests.wire.yard import Yard

CROWD = 32
Act = Callable[[int, httpx.AsyncClient], Awaitable[httpx.Response]]
ADMIN = {"Authorization": f"Bearer admin:{ADMIN_TOKEN}"}


@dataclass(frozen=True)
class Crowd:
    """A fresh experiment, and clients whose first requests go to different servers."""

    yard: Yard
    clients: list[httpx.AsyncClient]

    async def all_at_once(self, act: Act) -> list[httpx.Response]:
        """The answers to one request of each, sent when every connection stands."""
        await asyncio.gather(*(client.get("/health") for client in self.clients))
        return list(await asyncio.gather(*(act(number, client) for number, client in enumerate(self.clients))))

    async def as_somebody(self, name: str, path: str, *bodies: object, method: str = "POST") -> Counter[str]:
        """How often each answer comes when one person sends these bodies, in turn, from every client."""

        async def act(number: int, client: httpx.AsyncClient) -> httpx.Response:
            body = bodies[number % len(bodies)] if bodies else None
            headers = self.yard.headers(name)
            return await client.request(method, f"{self.yard.v0}/{path}", json=body, headers=headers)

        return tally(await self.all_at_once(act))


def tally(answers: list[httpx.Response]) -> Counter[str]:
    """How often each status or kind of refusal came."""
    return Counter(
        str(one.status_code) if one.is_success else one.json()["type"].removeprefix("eden://error/") for one in answers
    )


@pytest.fixture(
    params=[
        "live_sqlite",
        pytest.param("live_postgresql", marks=pytest.mark.postgres),
        pytest.param("replicas", marks=pytest.mark.postgres),
    ]
)
async def crowd(request: pytest.FixtureRequest) -> AsyncIterator[Crowd]:
    servers: Servers = request.getfixturevalue(request.param)
    async with AsyncExitStack() as opened:
        clients = []
        for number in range(CROWD):
            first = number % len(servers.urls)
            transport = RoundRobin(servers.urls[first:] + servers.urls[:first])
            client = httpx.AsyncClient(transport=transport, base_url=servers.urls[0], timeout=60)
            clients.append(await opened.enter_async_context(client))
        settled = await settle(clients[0])
        yield Crowd(Yard(settled.store, clients[0]), clients)


async def test_of_a_crowd_that_claims_a_task_one_gets_it(crowd: Crowd) -> None:
    yard, headers = crowd.yard, []
    for _ in range(CROWD):
        made = await yard.call("admin", "POST", "v0:workers", {})
        bearer = {"Authorization": f"Bearer {made.json()['worker_id']}:{made.json()['registration_token']}"}
        headers.append(yard.headers("ann") | bearer)
    task_id = await yard.task()
    await yard.told()
    answers = await crowd.all_at_once(
        lambda number, client: client.post(f"{yard.v0}/tasks/{task_id}/claim", json={}, headers=headers[number])
    )
    assert tally(answers) == {"200": 1, "illegal-transition": CROWD - 1}
    (won,) = [answer.json() for answer in answers if answer.is_success]
    assert (await yard.see("task", task_id))["claim"]["worker_id"] == won["worker_id"]
    assert await yard.told() == [("task.claimed", {"task_id": task_id, "worker_id": won["worker_id"]})]


async def test_a_result_that_its_claimant_submits_again_and_again_is_submitted_once(crowd: Crowd) -> None:
    yard = crowd.yard
    task_id = await yard.task()
    await yard.claim(task_id)
    await yard.told()
    body = {"payload": {"status": "success", "idea_ids": [await yard.idea()]}}
    assert await crowd.as_somebody("bob", f"tasks/{task_id}/submit", body) == {"200": CROWD}
    assert (await yard.types()).count("task.submitted") == 1


async def test_of_different_results_submitted_at_once_one_is_kept(crowd: Crowd) -> None:
    yard = crowd.yard
    task_id = await yard.task()
    await yard.claim(task_id)
    ideas = [await yard.idea() for _ in range(4)]
    bodies = [{"payload": {"status": "success", "idea_ids": [idea_id]}} for idea_id in ideas]
    counted = await crowd.as_somebody("bob", f"tasks/{task_id}/submit", *bodies)
    assert counted == {"200": CROWD / 4, "conflicting-resubmission": CROWD * 3 / 4}


async def test_a_variant_is_integrated_once_and_as_one_commit(crowd: Crowd) -> None:
    yard = crowd.yard
    same, contested = await yard.evaluated(accuracy=1), await yard.evaluated(accuracy=1)
    await yard.told()
    body = {"variant_commit_sha": sha(7)}
    assert await crowd.as_somebody("orchestrators", f"variants/{same}/integrate", body) == {"200": CROWD}
    assert await yard.types() == ["variant.integrated"]
    bodies = [{"variant_commit_sha": sha(number)} for number in range(CROWD)]
    counted = await crowd.as_somebody("orchestrators", f"variants/{contested}/integrate", *bodies)
    assert counted == {"200": 1, "invalid-precondition": CROWD - 1}
    assert await yard.types() == ["variant.integrated"]


async def test_one_id_is_given_to_one_task_and_one_idea(crowd: Crowd) -> None:
    yard = crowd.yard
    for name, path, body in (("orchestrators", "tasks", yard.task_body()), ("ann", "ideas", yard.idea_body())):
        await yard.told()
        assert await crowd.as_somebody(name, path, body) == {"200": 1, "already-exists": CROWD - 1}
        assert len(await yard.told()) == 1


async def test_an_idea_gets_one_live_task_however_many_dispatch_it(crowd: Crowd) -> None:
    yard, idea_id = crowd.yard, await crowd.yard.idea()
    bodies = [yard.task_body("execution", idea_id) for _ in range(CROWD)]
    counted = await crowd.as_somebody("orchestrators", "tasks", *bodies)
    assert (counted["200"], sum(counted.values())) == (1, CROWD)
    assert len(await yard.get("v0:tasks", kind="execution")) == 1


async def test_the_end_comes_once(crowd: Crowd) -> None:
    bodies = [{"reason": f"reason {number}"} for number in range(CROWD)]
    assert await crowd.as_somebody("admins", "terminate", *bodies) == {"200": CROWD}
    assert [type_ for type_ in await crowd.yard.types() if type_ == "experiment.terminated"] == [
        "experiment.terminated"
    ]


async def test_of_a_ring_of_groups_the_last_link_is_refused(crowd: Crowd) -> None:
    yard = crowd.yard
    ring = [(await yard.call("admin", "POST", "v0:groups", {})).json()["group_id"] for _ in range(CROWD)]

    async def link(number: int, client: httpx.AsyncClient) -> httpx.Response:
        body = {"member_id": ring[(number + 1) % CROWD]}
        return await client.post(f"{yard.v0}/groups/{ring[number]}/members", json=body, headers=yard.headers("admin"))

    assert tally(await crowd.all_at_once(link)) == {"200": CROWD - 1, "cycle-detected": 1}


async def test_of_a_crowd_that_acquires_a_lease_one_gets_it(crowd: Crowd) -> None:
    desk = ControlDesk(crowd.clients[0])
    holders, entry = [await desk.orchestrator() for _ in range(4)], await desk.entry()

    async def acquire(number: int, client: httpx.AsyncClient) -> httpx.Response:
        holder = holders[number % len(holders)]
        body = {"holder": holder, "holder_instance": str(number)}
        return await ControlDesk(client, desk.tokens).call(holder, "POST", f"/experiments/{entry}/leases", body)

    answers = await crowd.all_at_once(acquire)
    assert tally(answers) == {"201": 1, "lease-held-by-other": CROWD - 1}
    (won,) = [answer.json() for answer in answers if answer.is_success]
    assert (await desk.ask("admin", "GET", f"/experiments/{entry}"))["lease"] == won


async def test_one_id_is_registered_once_and_made_once(crowd: Crowd) -> None:
    experiment_id = crowd.yard.store.experiment_id
    body = {"config_uri": CONFIG_URI, "experiment_id": experiment_id[:-3] + "zzz"}
    answers = await crowd.all_at_once(lambda _, client: client.post(C + "/experiments", json=body, headers=ADMIN))
    assert tally(answers) == {"201": 1, "already-exists": CROWD - 1}
    make = {"config": CONFIG, "experiment_id": body["experiment_id"]}
    answers = await crowd.all_at_once(lambda _, client: client.post("/api/experiments", json=make, headers=ADMIN))
    assert tally(answers) == {"201": 1, "experiment-id-conflict": CROWD - 1}
