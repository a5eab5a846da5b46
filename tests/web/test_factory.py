"""Identities: one for each operator in each experiment, never anybody else's, and none after sign-out."""

import asyncio
import itertools
from collections import defaultdict
from pathlib import Path

import httpx

from store_client import ExchangedBearer, ExperimentDetail, StaticBearer, Transport
from tests.web.world import World
from web_ui.repos import Clones
from web_ui.session import SignedIn
from web_ui.store_factory import LIMIT, Shelf, StoreFactory


async def test_two_operators_in_two_experiments_are_four_people_and_nobody_is_taken_for_another(world: World) -> None:
    ada, bo = await world.person("Ada", "administrator"), await world.person("Bo", "administrator")
    first, second = await world.experiment("First"), await world.experiment("Second")
    world.line.bearers.clear()

    async def work(browser: httpx.AsyncClient, slug: str, number: int) -> None:
        answer = await browser.post(f"/e/{slug}/admin/workers/register", data={"name": f"{slug} {number}"})
        assert answer.status_code == 303

    rounds = [(browser, slug, n) for n, browser, slug in itertools.product(range(3), (ada, bo), ("first", "second"))]
    await asyncio.gather(*(work(*one) for one in rounds))
    principals = defaultdict(set)
    for path, bearer in world.line.bearers:
        if "/experiments/exp_" in path:
            principals[path.split("/")[3]].add(bearer.removeprefix("Bearer ").partition(":")[0])
    assert {experiment: len(found) for experiment, found in principals.items()} == {
        first.experiment_id: 2,
        second.experiment_id: 2,
    }
    assert len(set.union(*principals.values())) == 4
    for one in (first, second):
        workers = (await world.store(one.experiment_id).list_workers()).workers
        names = {worker.worker_id: worker.name for worker in workers}
        assert {names[principal] for principal in principals[one.experiment_id]} == {"Ada", "Bo"}
        registered = [worker for worker in workers if (worker.name or "").startswith(one.slug)]
        assert {worker.registered_by for worker in registered} == principals[one.experiment_id]


async def test_an_identity_is_made_once_however_many_pages_ask_at_once(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    world.line.calls.clear()
    await asyncio.gather(*(browser_of_admin.get("/e/hello/") for _ in range(5)))
    assert world.line.calls.count("POST /api/exchange") == 2  # one for the deployment, one for the experiment
    workers = await world.store(hello.experiment_id).list_workers("Administrator")
    assert len(workers.workers) == 1


async def test_a_token_that_the_server_forgot_is_replaced_once_and_nobody_notices(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    await browser_of_admin.get("/e/hello/admin/groups")
    (worker,) = (await world.store(hello.experiment_id).list_workers("Administrator")).workers
    await world.store(hello.experiment_id).reissue_credential(worker.worker_id)  # voids every token it had
    world.line.calls.clear()
    assert (await browser_of_admin.get("/e/hello/admin/groups")).status_code == 200
    assert world.line.calls.count("POST /api/exchange") == 1
    assert (await browser_of_admin.get("/e/hello/admin/groups")).status_code == 200
    assert world.line.calls.count("POST /api/exchange") == 1


async def test_signing_out_forgets_the_identities_of_that_session_alone(world: World, hello: ExperimentDetail) -> None:
    ada, bo = await world.person("Ada"), await world.person("Bo")
    await ada.get("/e/hello/")
    await bo.get("/e/hello/")
    await ada.post("/signout")
    world.line.calls.clear()
    assert (await bo.get("/e/hello/")).status_code == 200
    assert world.line.calls.count("POST /api/exchange") == 0
    answer = await ada.get("/e/hello/")
    assert answer.headers["location"].startswith("/signin")
    assert world.line.calls.count("POST /api/exchange") == 0


async def test_two_sessions_of_one_operator_share_the_worker_and_not_the_token(
    world: World, hello: ExperimentDetail
) -> None:
    one, other = await world.signed_in(), await world.signed_in()
    world.line.bearers.clear()
    await one.get("/e/hello/admin/groups")
    await other.get("/e/hello/admin/groups")
    sent = {bearer for path, bearer in world.line.bearers if hello.experiment_id in path}
    assert len(sent) == 2
    assert len({bearer.partition(":")[0] for bearer in sent}) == 1


def test_a_shelf_keeps_what_was_used_last() -> None:
    shelf: Shelf[int, str] = Shelf()
    for number in range(LIMIT):
        shelf.take(number, lambda: "made")
    shelf.take(0, lambda: "made again")
    shelf.take(LIMIT, lambda: "made")
    assert len(shelf) == LIMIT
    assert 0 in shelf
    assert 1 not in shelf
    assert shelf.take(0, lambda: "made again") == "made"


async def test_identities_do_not_pile_up(tmp_path: Path) -> None:
    transport = Transport("http://127.0.0.1:9")
    factory = StoreFactory((transport, transport), StaticBearer("wkr_1", "x"), Clones(tmp_path, "http://127.0.0.1:9"))
    for number in range(LIMIT + 50):
        factory.deployment(SignedIn(f"session {number}", "wkr_2", "Ada", "operator"))
    assert len(factory._bearers) == LIMIT
    assert all(isinstance(bearer, ExchangedBearer) for bearer in factory._bearers.values())
    await factory.aclose()


async def test_all_clients_share_the_connections_that_the_console_closes_when_it_ends(tmp_path: Path) -> None:
    transport = Transport("http://127.0.0.1:9")
    factory = StoreFactory((transport, transport), StaticBearer("wkr_1", "x"), Clones(tmp_path, "http://127.0.0.1:9"))
    ada = SignedIn("session", "wkr_2", "Ada", "operator")
    clients = [factory.console, factory.deployment(ada), factory.store(ada, "exp_1"), factory.store(ada, "exp_2")]
    assert all(client.transport is transport for client in clients)
    assert not transport._client.is_closed
    await factory.aclose()
    assert transport._client.is_closed
